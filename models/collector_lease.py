"""Which collector of a standby group is the active one: a row per group in the operational store.

Belongs here: the row, and claiming it so that two who ask at once are not both told yes.
Does not belong here: the rule (lease), opening the store (lease_store), what the active one does (ingest.standby).

The clock is the database's, read inside the transaction: the members' own clocks never meet. A row changes only if it
still is what was read (compare and set), whatever isolation the database runs at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import CursorResult, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.lease import Lease, claim, give_up
from models.orm import Row


class CollectorLeaseRow(Row):
    """One row per standby group."""

    __tablename__ = "collector_lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    token: Mapped[int]
    expires_at: Mapped[datetime]


class Answer(NamedTuple):
    """What the store says to a claim: the lease as it stands, and the store's time."""

    lease: Lease
    now: datetime
    is_ours: bool


def claim_lease(session: Session, *, name: str, holder: str, ttl: timedelta) -> Answer:
    """Claim within the caller's transaction."""
    standing, now = standing_lease(session, name), database_time(session)
    wanted = claim(standing, name=name, holder=holder, now=now, ttl=ttl)
    if wanted is not None and (standing is None or _exchange(session, standing, wanted)):
        if standing is None:
            session.add(CollectorLeaseRow(name=name, holder=holder, token=wanted.token, expires_at=wanted.expires_at))
            session.flush()
        return Answer(wanted, now, is_ours=True)
    standing = standing_lease(session, name) or standing
    assert standing is not None  # noqa: S101  (a claim on no lease at all is granted above)
    return Answer(standing, now, is_ours=False)


def release_lease(session: Session, *, name: str, holder: str) -> None:
    """Give up within the caller's transaction; a lease that another took since is left alone."""
    standing, now = standing_lease(session, name), database_time(session)
    ended = give_up(standing, holder=holder, now=now) if standing is not None else None
    if standing is not None and ended is not None:
        _exchange(session, standing, ended)


def database_time(session: Session) -> datetime:
    """Now, by the clock of the database: SQLite's is its machine's, to the millisecond."""
    if session.get_bind().dialect.name == "sqlite":
        written: str = session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(written).replace(tzinfo=UTC)
    now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now.astimezone(UTC)


def standing_lease(session: Session, name: str) -> Lease | None:
    """The group's lease as the store has it, whether it still stands or not."""
    row = session.get(CollectorLeaseRow, name, populate_existing=True)
    if row is None:
        return None
    return Lease(name=row.name, holder=row.holder, token=row.token, expires_at=row.expires_at)


def _exchange(session: Session, before: Lease, after: Lease) -> bool:
    """Write `after` where the row still is `before`."""
    changed = session.execute(
        update(CollectorLeaseRow)
        .where(
            CollectorLeaseRow.name == before.name,
            CollectorLeaseRow.holder == before.holder,
            CollectorLeaseRow.token == before.token,
            CollectorLeaseRow.expires_at == before.expires_at,
        )
        .values(holder=after.holder, token=after.token, expires_at=after.expires_at)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)  # noqa: S101  (an UPDATE has a row count)
    return changed.rowcount == 1
