"""The terms of a contract that a golden case's parameters mean: prices in keys or in words, and their adjustments.

Belongs here: reading parameters. Does not belong here: usage, and rating (prices.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from models.billing.terms import Term
from models.exact import exact
from tests.unit.models.billing.golden.case import Case

METRIC = "units"
ROUNDINGS = {"up": "up", "ceil": "up", "down": "down", "floor": "down", "half_up": "half_up", "round": "half_up"}


def a_term(rule: str, parameters: Mapping[str, object], *, metric: str | None = None, term_id: str = "price") -> Term:
    return Term(
        term_id=term_id,
        position=0,
        rule=rule,
        description=term_id,
        parameters=parameters,
        metric=metric,
        quantity_unit_code="C62" if metric else None,
    )


def price_of(case: Case) -> Term:
    """The price of a case, by which parameters it has."""
    parameters, model = case["parameters"], str(case["model"]).lower()
    tiers = parameters.get("tiers")
    if isinstance(tiers, str):
        return price_of_text(tiers, model=model, metric=METRIC)
    at_zero = {"flat_when_zero": "flexprice" not in str(case.get("source", "")).lower()}
    if tiers and "rate_pct" in tiers[0]:
        rule, own = "graduated_percentage", {"tiers": percentage_tiers_of(tiers), **at_zero}
    elif tiers:
        rule, own = "volume" if is_volume(model) else "graduated", {"tiers": tiers_of(tiers), **at_zero}
    elif "multiplier" in parameters:
        rule, own = "dynamic", {"multiplier": exact(parameters["multiplier"])}
    elif "rate_pct" in parameters:
        rule, own = "percentage", percentage_of(parameters)
    elif "package_size" in parameters:
        rule, own = "package", package_of(parameters)
    elif "commitment" in parameters or "commitment_units" in parameters:
        rule, own = "commitment", commitment_of(parameters, model)
    else:
        rule, own = "per_unit", {"unit_price": exact(parameters["unit"])}
    return a_term(rule, {**shared_parameters(parameters), **own}, metric=METRIC)


def is_volume(model: str) -> bool:
    return any(word in model for word in ("volume", "bulk", "top_tier"))


def opened(bounds: Sequence[Any]) -> list[Decimal | None]:
    """The bounds with the last one open: past it the last tier goes on."""
    return [*(exact(bound) for bound in bounds[:-1]), None]


def tiers_of(tiers: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    return [
        {"up_to": bound, "unit_price": exact(tier.get("unit", 0)), "flat_amount": exact(tier.get("flat", 0))}
        for tier, bound in zip(tiers, opened([tier["up_to"] for tier in tiers]), strict=True)
    ]


def percentage_tiers_of(tiers: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    return [
        {"up_to": bound, "percent": exact(tier["rate_pct"]), "flat_amount": exact(tier.get("flat", 0))}
        for tier, bound in zip(tiers, opened([tier["up_to"] for tier in tiers]), strict=True)
    ]


def package_of(parameters: Mapping[str, Any]) -> dict[str, object]:
    return {
        "package_size": exact(parameters["package_size"]),
        "package_price": exact(parameters.get("price", 1)),
        "rounding": ROUNDINGS[parameters.get("round", "up")],
        "included_quantity": exact(parameters.get("free_units") or 0),
    }


def shared_parameters(parameters: Mapping[str, Any]) -> dict[str, object]:
    """Conversion and allowance, which every metered rule may have."""
    shared: dict[str, object] = {}
    divisor = parameters.get("divide", parameters.get("divide_by"))
    if divisor is not None:
        rounding = ROUNDINGS[parameters.get("round", "up")]
        shared["unit_conversion"] = {"divide_by": exact(divisor), "rounding": rounding}
    for name in ("free_units_after_rounding", "included", "free"):
        if parameters.get(name):
            shared["included_quantity"] = exact(parameters[name])
    return shared


def percentage_of(parameters: Mapping[str, Any]) -> dict[str, object]:
    has_free = parameters.get("free_events") is not None or bool(parameters.get("free_units"))
    agreed: dict[str, object] = {
        "percent": exact(parameters["rate_pct"]),
        "fixed_fee": exact(parameters.get("fixed_per_event") or 0),
    }
    names = {"min": "least_fee", "max": "most_fee"} | ({"free_units": "free_volume"} if has_free else {})
    for name, own in names.items():
        if parameters.get(name) is not None:
            agreed[own] = exact(parameters[name])
    if parameters.get("free_events") is not None:
        agreed["free_transactions"] = int(parameters["free_events"])
    return agreed


def commitment_of(parameters: Mapping[str, Any], model: str) -> dict[str, object]:
    is_trued_up = parameters.get("true_up", "true-up" in model and "no true-up" not in model)
    agreed: dict[str, object] = {
        "unit_price": exact(parameters["unit"]),
        "overage_factor": exact(parameters.get("overage_factor", 1)),
        "is_trued_up": bool(is_trued_up),
    }
    name = "committed_quantity" if "commitment_units" in parameters else "committed_amount"
    return agreed | {name: exact(parameters.get("commitment_units", parameters.get("commitment")))}


def price_of_text(text: str, *, model: str, metric: str) -> Term:
    """Prices that a case writes as text: blocks ("block 100, max 10 blocks @1"), "20@2 then @20", "first 100 for 4"."""
    if ";" in text or "block" in text:
        blocks = [block_of(part) for part in text.split(";")]
        blocks[-1].pop("most_blocks", None)
        rule = "volume_blocks" if is_volume(model) else "graduated_blocks"
        return a_term(rule, {"tiers": blocks}, metric=metric, term_id=metric)
    tiers: list[dict[str, object]] = []
    reached = Decimal(0)
    for part in re.split(r",?\s*\bthen\b\s*|,\s*", text.strip()):
        width = re.search(r"(?:first|next)\s+([\d.]+)|^([\d.]+)\s*@", part)
        price = re.findall(r"[\d.]+", part)[-1]
        is_flat = "flat" in part
        reached += Decimal(width[1] or width[2]) if width else 0
        tiers.append(
            {
                "up_to": str(reached) if width else None,
                "unit_price": "0" if is_flat else price,
                "flat_amount": price if is_flat else "0",
            }
        )
    tiers[-1]["up_to"] = None
    return a_term("volume" if is_volume(model) else "graduated", {"tiers": tiers}, metric=metric, term_id=metric)


def block_of(text: str) -> dict[str, object]:
    """As "t1 block 100 x10 @1", "block 1: max 10@1.5", "1@1.5 max 10": the size, the price, and how many at most."""
    size = re.search(r"block:?\s+([\d.]+)|^\s*([\d.]+)\s*@", text)
    most = re.search(r"max\s+(\d+)|\bx\s*(\d+)", text)
    price = re.search(r"@\s*([\d.]+)", text)
    if size is None or price is None:
        raise ValueError(f"{text!r} names no block size or no price")
    block: dict[str, object] = {"block_size": size[1] or size[2], "block_price": price[1]}
    return block | ({"most_blocks": int(most[1] or most[2])} if most else {})


def adjustments_of(parameters: Mapping[str, Any], *, applies_to: Sequence[str] = ("price",)) -> list[Term]:
    """The adjustments beside a price, in the order of the house."""
    named = {
        "discount_pct": ("percentage_discount", "percent"),
        "maximum": ("maximum", "amount"),
        "minimum": ("minimum_commitment", "amount"),
        "credit": ("prepaid_credit", "amount"),
    }
    return [
        a_term(rule, {"applies_to": applies_to, own: exact(parameters[name])}, term_id=name)
        for name, (rule, own) in named.items()
        if parameters.get(name) is not None
    ]


def price_in_words(text: str) -> dict[str, object]:
    """As "unit 2, commit 5, overage x2, no true-up"."""
    unit = re.search(r"unit ([\d.]+)", text)
    commit = re.search(r"commit ([\d.]+)( units)?", text)
    factor = re.search(r"overage x([\d.]+)", text)
    unit_price = unit[1] if unit else "0"
    if commit is None:
        return {"rule": "per_unit", "parameters": {"unit_price": unit_price}}
    parameters = {
        "unit_price": unit_price,
        "committed_quantity" if commit[2] else "committed_amount": commit[1],
        "overage_factor": factor[1] if factor else "1",
        "is_trued_up": "true-up" in text and "no true-up" not in text,
    }
    return {"rule": "commitment", "parameters": parameters}
