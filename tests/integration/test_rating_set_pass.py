"""The query over many contract-months gives what rating each by itself gives, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from models.billing.rating.rating_pass import ReadyContract, rated_amounts
from models.billing.rating.rules import ready
from models.billing.rating.set_pass import (
    NET_AMOUNTS,
    NET_BOUND_COLUMNS,
    PRICE_TIER_COLUMNS,
    ROUND_AT,
    net_bounds,
    price_tiers,
)
from models.billing.terms import Term
from models.errors import RatingError
from tests.builders.contracts import a_contract, a_flat_fee, a_graduated, a_per_unit
from tests.builders.readings import usage_of

UNITS = {"good_count": "C62", "running_time": "SEC"}
TIERS = (
    {"up_to": "5", "unit_price": "0.335", "flat_amount": "3.005"},
    {"up_to": "10.5", "unit_price": "0.0004"},
    {"up_to": None, "unit_price": "1"},
)
MONTHS = (("0", "0"), ("5", "1"), ("5.0001", "3600"), ("10.5", "1234567"), ("10.5001", "2678400"), ("999999", "7"))


def a_term(rule: str, parameters: dict[str, Any], *, metric: str | None = None) -> Term:
    unit = {"good_count": "C62", "running_time": "HUR"}.get(metric or "")
    return Term(
        term_id=rule,
        position=9,
        rule=rule,
        description=rule,
        parameters=parameters,
        metric=metric,
        quantity_unit_code=unit,
    )


def contracts(currency_code: str) -> list[ReadyContract]:
    chosen: list[tuple[Term, ...]] = [
        (a_flat_fee("12.345"), a_per_unit("11.805")),
        (a_graduated(*TIERS),),
        (a_graduated(*TIERS, flat_when_zero=True), a_term("minimum_commitment", {"amount": "20"})),
        (a_term("volume", {"tiers": list(TIERS), "included_quantity": "1"}, metric="good_count"),),
        (a_term("volume", {"tiers": list(TIERS), "flat_when_zero": True}, metric="good_count"),),
        (
            a_term("package", {"package_size": "2.5", "package_price": "0.125"}, metric="good_count"),
            a_term("maximum", {"amount": "4"}),
            a_term("minimum_commitment", {"amount": "1"}),
        ),
    ]
    return [
        ready(a_contract(*terms, contract_id=f"contract-{number}", currency_code=currency_code))
        for number, terms in enumerate(chosen)
    ]


def queried(made: Sequence[ReadyContract]) -> list[tuple[str, int, Decimal]]:
    with duckdb.connect() as connection:
        connection.execute(ROUND_AT)
        for table, columns, rows in (
            (
                "price_tier",
                PRICE_TIER_COLUMNS,
                [r for one in made for r in price_tiers(one, metered_units=UNITS.items())],
            ),
            ("net_bound", NET_BOUND_COLUMNS, [row for one in made for row in net_bounds(one)]),
        ):
            connection.execute(f"create table {table} ({columns})")
            for row in rows:
                connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))
        connection.execute("create table contract_month (contract_id varchar, month integer)")
        connection.execute(
            "create table metered (contract_id varchar, month integer, metric varchar, quantity decimal(18, 4))"
        )
        for one in made:
            contract_id = one.contract.contract_id
            for month, (parts, seconds) in enumerate(MONTHS):
                connection.execute("insert into contract_month values (?, ?)", [contract_id, month])
                for metric, quantity in (("good_count", parts), ("running_time", seconds)):
                    if quantity != "0":  # a month without usage has no row
                        connection.execute(
                            "insert into metered values (?, ?, ?, ?)", [contract_id, month, metric, Decimal(quantity)]
                        )
        return connection.execute(f"{NET_AMOUNTS} order by all").fetchall()


@pytest.mark.parametrize("currency_code", ["EUR", "JPY", "KWD"])
def test_the_query_agrees_with_rating_each_month_by_itself(currency_code: str) -> None:
    made = contracts(currency_code)
    expected = [
        (
            one.contract.contract_id,
            month,
            sum(
                rated_amounts(
                    one,
                    usage={
                        "good_count": usage_of("0", parts),
                        "running_time": usage_of("0", seconds, metric="running_time", unit_code="SEC"),
                    },
                    availability=None,
                ),
                Decimal(0),
            ),
        )
        for one in made
        for month, (parts, seconds) in enumerate(MONTHS)
    ]
    assert queried(made) == expected


@pytest.mark.parametrize(
    "terms",
    [
        (a_term("dynamic", {"multiplier": "1.1"}, metric="good_count"),),
        (a_per_unit("0.0000001"),),
        (a_term("package", {"package_size": "2", "package_price": "1", "rounding": "down"}, metric="good_count"),),
        (a_flat_fee(), a_term("percentage_discount", {"percent": "10"})),
        (a_flat_fee(), a_per_unit(), a_term("maximum", {"amount": "10", "applies_to": ["base_fee"]})),
    ],
)
def test_a_term_the_query_does_not_compute_is_refused_not_left_out(terms: tuple[Term, ...]) -> None:
    made = ready(a_contract(*terms))
    with pytest.raises(RatingError, match="rate its contract by itself"):
        (*price_tiers(made, metered_units=UNITS.items()), *net_bounds(made))
