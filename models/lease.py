"""A lease: one of several holds a right for a while, and the next can tell that it is the next.

Belongs here: the rule, as values. Does not belong here: where leases are kept (collector_lease), who asks how often.

The token is what Kleppmann calls a fencing token: it rises with every change of holder, so whatever carries a lower
one comes from a holder that has been replaced, however late it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who holds it until when; all times are those of the one clock that the members share."""

    name: str
    holder: str
    token: int
    expires_at: datetime

    def is_held_at(self, now: datetime) -> bool:
        """Whether it still stands; the instant of expiry itself is free."""
        return now < self.expires_at


def claim(held: Lease | None, *, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
    """The lease as it stands once `holder` has claimed it at `now`; None while it is another's.

    The holder itself renews it, even late if nobody took it meanwhile: then nothing happened that the token could tell.
    """
    if held is None:
        return Lease(name=name, holder=holder, token=1, expires_at=now + ttl)
    if held.holder == holder:
        return replace(held, expires_at=max(held.expires_at, now + ttl))
    if held.is_held_at(now):
        return None
    return Lease(name=name, holder=holder, token=held.token + 1, expires_at=now + ttl)


def give_up(held: Lease, *, holder: str, now: datetime) -> Lease | None:
    """The lease as it stands once `holder` has given it up at `now`; None if it is not its own to give."""
    if held.holder != holder:
        return None
    return replace(held, expires_at=min(held.expires_at, now))
