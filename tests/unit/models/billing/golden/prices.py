"""Golden cases of prices, adjustments, discounts and tax, put through the real rating code.

Belongs here: reading a case's parameters as the terms of a contract and its usage as metered usage, and handing both to
`rated_lines`. Does not belong here: arithmetic, and the families of periods.py and meters.py.

A case that says its figures are exact is compared before the last rounding (quantity x price of the lines), because its
source rounds nothing; every other is compared by the amounts of the lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from models.billing.rating import RatedLine, check_terms
from models.billing.rating.included_allowance import allowance_of_split
from models.billing.rating.parts import UsagePart
from models.billing.rating.rating_pass import ChargeWhy, rated_lines
from models.billing.rating.rules import ready
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.billing.terms import Term
from models.billing.totals import totals_of
from models.billing.usage import UsageRecord
from models.billing.wallet import settle
from models.exact import exact
from models.money import Money, total
from tests.builders.contracts import a_contract
from tests.builders.readings import usage_of
from tests.unit.models.billing.golden.case import Adapter, Case
from tests.unit.models.billing.golden.price_terms import (
    METRIC,
    a_term,
    adjustments_of,
    price_in_words,
    price_of,
    price_of_text,
    tiers_of,
)

FINEST = "UYW"  # four decimals: for cases that round nothing
PRICE_NAMES = {
    "tiers", "unit", "package_size", "price", "free_units", "multiplier", "rate_pct", "fixed_per_event", "free_events",
    "min", "max", "commitment", "commitment_units", "overage_factor", "true_up", "divide", "divide_by", "round",
    "free_units_after_rounding", "included", "free", "window", "aggregation",
}  # fmt: skip
ADJUSTMENT_NAMES = {"discount_pct", "maximum", "minimum", "credit", "currency"}
WHOLE_USAGE = {"units", "raw", "amount", "parts"}
BY_PART = {"bucket_max", "windows", "per_group"}
BY_TRANSACTION = {"events", "transactions", "running_total"}


def rated(
    terms: Sequence[Term],
    *,
    currency: str,
    quantities: Mapping[str, Decimal] | None = None,
    parts: Sequence[UsagePart] = (),
    share: PeriodShare = WHOLE_PERIOD,
) -> tuple[RatedLine, ...]:
    """The lines of a contract of these terms, in their order."""
    numbered = [
        Term(**{**{name: getattr(term, name) for name in Term.__dataclass_fields__}, "position": number})
        for number, term in enumerate(terms, start=1)
    ]
    contract = a_contract(*numbered, currency_code=currency, time_zone="UTC")
    check_terms(contract)
    usage: dict[str, UsageRecord] = {
        metric: usage_of("0", f"{quantity:f}", metric=metric) for metric, quantity in (quantities or {}).items()
    }
    return rated_lines(
        ready(contract), usage=usage, availability=None, parts={METRIC: tuple(parts)} if parts else {}, share=share
    )


def is_rounded(case: Case) -> bool:
    """Whether the case's figures were rounded to the currency."""
    text = str(case.get("rounding", "")).lower()
    return "currency" in case["parameters"] or (
        not text.startswith("exact") and re.search(r"half-up|rounded|cent", text) is not None
    )


def currency_of(case: Case) -> str:
    return str(case["parameters"].get("currency", "EUR" if is_rounded(case) else FINEST)).upper()


def amount_of(case: Case, lines: Iterable[RatedLine]) -> Decimal:
    """What the lines charge together: their amounts, or before rounding where the case rounds nothing."""
    if is_rounded(case):
        return total((line.amount for line in lines), currency_code=currency_of(case)).amount
    return sum((line.quantity * line.unit_price for line in lines), Decimal(0))


# Usage at a price -----------------------------------------------------------------------------------------------------


def is_priced(case: Case) -> bool:
    names = set(case["parameters"])
    has_price = bool(names & {"tiers", "unit", "package_size", "multiplier", "rate_pct"})
    return has_price and names <= PRICE_NAMES | ADJUSTMENT_NAMES


def is_whole_usage(case: Case) -> bool:
    names = set(case["usage"]) - {"already_billed"}
    return is_priced(case) and len(names) == 1 and names <= WHOLE_USAGE


def whole_usage(case: Case) -> object:
    usage = dict(case["usage"])
    already_billed = exact(usage.pop("already_billed", 0))
    (quantity,) = usage.values()
    lines = lines_of(case, exact(quantity))
    return in_form(case, amount_of(case, lines) - already_billed, lines)


def lines_of(case: Case, quantity: Decimal, *, parts: Sequence[UsagePart] = (), is_last: bool = True) -> Any:
    parameters = {
        name: value for name, value in case["parameters"].items() if is_last or name not in {"minimum", "credit"}
    }
    terms = [price_of(case), *adjustments_of(parameters)]
    return rated(terms, currency=currency_of(case), quantities={METRIC: quantity}, parts=parts)


def in_form(case: Case, amount: Decimal, lines: Iterable[RatedLine]) -> object:
    """The amount, the lines, or both by name, as the case states them."""
    if "expected_lines" not in case:
        return amount
    stated = case["expected_lines"]
    shown = [line for line in lines if line.net]
    told: list[object] = [line_of(line) if isinstance(stated[0], dict) else line.net for line in shown]
    return {"expected_amount": amount, "expected_lines": told} if "expected_amount" in case else told


def line_of(line: RatedLine) -> dict[str, object]:
    place = line.why.charge.place if isinstance(line.why, ChargeWhy) else 0
    if line.explanation.inputs.get("is_flat_amount"):
        return {"tier": place, "flat": line.unit_price}
    return {"tier": place, "qty": line.quantity, "unit": line.unit_price, "amount": line.net}


def is_split(case: Case) -> bool:
    return is_priced(case) and set(case["usage"]) - {"already_billed"} == {"before", "in_line"}


def split(case: Case) -> object:
    """The cumulative is rated, the difference billed; a minimum is made up on the last split of a period only."""
    usage = case["usage"]
    before, in_line = exact(usage["before"]), exact(usage["in_line"])
    whole = amount_of(case, lines_of(case, before + in_line))
    billed = usage.get("already_billed")
    if billed is None:
        return whole - amount_of(case, lines_of(case, before, is_last=False))
    return whole - exact(billed)


def is_by_part(case: Case) -> bool:
    return is_priced(case) and len(case["usage"]) == 1 and set(case["usage"]) <= BY_PART


def by_part(case: Case) -> object:
    """Each hour, window or group at the price on its own."""
    ((name, quantities),) = case["usage"].items()
    price = price_of(case)
    by = "group" if name == "per_group" else "bucket"
    parts = [
        UsagePart(exact(quantity), dimensions={"group": str(number)}) for number, quantity in enumerate(quantities)
    ]
    parameters = {"by": by, "price": {"rule": price.rule, "parameters": dict(price.parameters)}}
    lines = rated(
        [a_term("per_part", parameters, metric=METRIC), *adjustments_of(case["parameters"])],
        currency=currency_of(case),
        quantities={METRIC: sum((part.quantity for part in parts), Decimal(0))},
        parts=parts,
    )
    return amount_of(case, lines)


def is_by_transaction(case: Case) -> bool:
    names = set(case["usage"])
    return is_priced(case) and bool(names & BY_TRANSACTION) and names <= BY_TRANSACTION | {"amount", "events_count"}


def by_transaction(case: Case) -> object:
    """The price of the transactions; where a case wants lines, what each adds to the cumulative."""
    volumes = transactions_of(case["usage"])
    parts = [UsagePart(volume) for volume in volumes]
    if "expected_lines" not in case:
        return amount_of(case, lines_of(case, sum(volumes, Decimal(0)), parts=parts))
    reached = [
        amount_of(case, lines_of(case, volume, parts=parts[:number]))
        for number, volume in enumerate(accumulate(volumes), start=1)
    ]
    return [reached[0], *(later - earlier for earlier, later in pairwise(reached))]


def transactions_of(usage: Mapping[str, Any]) -> list[Decimal]:
    """As listed; or from a running total, the last transaction being what is left of the amount."""
    if "running_total" not in usage:
        (listed,) = usage.values()
        return [exact(volume) for volume in listed]
    reached = [Decimal(0), *(exact(volume) for volume in usage["running_total"])]
    volumes = [later - earlier for earlier, later in pairwise(reached)]
    if "amount" in usage and len(volumes) < int(usage.get("events_count", len(volumes) + 1)):
        volumes.append(exact(usage["amount"]) - reached[-1])
    return volumes


def is_by_meter(case: Case) -> bool:
    parameters = case["parameters"]
    return (
        bool(parameters)
        and set(parameters) == set(case["usage"])
        and all(isinstance(price, str) and "@" in price for price in parameters.values())
    )


def by_meter(case: Case) -> object:
    """Several meters, each at a price of its own."""
    terms = [
        price_of_text(text, model=str(case["model"]).lower(), metric=metric)
        for metric, text in case["parameters"].items()
    ]
    quantities = {metric: exact(quantity) for metric, quantity in case["usage"].items()}
    return amount_of(case, rated(terms, currency=currency_of(case), quantities=quantities))


def is_by_hour(case: Case) -> bool:
    is_hourly = bool(case["usage"]) and all(re.fullmatch(r"\d\d:\d\d", name) for name in case["usage"])
    return is_hourly and any(str(price).startswith("[") for price in case["parameters"].values())


def by_hour(case: Case) -> object:
    windows = [
        {"from_hour": int(hours[1]), "to_hour": int(hours[2]), "price": price_in_words(price)}
        for price in case["parameters"].values()
        if (hours := re.match(r"\[(\d+),\s*(\d+)\)", price))
    ]
    otherwise = price_in_words(case["parameters"].get("else", "unit 0"))
    parts = [
        UsagePart(exact(quantity), starts_at=datetime(2026, 3, 2, *map(int, hour.split(":")), tzinfo=UTC))
        for hour, quantity in case["usage"].items()
    ]
    lines = rated(
        [a_term("time_of_day", {"windows": windows, "otherwise": otherwise, "is_per_hour": True}, metric=METRIC)],
        currency=currency_of(case),
        quantities={METRIC: sum((part.quantity for part in parts), Decimal(0))},
        parts=parts,
    )
    return amount_of(case, lines)


# Allowances, minimums, discounts and tax ------------------------------------------------------------------------------


def has(*names: str, usage: Iterable[str], optional: Iterable[str] = ()) -> Callable[[Case], bool]:
    """Accepts these parameters and usage, and none but the optional beside them."""
    needed, wanted, free = set(names), set(usage), set(optional)

    def accepts(case: Case) -> bool:
        given, measured = set(case["parameters"]), set(case["usage"])
        return needed <= given <= needed | free and wanted <= measured <= wanted | free

    return accepts


def allowance(case: Case) -> object:
    usage = case["usage"]
    left = allowance_of_split(
        before=exact(usage["before"]), in_line=exact(usage["in_line"]), included=exact(case["parameters"]["included"])
    )
    return {"billable": left.billable, "used_before": left.used_before, "used_now": left.used_now}


def base_and_minimum(case: Case) -> object:
    """A base fee, included units, tiers after them, and a minimum for the usage."""
    parameters, (quantity,) = case["parameters"], case["usage"].values()
    tiers = {
        "tiers": tiers_of(parameters["tiers_after"]),
        "included_quantity": exact(parameters.get("included", 0)),
    }
    terms = [
        a_term("flat_fee", {"amount": exact(parameters.get("base", 0))}, term_id="base"),
        a_term("graduated", tiers, metric=METRIC),
        *adjustments_of({"minimum": parameters.get("minimum_usage_fee")}),
    ]
    return amount_of(case, rated(terms, currency=currency_of(case), quantities={METRIC: exact(quantity)}))


def a_fee(amount: Decimal, *, term_id: str, is_prorated: bool = False) -> Term:
    return a_term("flat_fee", {"amount": amount, "is_prorated": is_prorated}, term_id=term_id)


def share_of(usage: Mapping[str, Any]) -> PeriodShare:
    """As "25 of 28 days", "2/29", or a number; the whole where nothing is said."""
    text = str(next((usage[name] for name in ("active_share", "active_days", "active") if name in usage), "1"))
    numbers = re.match(r"([\d.]+)(?:\s*(?:of|/)\s*([\d.]+))?", text)
    if numbers is None:
        raise ValueError(f"{text!r} names no share of a period")
    return PeriodShare(exact(numbers[1]), exact(numbers[2] or 1))


def cents(value: Any) -> Decimal:
    """An amount of cents in whole units."""
    return exact(value) / 100


def in_cents(line_amount: Decimal) -> Decimal:
    return line_amount * 100


def true_up_of(lines: Iterable[RatedLine]) -> Decimal:
    return sum((line.net for line in lines if line.rule == "minimum_commitment"), Decimal(0))


def used_against_minimum(case: Case) -> object:
    terms = [a_fee(exact(case["usage"]["used"]), term_id="price"), *adjustments_of(case["parameters"])]
    return true_up_of(rated(terms, currency=str(case["parameters"].get("currency", "EUR")).upper()))


def commitment_of_a_plan(case: Case) -> object:
    """A minimum over a base fee and usage, both shares of their month where the period is not whole."""
    parameters, usage = case["parameters"], case["usage"]
    is_prorated = bool(parameters.get("prorate", True))
    terms = [
        a_fee(cents(parameters.get("base_fee_cents", 0)), term_id="base", is_prorated=is_prorated),
        a_fee(cents(usage.get("usage_fees_cents", 0)), term_id="usage"),
        a_minimum(parameters["minimum_cents"], is_prorated=is_prorated),
    ]
    return in_cents(true_up_of(rated(terms, currency="EUR", share=share_of(usage))))


def a_minimum(minimum_cents: Any, *, is_prorated: bool = True) -> Term:
    return a_term("minimum_commitment", {"amount": cents(minimum_cents), "is_prorated": is_prorated}, term_id="minimum")


def minimum_of_a_charge(case: Case) -> object:
    """A charge and its minimum, with VAT by line or on the sum, as the case rounds it."""
    parameters, usage = case["parameters"], case["usage"]
    if "lines_cents" in usage:
        terms = [a_fee(cents(amount), term_id=f"line_{number}") for number, amount in enumerate(usage["lines_cents"])]
        quantities: dict[str, Decimal] = {}
    else:
        terms = [a_term("per_unit", {"unit_price": cents(parameters["unit_cents"])}, metric=METRIC)]
        quantities = {METRIC: exact(usage["units"])}
    terms.append(a_minimum(parameters["minimum_cents"]))
    lines = rated(terms, currency="EUR", quantities=quantities, share=share_of(usage))
    rate = exact(parameters.get("vat_pct", 0))
    taxed = [[line.amount] for line in lines] if "per line" in case["rounding"] else [[line.amount for line in lines]]
    feet = [totals_of(amounts, tax_rate_percent=rate, currency_code="EUR") for amounts in taxed]
    true_up = true_up_of(lines)
    told = {
        "usage": sum((line.net for line in lines), Decimal(0)) - true_up,
        "true_up": true_up,
        "vat": sum((foot.tax_amount.amount for foot in feet), Decimal(0)),
        "total": sum((foot.payable_amount.amount for foot in feet), Decimal(0)),
    }
    told["total_before_credit"] = told["total"]
    if "expected_lines" not in case:
        return in_cents(told["total"])
    return {name: in_cents(told[name]) for name in case["expected_lines"]}


def minimum_over_bills(case: Case) -> object:
    """The whole that a period charges once its bills are drawn: the minimum is made up on the last."""
    terms = [a_fee(exact(amount), term_id=f"bill_{number}") for number, amount in enumerate(case["usage"]["billed"])]
    names = [term.term_id for term in terms]
    lines = rated([*terms, *adjustments_of(case["parameters"], applies_to=names)], currency=currency_of(case))
    return amount_of(case, lines)


def chained_discounts(case: Case) -> object:
    terms = [a_fee(exact(case["usage"]["subtotal"]), term_id="price")]
    for number, percent in enumerate(case["parameters"]["coupons_pct"]):
        parameters = {"percent": exact(percent), "applies_to": ("price",)}
        terms.append(a_term("percentage_discount", parameters, term_id=f"coupon_{number}"))
    return amount_of(case, rated(terms, currency=currency_of(case)))


def whole_invoice(case: Case) -> object:
    """Lines, the line's discount, the invoice's discount, tax, wallet."""
    parameters, usage = case["parameters"], case["usage"]
    terms = [a_fee(exact(amount), term_id=name) for name, amount in usage.items()]
    if parameters.get("line_coupon_pct_on_usage"):
        discount = {"percent": exact(parameters["line_coupon_pct_on_usage"]), "applies_to": ("usage",)}
        terms.append(a_term("percentage_discount", discount, term_id="line_coupon"))
    if parameters.get("invoice_coupon"):
        terms.append(a_term("amount_discount", {"amount": exact(parameters["invoice_coupon"])}, term_id="coupon"))
    currency = str(parameters.get("currency", "EUR")).upper()
    foot = totals_of(
        (line.amount for line in rated(terms, currency=currency)),
        tax_rate_percent=exact(parameters.get("tax_pct", 0)),
        currency_code=currency,
    )
    balance = Money(exact(parameters.get("wallet", 0)), currency)
    return settle(foot.payable_amount, balance=balance).payable_amount.amount


def several_taxes(case: Case) -> object:
    currency = str(case["parameters"].get("currency", "EUR")).upper()
    (line,) = rated([a_fee(exact(case["usage"]["taxable"]), term_id="price")], currency=currency)
    feet = [
        totals_of([line.amount], tax_rate_percent=exact(percent), currency_code=currency)
        for percent in case["parameters"]["tax_pct"]
    ]
    return total((foot.tax_amount for foot in feet), currency_code=currency).amount


ADAPTERS = (
    Adapter(name="usage at a price", accepts=is_whole_usage, answer=whole_usage),
    Adapter(name="split of a period at a price", accepts=is_split, answer=split),
    Adapter(name="each part at a price", accepts=is_by_part, answer=by_part),
    Adapter(name="transactions", accepts=is_by_transaction, answer=by_transaction),
    Adapter(name="several meters", accepts=is_by_meter, answer=by_meter),
    Adapter(name="windows of the day", accepts=is_by_hour, answer=by_hour),
    Adapter(name="allowance over splits", accepts=has("included", usage=["before", "in_line"]), answer=allowance),
    Adapter(
        name="base fee, included units, minimum",
        accepts=has("tiers_after", usage=["parts"], optional=["base", "included", "minimum_usage_fee"]),
        answer=base_and_minimum,
    ),
    Adapter(
        name="true-up to a minimum",
        accepts=has("minimum", usage=["used"], optional=["currency"]),
        answer=used_against_minimum,
    ),
    Adapter(
        name="minimum of a plan",
        accepts=has(
            "minimum_cents",
            usage=[],
            optional=["base_fee_cents", "prorate", "active_share", "active_days", "active", "usage_fees_cents"],
        ),
        answer=commitment_of_a_plan,
    ),
    Adapter(
        name="minimum of a charge",
        accepts=lambda case: (
            has("minimum_cents", "unit_cents", usage=["units"], optional=["vat_pct", "active"])(case)
            or has("minimum_cents", usage=["lines_cents"], optional=["vat_pct", "active"])(case)
        ),
        answer=minimum_of_a_charge,
    ),
    Adapter(
        name="minimum over bills",
        accepts=has("minimum", usage=["billed"], optional=["unit"]),
        answer=minimum_over_bills,
    ),
    Adapter(name="chained discounts", accepts=has("coupons_pct", usage=["subtotal"]), answer=chained_discounts),
    Adapter(
        name="order of an invoice",
        accepts=has(
            "tax_pct",
            usage=["usage"],
            optional=["fixed", "line_coupon_pct_on_usage", "invoice_coupon", "wallet", "currency"],
        ),
        answer=whole_invoice,
    ),
    Adapter(
        name="several taxes", accepts=has("tax_pct", usage=["taxable"], optional=["currency"]), answer=several_taxes
    ),
)
