"""Golden cases run through the real rules, to the cent.

The selection in tests/golden/billing is what the rules here can express of a larger collection; where that collection
stands beside the repository, or LINESHAFT_GOLDEN_CASES names it, a test proves the selection faithful and complete.
"""

from __future__ import annotations

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import tests
from models.billing.rating import Rating, rate
from models.billing.terms import Term
from models.billing.usage import UsageRecord
from models.timeline import local_day
from tests.builders.contracts import (
    ASSET,
    a_contract,
    a_flat_fee,
    a_graduated,
    a_per_unit,
    an_availability_guarantee,
)
from tests.builders.readings import MARCH, a_reading, a_segment, availability_in_hours, usage_from, usage_of

REPOSITORY = Path(tests.__file__).parents[1]
SELECTION = REPOSITORY / "tests" / "golden" / "billing" / "cases.json"
COLLECTION = Path(
    os.environ.get("LINESHAFT_GOLDEN_CASES", REPOSITORY.parent / "shared" / "data" / "billing" / "golden_cases.json")
)
CASES: list[dict[str, Any]] = json.loads(SELECTION.read_text(encoding="utf-8"))
PRICED = [case for case in CASES if not case["id"].startswith("eaas-")]
OWN = {case["id"]: case for case in CASES if case["id"].startswith("eaas-")}
FLAT_WHEN_ZERO = {"lago-graduated-0"}  # the peer charges the first tier's flat amount at zero usage
OWN_EXPRESSIBLE = {"eaas-availability", "eaas-drop-undeclared", "eaas-dst-day", "eaas-reset", "eaas-rollover"}


def rated(*terms: Term, usage: UsageRecord | None = None, **given: Any) -> Rating:
    return rate(
        a_contract(*terms),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={"good_count": usage} if usage else {},
        availability=given.get("availability"),
    )


@pytest.mark.parametrize("case", PRICED, ids=lambda case: case["id"])
def test_a_peers_case_gives_the_amount_it_expects(case: dict[str, Any]) -> None:
    parameters = case["parameters"]
    if "unit" in parameters:
        term = a_per_unit(parameters["unit"], metric="good_count", unit="C62")
    else:
        tiers = [
            {"up_to": tier["up_to"], "unit_price": tier["unit"], "flat_amount": tier["flat"]}
            for tier in parameters["tiers"]
        ]
        term = a_graduated(*tiers, flat_when_zero=case["id"] in FLAT_WHEN_ZERO)
    rating = rated(term, usage=usage_of("0", case["usage"]["units"]))
    assert rating.net_amount.amount == Decimal(case["expected_amount"])


def test_a_peers_tiers_are_our_lines() -> None:
    case = next(case for case in CASES if case["id"] == "om-grad-22")
    tiers = [
        {"up_to": tier["up_to"], "unit_price": tier["unit"], "flat_amount": tier["flat"]}
        for tier in case["parameters"]["tiers"]
    ]
    lines = rated(a_graduated(*tiers), usage=usage_of("0", "22")).lines
    charged = [str(line.amount.amount.normalize()) for line in lines if line.amount.amount]
    assert [Decimal(amount) for amount in charged] == [100, 50, 25, 7]


def test_eaas_availability() -> None:
    case = OWN["eaas-availability"]
    agreed, down = case["parameters"], case["usage"]["downtime_h"]
    guarantee = an_availability_guarantee(
        guaranteed_ratio=agreed["guarantee"],
        percent_per_point=str(agreed["credit_per_point_pct_of_base"]),
        cap_percent=str(agreed["cap_pct"]),
    )
    measured = availability_in_hours(
        scheduled=str(case["usage"]["scheduled_h"]), **{cause: str(hours) for cause, hours in down.items()}
    )
    credit = rated(a_flat_fee(agreed["base"]), guarantee, availability=measured).lines[1]
    assert -credit.amount.amount == Decimal(case["expected_amount"])


def test_eaas_rollover() -> None:
    case = OWN["eaas-rollover"]
    first, second, third = (a_reading(str(value)) for _, value in case["usage"]["readings"])
    usage = usage_from(
        a_segment(first, second, number=1),
        a_segment(second, third, number=2, kind="rollover", modulus=str(case["parameters"]["modulus"])),
    )
    rating = rated(a_per_unit(case["parameters"]["unit"], metric="good_count", unit="C62"), usage=usage)
    assert (usage.quantity, rating.net_amount.amount) == (1400, Decimal(case["expected_amount"]))


def test_eaas_reset() -> None:
    """What ran between the last old and the first new reading is unknown: the declared values say how much it was."""
    case = OWN["eaas-reset"]
    start, before, after, end = (str(value) for _, value in case["usage"]["readings"])
    usage = usage_from(
        a_segment(a_reading(start), a_reading(before), number=1),
        a_segment(
            a_reading(before),
            a_reading(after),
            number=2,
            kind="replacement",
            old_final_value=before,
            new_start_value="0",
        ),
        a_segment(a_reading(after), a_reading(end), number=3),
    )
    rating = rated(a_per_unit(case["parameters"]["unit"], metric="good_count", unit="C62"), usage=usage)
    assert rating.net_amount.amount == Decimal(case["expected_amount"])


def test_eaas_drop_undeclared() -> None:
    case = OWN["eaas-drop-undeclared"]
    usage = usage_of(*(str(value) for _, value in case["usage"]["readings"]), flag="held")
    rating = rated(a_per_unit(metric="good_count", unit="C62"), usage=usage)
    assert case["expected_amount"] == "hold"
    assert rating.hold_reasons


def test_eaas_dst_day() -> None:
    case = OWN["eaas-dst-day"]
    days = [local_day(date.fromisoformat(day), case["parameters"]["timezone"]) for day in case["usage"]["days"]]
    assert [str(day.duration.total_seconds() // 3600) for day in days] == [f"{h}.0" for h in case["expected_lines"]]


def test_the_selection_is_what_the_rules_can_express_of_the_whole_collection() -> None:
    if not COLLECTION.exists():
        pytest.skip("the whole collection of golden cases is not beside this repository")
    collection = json.loads(COLLECTION.read_text(encoding="utf-8"))
    assert [case for case in collection if is_expressible(case)] == CASES


def is_expressible(case: dict[str, Any]) -> bool:
    """Whole usage at one price or in tiers; the rest needs rules that do not exist here yet."""
    parameters, usage = case["parameters"], case["usage"]
    if not case["agrees_with_recomputation"] or set(usage) != {"units"}:
        return case["id"] in OWN_EXPRESSIBLE
    if set(parameters) == {"unit"}:
        return bool(case["model"] == "unit")
    tiers = parameters.get("tiers")
    is_tiered = set(parameters) == {"tiers"} and isinstance(tiers, list) and case["model"].startswith("graduated")
    return is_tiered and all(set(tier) == {"up_to", "unit", "flat"} for tier in tiers)
