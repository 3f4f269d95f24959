"""Every price rule: the examples of its reference page, the laws it keeps, and what it refuses."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tests
from models.billing.rating import RULES, RatedLine, check_terms
from models.billing.rating.included_allowance import allowance_of_split
from models.billing.rating.parts import UsagePart, parts_data, parts_of
from models.billing.rating.prices import PRICES
from models.billing.rating.rating_pass import rated_amounts, rated_lines
from models.billing.rating.rules import ready
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.billing.terms import Term
from models.billing.wallet import settle
from models.errors import RatingError
from models.money import Money, round_amount
from tests.builders.contracts import a_contract, a_flat_fee
from tests.builders.readings import usage_of

PAGE = Path(tests.__file__).parents[1] / "docs" / "reference" / "price_rules.md"
EXAMPLES: list[dict[str, Any]] = [
    json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]
PRICED_RULES = [name for name, rule in RULES.items() if rule.charges is not None]


def a_term(rule: str, parameters: dict[str, Any], *, term_id: str = "term", position: int = 2) -> Term:
    metric = "good_count" if RULES[rule].is_metered else None
    return Term(
        term_id=term_id,
        position=position,
        rule=rule,
        description="Term",
        parameters=parameters,
        metric=metric,
        quantity_unit_code="C62" if metric else None,
    )


def rated(
    *terms: Term, quantity: str = "0", parts: tuple[UsagePart, ...] = (), share: PeriodShare = WHOLE_PERIOD
) -> tuple[RatedLine, ...]:
    """The lines, after making sure that the amounts alone are the same."""
    contract = a_contract(*terms, time_zone="UTC")
    check_terms(contract)
    made = ready(contract)
    usage = {"good_count": usage_of("0", quantity)}
    by_metric = {"good_count": parts} if parts else {}
    lines = rated_lines(made, usage=usage, availability=None, parts=by_metric, share=share)
    assert [line.net for line in lines] == rated_amounts(
        made, usage=usage, availability=None, parts=by_metric, share=share
    )
    return lines


def net(*terms: Term, quantity: str) -> Decimal:
    return sum((line.net for line in rated(*terms, quantity=quantity)), Decimal(0))


def part_of(written: Any) -> UsagePart:
    if isinstance(written, str):
        return UsagePart(Decimal(written))
    quantity, of = written
    if isinstance(of, dict):
        return UsagePart(Decimal(quantity), dimensions=of)
    return UsagePart(Decimal(quantity), starts_at=datetime.fromisoformat(of))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["rule"])
def test_an_example_of_the_page_is_what_the_rule_gives(example: dict[str, Any]) -> None:
    terms = [a_flat_fee(example["base"], term_id="base")] if "base" in example else []
    share = PeriodShare(*(Decimal(number) for number in example.get("share", ("1", "1"))))
    lines = rated(
        *terms,
        a_term(example["rule"], example["parameters"]),
        quantity=example.get("quantity", "0"),
        parts=tuple(part_of(written) for written in example.get("parts", ())),
        share=share,
    )
    assert [str(line.net) for line in lines] == example["lines"]


def test_the_page_has_a_paragraph_and_an_example_of_every_rule() -> None:
    headings = re.findall(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == set(PRICED_RULES) == {example["rule"] for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["rule"])
def test_every_line_is_quantity_times_price_rounded_once_and_explains_itself(example: dict[str, Any]) -> None:
    terms = [a_flat_fee(example["base"], term_id="base")] if "base" in example else []
    for line in rated(
        *terms,
        a_term(example["rule"], example["parameters"]),
        quantity=example.get("quantity", "0"),
        parts=tuple(part_of(written) for written in example.get("parts", ())),
    ):
        assert line.amount == round_amount(Money(line.unit_price, "EUR") * line.quantity)
        assert line.unit_price >= 0  # BR-27: a credit has a negative quantity, never a negative price
        told = json.loads(json.dumps(line.explanation.as_data()))
        assert told["formula"]
        assert told["result"] == str(line.amount)
        assert told["steps"][-1].endswith("rounded half-up")
        assert line.description.startswith(line.term.description)


@pytest.mark.parametrize("rule", ["per_part", "time_of_day", "dimension_prices"])
def test_a_rule_by_part_without_its_parts_holds_the_invoice(rule: str) -> None:
    (example,) = (example for example in EXAMPLES if example["rule"] == rule)
    lines = rated(a_term(rule, example["parameters"]), quantity="7")
    assert {line.hold_reason for line in lines} == {
        "term: it is priced by part, and the parts of good_count are missing"
    }


@pytest.mark.parametrize("rule", PRICED_RULES)
def test_nothing_measured_is_a_line_of_zero(rule: str) -> None:
    example = next(example for example in EXAMPLES if example["rule"] == rule)
    if rule in {"flat_fee", "commitment", "minimum_commitment"}:  # these are owed without usage
        return
    lines = rated(
        a_term("per_unit", {"unit_price": "1"}, term_id="usage", position=1), a_term(rule, example["parameters"])
    )
    assert {line.net for line in lines} == {Decimal("0.00")}
    assert {line.term_id for line in lines} == {"usage", "term"}


def test_adjustments_follow_the_order_of_the_house_whatever_their_positions() -> None:
    lines = rated(
        a_term("prepaid_credit", {"amount": "5"}, term_id="credit", position=1),
        a_term("amount_discount", {"amount": "10"}, term_id="invoice_discount", position=2),
        a_term("minimum_commitment", {"amount": "60", "applies_to": ["fee"]}, term_id="minimum", position=3),
        a_term("maximum", {"amount": "40", "applies_to": ["fee"]}, term_id="maximum", position=4),
        a_term("percentage_discount", {"percent": "50", "applies_to": ["fee"]}, term_id="discount", position=5),
        a_flat_fee("100", term_id="fee", position=6),
        a_flat_fee("20", term_id="other", position=7),
    )
    assert [(line.term_id, str(line.net)) for line in lines] == [
        ("fee", "100.00"),
        ("other", "20.00"),
        ("discount", "-50.00"),
        ("maximum", "-10.00"),
        ("minimum", "20.00"),
        ("invoice_discount", "-10.00"),
        ("credit", "-5.00"),
    ]


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        ([("maximum", {"amount": "1", "applies_to": ["rent"]})], "applies to rent, which is no charge"),
        ([("maximum", {"amount": "1", "applies_to": ["fee", "fee"]})], "names a term twice"),
        (
            [
                ("maximum", {"amount": "9", "applies_to": ["fee", "other"]}),
                ("minimum_commitment", {"amount": "1", "applies_to": ["fee"]}),
            ],
            "both adjust fee, but",
        ),
        ([("percentage_discount", {"percent": "101"})], "less than or equal to 100"),
        ([("package", {"package_size": "0", "package_price": "1"})], "package_size"),
        ([("volume", {"tiers": [{"up_to": "5", "unit_price": "1"}]})], "the last tier, and only the last"),
        ([("graduated_blocks", {"tiers": [{"block_size": "5", "block_price": "1", "most_blocks": 2}]})], "most_blocks"),
        ([("commitment", {"unit_price": "1"})], "one of them"),
        ([("percentage", {"percent": "1", "least_fee": "3", "most_fee": "2"})], "least_fee is not above"),
        ([("percentage", {"percent": "1", "included_quantity": "3"})], "use free_volume"),
        ([("per_part", {"price": {"rule": "barter", "parameters": {}}})], "'barter' prices no quantity"),
        ([("per_part", {"price": {"rule": "per_unit", "parameters": {}}})], "unit_price: Field required"),
        (
            [
                (
                    "per_part",
                    {"price": {"rule": "per_unit", "parameters": {"unit_price": "1", "included_quantity": "1"}}},
                )
            ],
            "belong to the term",
        ),
        ([("dimension_prices", {"prices": [], "otherwise_unit_price": "1"})], "prices"),
        ([("per_unit", {"unit_price": "1", "unit_conversion": {"divide_by": "0"}})], "divide_by"),
    ],
)
def test_terms_that_cannot_be_rated_are_refused_when_the_contract_loads(
    terms: list[tuple[str, dict[str, Any]]], problem: str
) -> None:
    made = [
        a_term(rule, parameters, term_id=f"term_{number}", position=number)
        for number, (rule, parameters) in enumerate(terms, start=3)
    ]
    with pytest.raises(RatingError, match=problem):
        check_terms(a_contract(a_flat_fee(term_id="fee"), a_flat_fee(term_id="other", position=2), *made))


def test_parts_are_written_into_the_explanation_and_read_back() -> None:
    parts = (
        UsagePart(Decimal("1.5"), starts_at=datetime(2026, 3, 1, 9, tzinfo=UTC)),
        UsagePart(Decimal(2), dimensions={"product": "A"}, full_quantity=Decimal(3)),
    )
    assert parts_of(json.loads(json.dumps(parts_data(parts)))) == parts


def test_a_wallet_pays_what_is_due_and_no_more() -> None:
    due = Money(Decimal("75.78"), "EUR")
    assert str(settle(due, balance=Money(Decimal(5), "EUR")).payable_amount) == "70.78 EUR"
    assert str(settle(due, balance=Money(Decimal(500), "EUR")).payable_amount) == "0.00 EUR"
    assert settle(-due, balance=Money(Decimal(5), "EUR")).payable_amount == -due
    with pytest.raises(RatingError, match="correct its bookings"):
        settle(due, balance=Money(Decimal(-1), "EUR"))


quantities = st.decimals(min_value=0, max_value=10**7, places=4, allow_nan=False)
MONOTONE = ["per_unit", "graduated", "package", "graduated_blocks", "graduated_percentage", "dynamic", "commitment"]


@pytest.mark.parametrize("rule", MONOTONE)
@given(one=quantities, other=quantities)
@settings(max_examples=40)
def test_more_usage_never_costs_less(rule: str, one: Decimal, other: Decimal) -> None:
    term = a_term(rule, next(example["parameters"] for example in EXAMPLES if example["rule"] == rule))
    assert net(term, quantity=f"{min(one, other):f}") <= net(term, quantity=f"{max(one, other):f}")


@pytest.mark.parametrize("rule", list(PRICES))
@given(splits=st.lists(quantities, min_size=1, max_size=5))
@settings(max_examples=40)
def test_the_differences_billed_over_any_split_add_up_to_the_whole(rule: str, splits: list[Decimal]) -> None:
    term = a_term(rule, next(example["parameters"] for example in EXAMPLES if example["rule"] == rule))
    capped = a_term("maximum", {"amount": "5000", "applies_to": ["term"]}, term_id="cap", position=3)
    reached, billed = Decimal(0), []
    for split in splits:
        reached += split
        billed.append(net(term, capped, quantity=f"{reached:f}") - sum(billed, Decimal(0)))
    assert sum(billed, Decimal(0)) == net(term, capped, quantity=f"{sum(splits, Decimal(0)):f}")


@given(quantity=st.decimals(min_value=0, max_value=5, places=4, allow_nan=False))
def test_usage_and_its_true_up_are_the_commitment_to_the_cent(quantity: Decimal) -> None:
    term = a_term("commitment", {"unit_price": "1.9", "committed_amount": "10", "is_trued_up": True})
    assert net(term, quantity=f"{quantity:f}") == 10


@given(splits=st.lists(quantities, min_size=1, max_size=6), included=quantities)
def test_an_allowance_is_used_once_over_any_split(splits: list[Decimal], included: Decimal) -> None:
    before, billable = Decimal(0), Decimal(0)
    for split in splits:
        billable += allowance_of_split(before=before, in_line=split, included=included).billable
        before += split
    assert billable == max(Decimal(0), before - included)


@given(parts=st.lists(quantities, min_size=1, max_size=30))
@settings(max_examples=40)
def test_parts_at_one_price_cost_what_the_whole_does(parts: list[Decimal]) -> None:
    term = a_term("per_part", {"price": {"rule": "per_unit", "parameters": {"unit_price": "0.0137"}}})
    whole = f"{sum(parts, Decimal(0)):f}"
    (line,) = rated(term, quantity=whole, parts=tuple(UsagePart(part) for part in parts))
    assert line.net == net(a_term("per_unit", {"unit_price": "0.0137"}), quantity=whole)
    assert line.quantity == Decimal(whole)


@given(base=quantities, least=quantities, most=quantities)
def test_a_minimum_and_a_maximum_bound_what_is_charged(base: Decimal, least: Decimal, most: Decimal) -> None:
    bounds = sorted((round_amount(Money(least, "EUR")).amount, round_amount(Money(most, "EUR")).amount))
    charged = net(
        a_flat_fee(f"{base:f}", term_id="fee"),
        a_term("maximum", {"amount": f"{bounds[1]:f}"}, term_id="most"),
        a_term("minimum_commitment", {"amount": f"{bounds[0]:f}"}, term_id="least"),
        quantity="0",
    )
    assert bounds[0] <= charged <= bounds[1]
