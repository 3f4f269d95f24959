"""A collector's right to collect, as this process knows it: held until an instant of a clock nobody sets.

Belongs here: the terms of a lease, and the fence that stops whoever may have lost it. Does not belong here: the store
that grants it (models.lease_store), waiting for it and renewing it (standby).

A member counts its time from before it asked, the store from when it answered: by its own count a member's right always
ends first. The clock runs on while the process or the machine sleeps, so that who wakes up late knows it at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from ingest.errors import LeaseLost
from models.lease import Lease

Fence = Callable[[], None]
"""Called before anything that only the active collector may do; raises LeaseLost when this one may no longer be it."""


def unfenced() -> None:
    """The fence of a collector that shares its session with nobody."""


def boot_clock() -> float:
    """Seconds since the machine started, its sleep included."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, kw_only=True)
class LeaseTerms:
    """How long a lease stands without renewal, how often its holder renews and the others ask, in seconds."""

    ttl_s: float = 10.0
    renewal_s: float = 3.0
    poll_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.renewal_s <= self.ttl_s / 2:
            raise ValueError(
                f"a lease of {self.ttl_s:g} s cannot be renewed every {self.renewal_s:g} s: renew at least twice in it"
            )
        if self.poll_s <= 0:
            raise ValueError("members of a standby group ask for the lease after more than 0 seconds")


class Tenure:
    """One turn of being the active collector, from the lease's grant to its loss."""

    def __init__(self, lease: Lease, *, ttl_s: float, asked_at: float, clock: Callable[[], float] = boot_clock) -> None:
        self.lease = lease
        self._ttl_s = ttl_s
        self._clock = clock
        self._until = asked_at + ttl_s

    @property
    def remaining_s(self) -> float:
        """Seconds for which this collector surely is the only active one."""
        return max(0.0, self._until - self._clock())

    def extend(self, *, asked_at: float) -> None:
        """The store renewed the lease on a request made at `asked_at`; a turn that was ended stays ended."""
        if self._until != -math.inf:
            self._until = max(self._until, asked_at + self._ttl_s)

    def end(self) -> None:
        """The store says that another holds the lease."""
        self._until = -math.inf

    def require(self) -> None:
        """The fence.

        Raises:
            LeaseLost: the lease is another's, or may be by now.
        """
        if self._clock() >= self._until:
            raise LeaseLost(
                f"the lease of standby group {self.lease.name!r} is no longer surely ours; another member may collect",
                lease=self.lease.name,
            )
