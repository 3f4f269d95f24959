"""What became of everything the plants sent, read from the warehouse.

Belongs here: the questions put to it, and what counts as passing. Does not belong here: the storm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.integration.storm.account import LedgerEntry, LossAccount, account_for
from tests.integration.storm.plants import ENERGY, EdgeNodePlant, JsonPlant

AUTOSAVE_S, AWAY_S = 30.0, 20.0
"""What the broker acknowledged so shortly before its own kill -9 may be gone with it. With it may go the collector's
session, and then nobody is subscribed until the collector is back, which backs off for 15 s at most."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Counts that must be nought, and what they are counts of."""

    acknowledged_count: int
    acknowledged_lost: int
    lost_by_broker: int
    doubled_rows: int
    incomplete_messages: int
    foreign_messages: int
    wrong_totals: int
    rejected_files: int
    quarantined_messages: int
    account: LossAccount

    @property
    def is_pass(self) -> bool:
        return not any(
            (
                self.acknowledged_lost,
                self.doubled_rows,
                self.incomplete_messages,
                self.foreign_messages,
                self.wrong_totals,
                self.rejected_files,
                len(self.account.unaccounted),
            )
        )


def judge(home: Path, *, edges: Sequence[EdgeNodePlant], json_plant: JsonPlant, crashes: Sequence[float]) -> Verdict:
    """`crashes` are the times (s since 1970) at which the broker itself was killed."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        landed = {name for (name,) in warehouse.execute("select message_id from raw.message").fetchall()}
        aside = {name for (name,) in warehouse.execute("select message_id from raw.quarantined_message").fetchall()}
        ledger = [
            LedgerEntry(node, kind, _milliseconds(start), _milliseconds(stop), estimated)
            for node, kind, start, stop, estimated in warehouse.execute(
                "select edge_node_id, loss_kind, from_at, until_at, estimated_count from raw.loss"
            ).fetchall()
        ]

        def count(query: str) -> int:
            row = warehouse.execute(query).fetchone()
            return int(row[0] or 0) if row else 0

        doubled = count("select count(*) - count(distinct message_id) from raw.message") + count(
            "select count(*) - count(distinct (message_id, metric_index)) from raw.reading"
        )
        incomplete = count(
            """
            select count(*) from raw.message
            left join (select message_id, count(*) as found from raw.reading group by all) using (message_id)
            where message.reading_count <> coalesce(found, 0)
            """
        )
        totals = dict(
            warehouse.execute(
                "select edge_node_id, max(value_decimal) from raw.reading where metric_name = $name group by all",
                {"name": ENERGY},
            ).fetchall()
        )
        rejected = count("select count(*) from raw.rejected_file")
    found = landed | aside
    missing = [acked_at for identity, acked_at in json_plant.acknowledged.items() if identity not in found]
    by_broker = sum(any(-AWAY_S <= crash - acked_at <= AUTOSAVE_S for crash in crashes) for acked_at in missing)
    sent = [message for edge in edges for message in edge.sent]
    known = {message.message_id for message in sent} | json_plant.acknowledged.keys()
    return Verdict(
        acknowledged_count=len(json_plant.acknowledged),
        acknowledged_lost=len(missing) - by_broker,
        lost_by_broker=by_broker,
        doubled_rows=doubled,
        incomplete_messages=incomplete,
        foreign_messages=_count_foreign(home, known),
        wrong_totals=sum(totals.get(edge.name) != edge.produced - 1 for edge in edges),
        rejected_files=rejected,
        quarantined_messages=len(aside),
        account=account_for(sent, found=found, ledger=ledger),
    )


def _count_foreign(home: Path, known: set[str]) -> int:
    """Landed messages that nobody sent; deaths are the broker's to send, and commands and STATE never land."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("select message_id from raw.message where message_type <> 'NDEATH'").fetchall()
    return sum(identity not in known for (identity,) in rows)


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.replace(tzinfo=UTC).timestamp() * 1000)
