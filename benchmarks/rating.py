"""Rating against a bare Decimal loop over the same tiers, and against the same sums in DuckDB; ratios of one run.

    python benchmarks/rating.py [--contract-months 100000] [--repeats 3] [--gate]

Prints `figure  ours  peer  ratio  target  met/MISSED`; 1,000,000 contract-months are the full size. Contracts mix flat
fees, prices per hour, graduated and volume tiers with flat amounts, packages, included units, minimums and
maximums, in five kinds. The loop has its tiers as tuples of Decimals, converts, rounds, multiplies and rounds as we
do, and keeps amounts and nothing else. Every contestant's amounts are compared, month by month, before a figure counts.

"Kept" means that each line holds what its explanation is written from; "written" also writes every sentence of it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder

from benchmarks.ingestion.figures import Figure, Report, median
from models.billing.rating.rating_pass import ReadyContract, rated_amounts, rated_lines
from models.billing.rating.rules import ready
from models.billing.rating.set_pass import (
    NET_AMOUNTS,
    NET_BOUND_COLUMNS,
    PRICE_TIER_COLUMNS,
    ROUND_AT,
    net_bounds,
    price_tiers,
)
from models.billing.terms import Contract, Term
from models.billing.usage import MeterSegment, Reading, UsageRecord
from models.timeline import month_period
from tests.builders.contracts import ASSET, a_contract

CHUNK = 20_000  # contract-months held at once
MONTH = month_period("2026-03", "Europe/Berlin")
UNITS = {"good_count": "C62", "running_time": "SEC"}
CENT = Decimal("0.01")
Terms = list[tuple[str, dict[str, object], str | None]]


class Month(NamedTuple):
    """One contract-month: the contract, its quantities for the loop, and its usage for us."""

    contract: int
    parts: Decimal
    seconds: Decimal
    usage: dict[str, UsageRecord]


def kinds(chance: random.Random) -> list[Terms]:
    """Five contracts of different rules, with prices of their own."""

    def price(most: int) -> str:
        return f"{chance.randint(1, most * 1000) / 1000:.3f}"

    tiers = [
        {"up_to": "1000", "unit_price": price(2)},
        {"up_to": "4000", "unit_price": price(2)},
        {"up_to": "9000", "unit_price": price(1)},
        {"up_to": None, "unit_price": price(1)},
    ]
    flats = [{**tier, "flat_amount": price(90)} for tier in tiers]
    hours: tuple[str, dict[str, object], str | None] = ("per_unit", {"unit_price": price(20)}, "running_time")
    fee: tuple[str, dict[str, object], str | None] = ("flat_fee", {"amount": price(9000)}, None)
    return [
        [fee, hours, ("graduated", {"tiers": tiers}, "good_count")],
        [fee, ("volume", {"tiers": flats}, "good_count"), ("minimum_commitment", {"amount": "9000"}, None)],
        [
            fee,
            ("package", {"package_size": "144", "package_price": price(40)}, "good_count"),
            ("graduated", {"tiers": flats}, "good_count"),
            ("maximum", {"amount": "12000"}, None),
        ],
        [hours, ("graduated", {"tiers": tiers}, "good_count"), ("minimum_commitment", {"amount": "2500"}, None)],
        [
            fee,
            ("graduated", {"tiers": tiers, "included_quantity": "500"}, "good_count"),
            ("maximum", {"amount": "8000"}, None),
            ("minimum_commitment", {"amount": "3000"}, None),
        ],
    ]


def contract_of(number: int, terms: Terms) -> Contract:
    """The same as a contract."""
    return a_contract(
        *(
            Term(
                term_id=f"term-{position}",
                position=position,
                rule=rule,
                description=rule,
                parameters=parameters,
                metric=metric,
                quantity_unit_code={"good_count": "C62", "running_time": "HUR"}.get(metric or ""),
            )
            for position, (rule, parameters, metric) in enumerate(terms, start=1)
        ),
        contract_id=f"contract-{number}",
    )


def usage_record(contract_id: str, metric: str, quantity: Decimal) -> UsageRecord:
    """Usage with the two readings that prove it."""
    opening = Reading(
        at=datetime(2026, 2, 28, 23, tzinfo=UTC),
        value=Decimal(0),
        unit_code=UNITS[metric],
        message_id="m",
        metric_index=0,
        landed_file="f",
        file_row=0,
        file_sha256="s",
    )
    closing = replace(opening, at=opening.at + timedelta(days=31), value=quantity)
    segment = MeterSegment(
        segment_number=1, segment_kind="increase", opening=opening, closing=closing, quantity=quantity
    )
    return UsageRecord(
        contract_id=contract_id,
        physical_asset_id=ASSET,
        metric=metric,
        unit_code=UNITS[metric],
        service_period=MONTH,
        quantity=quantity,
        quantity_flag="actual",
        segments=(segment,),
    )


def months(chance: random.Random, contracts: Sequence[Contract], count: int) -> list[Month]:
    """Contract-months with quantities on both sides of every bound; one in twenty has no usage at all."""
    made = []
    for _ in range(count):
        contract = chance.randrange(len(contracts))
        is_idle = chance.random() < 0.05
        parts = Decimal(0) if is_idle else Decimal(chance.choice((500, 1000, 4000, chance.randint(1, 20_000))))
        seconds = Decimal(0) if is_idle else Decimal(chance.randint(1, 2_678_400))
        contract_id = contracts[contract].contract_id
        usage = {
            "good_count": usage_record(contract_id, "good_count", parts),
            "running_time": usage_record(contract_id, "running_time", seconds),
        }
        made.append(Month(contract, parts, seconds, usage))
    return made


# The peer -------------------------------------------------------------------------------------------------------------


def bare(terms: Terms) -> list[tuple[object, ...]]:
    """The terms as the loop has them: a kind, the meter, and Decimals in tuples."""
    chosen: list[tuple[object, ...]] = []
    for rule, given, metric in terms:
        tiers = [
            (
                None if tier["up_to"] is None else Decimal(tier["up_to"]),
                Decimal(tier["unit_price"]),
                Decimal(tier.get("flat_amount", 0)),
            )
            for tier in given.get("tiers", ())  # type: ignore[attr-defined]
        ]
        numbers = {name: Decimal(str(value)) for name, value in given.items() if name != "tiers"}
        chosen.append((rule, metric == "running_time", tiers, numbers))
    return chosen


def loop(  # noqa: C901, PLR0912 (one bare loop, as it would be written by hand: calls would slow it)
    contracts: Sequence[list[tuple[object, ...]]], chunk: Sequence[Month]
) -> list[list[Decimal]]:
    """Every month's amounts by a bare loop."""
    zero, places, rated = Decimal(0), Decimal("0.0001"), []
    for month in chunk:
        amounts: list[Decimal] = []
        for rule, is_hours, tiers, numbers in contracts[month.contract]:
            if rule == "flat_fee":
                amounts.append(numbers["amount"].quantize(CENT, ROUND_HALF_UP))
                continue
            if rule == "minimum_commitment":
                amounts.append(max(zero, numbers["amount"] - sum(amounts, zero)).quantize(CENT, ROUND_HALF_UP))
                continue
            if rule == "maximum":
                amounts.append(-max(zero, sum(amounts, zero) - numbers["amount"]).quantize(CENT, ROUND_HALF_UP))
                continue
            quantity = (month.seconds / 3600 if is_hours else month.parts).quantize(places, ROUND_HALF_UP)
            if rule == "per_unit":
                amounts.append((quantity * numbers["unit_price"]).quantize(CENT, ROUND_HALF_UP))
            elif rule == "package":
                packages = (quantity / numbers["package_size"]).to_integral_value(ROUND_CEILING)
                amounts.append((packages * numbers["package_price"]).quantize(CENT, ROUND_HALF_UP))
            elif rule == "volume":
                for up_to, unit_price, flat in tiers:
                    if up_to is None or quantity <= up_to:
                        amounts.append((quantity * unit_price).quantize(CENT, ROUND_HALF_UP))
                        if flat and quantity:
                            amounts.append(flat.quantize(CENT, ROUND_HALF_UP))
                        break
            else:
                if "included_quantity" in numbers:
                    quantity = max(zero, quantity - numbers["included_quantity"])
                lower = zero
                for up_to, unit_price, flat in tiers:
                    upper = quantity if up_to is None or quantity <= up_to else up_to
                    amounts.append(((upper - lower) * unit_price).quantize(CENT, ROUND_HALF_UP))
                    if flat and quantity:
                        amounts.append(flat.quantize(CENT, ROUND_HALF_UP))
                    if upper == quantity:
                        break
                    lower = upper
        rated.append(amounts)
    return rated


# Ours -----------------------------------------------------------------------------------------------------------------


def kept(contracts: Sequence[ReadyContract], chunk: Sequence[Month]) -> list[list[Decimal]]:
    """Lines with their explanations kept."""
    rated = []
    for month in chunk:
        lines = rated_lines(contracts[month.contract], usage=month.usage, availability=None)
        rated.append([line.net for line in lines])
    return rated


def written(contracts: Sequence[ReadyContract], chunk: Sequence[Month]) -> list[list[Decimal]]:
    """Lines with every explanation written out."""
    rated = []
    for month in chunk:
        lines = rated_lines(contracts[month.contract], usage=month.usage, availability=None)
        for line in lines:
            line.explanation.as_data()
        rated.append([line.net for line in lines])
    return rated


def amounts(contracts: Sequence[ReadyContract], chunk: Sequence[Month]) -> list[list[Decimal]]:
    """Amounts alone."""
    return [rated_amounts(contracts[month.contract], usage=month.usage, availability=None) for month in chunk]


class Sets:
    """The query of set_pass over the same months, in DuckDB."""

    def __init__(self, contracts: Sequence[ReadyContract]) -> None:
        import duckdb

        self.connection = duckdb.connect()
        self.connection.execute(ROUND_AT)
        for table, columns, rows in (
            (
                "price_tier",
                PRICE_TIER_COLUMNS,
                [r for c in contracts for r in price_tiers(c, metered_units=UNITS.items())],
            ),
            ("net_bound", NET_BOUND_COLUMNS, [row for contract in contracts for row in net_bounds(contract)]),
        ):
            self.connection.execute(f"create table {table} ({columns})")
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"insert into {table} values ({marks})", [list(row) for row in rows])
        self.contracts = contracts

    def land(self, chunk: Sequence[Month]) -> None:
        """Put the months' usage where the warehouse would have it; a month without usage has no row."""
        import pyarrow

        ids = [self.contracts[month.contract].contract.contract_id for month in chunk]
        contract_month = pyarrow.table({"contract_id": ids, "month": list(range(len(chunk)))})
        metered = pyarrow.table(
            {
                "contract_id": [*ids, *ids],
                "month": [*range(len(chunk)), *range(len(chunk))],
                "metric": ["good_count"] * len(chunk) + ["running_time"] * len(chunk),
                "quantity": pyarrow.array(
                    [*(month.parts for month in chunk), *(month.seconds for month in chunk)], pyarrow.decimal128(18, 4)
                ),
            }
        )
        self.connection.register("landed_month", contract_month)
        self.connection.register("landed_usage", metered)
        self.connection.execute("create or replace table contract_month as from landed_month")
        self.connection.execute("create or replace table metered as from landed_usage where quantity > 0")

    def rate(self) -> list[Decimal]:
        """Each month's net amount."""
        self.connection.execute(f"create or replace table net as {NET_AMOUNTS}")
        return []

    def nets(self) -> list[Decimal]:
        """What the last run gave, by month."""
        return [row[0] for row in self.connection.execute("select net_amount from net order by month").fetchall()]


def timed(function: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def measure(report: Report, *, count: int, repeats: int) -> None:
    """Run every contestant over the same months, chunk by chunk, interleaved; medians of the whole."""
    chance = random.Random(5)
    terms = [kind for _ in range(40) for kind in kinds(chance)]
    contracts = [contract_of(number, kind) for number, kind in enumerate(terms)]
    made_ready = [ready(contract) for contract in contracts]
    tuples = [bare(kind) for kind in terms]
    sets = Sets(made_ready)
    totals: dict[str, list[float]] = {name: [0.0] * repeats for name in ("loop", "kept", "amounts", "sets", "written")}
    done = 0
    while done < count:
        chunk = months(chance, contracts, min(CHUNK, count - done))
        sets.land(chunk)
        for repeat in range(repeats):
            took, expected = timed(partial(loop, tuples, chunk))
            totals["loop"][repeat] += took
            for name, function in (("kept", kept), ("amounts", amounts), ("written", written)):
                took, got = timed(partial(function, made_ready, chunk))
                totals[name][repeat] += took
                if got != expected:
                    raise SystemExit(f"{name}: its amounts are not those of the loop")
            took, _ = timed(sets.rate)
            totals["sets"][repeat] += took
        if sets.nets() != [sum(of_month) for of_month in expected]:  # type: ignore[attr-defined]
            raise SystemExit("DuckDB: its net amounts are not those of the loop")
        done += len(chunk)
    speed = {name: count / median(values) for name, values in totals.items()}
    report.add(Figure(name="explanations kept", ours=speed["kept"], peer=speed["loop"], unit="months/s", target=0.25))
    report.add(Figure(name="amounts alone", ours=speed["amounts"], peer=speed["loop"], unit="months/s", target=0.5))
    report.add(Figure(name="amounts alone, DuckDB", ours=speed["sets"], peer=speed["loop"], unit="months/s", target=1))
    report.add(Figure(name="explanations written out", ours=speed["written"], peer=speed["loop"], unit="months/s"))
    report.note(f"{count:,} contract-months of {len(contracts)} contracts; every amount equal to the loop's")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contract-months", type=int, default=100_000, help="1000000 is the full size")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each contestant, interleaved; medians count")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a target is missed")
    given = parser.parse_args()
    report = Report()
    print(report.heading(), flush=True)
    measure(report, count=given.contract_months, repeats=given.repeats)
    if given.gate and not report.is_met:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
