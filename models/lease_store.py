"""One collector's access to its standby group's lease: a connection of its own to the operational store.

Belongs here: opening the store for it, and what a claim costs the others. Does not belong here: the rows
(collector_lease), the rule (lease), when to claim (ingest.standby).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from models.collector_lease import Answer, claim_lease, database_time, release_lease, standing_lease
from models.errors import StoreError
from models.store import open_store, sessions


class LeaseStore:
    """One member's access to its group's lease. Its methods block: call them beside the event loop."""

    def __init__(self, url: str, *, name: str, holder: str, ttl_s: float) -> None:
        self.name = name
        self.holder = holder
        self._ttl = timedelta(seconds=ttl_s)
        self._engine = open_store(url)
        self._reading, self._writing = sessions(self._engine, is_read_only=True), sessions(self._engine)

    def claim(self) -> Answer:
        """Take the lease if it is free, renew it if it is ours.

        Raises:
            StoreError: the database cannot be reached; whoever holds the lease keeps it until it expires.
        """
        try:
            with self._reading.begin() as session:  # who only waits does not queue for SQLite's one writer
                standing, now = standing_lease(session, self.name), database_time(session)
            if standing is not None and standing.holder != self.holder and standing.is_held_at(now):
                return Answer(standing, now, is_ours=False)
            try:
                with self._writing.begin() as session:
                    return claim_lease(session, name=self.name, holder=self.holder, ttl=self._ttl)
            except IntegrityError:  # another member inserted the group's first row between our reading and writing
                with self._writing.begin() as session:
                    return claim_lease(session, name=self.name, holder=self.holder, ttl=self._ttl)
        except SQLAlchemyError as error:
            raise _unreachable(error) from error

    def release(self) -> None:
        """Give the lease up, so that the next member need not wait for its end."""
        try:
            with self._writing.begin() as session:
                release_lease(session, name=self.name, holder=self.holder)
        except SQLAlchemyError as error:
            raise _unreachable(error) from error

    def close(self) -> None:
        """Let go of the database; the lease stays as it is."""
        self._engine.dispose()


def _unreachable(error: SQLAlchemyError) -> StoreError:
    first = str(error).partition("\n")[0]
    return StoreError(
        f"The operational store does not answer for the collectors' lease ({first}); mend its connection."
    )
