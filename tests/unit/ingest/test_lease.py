"""ingest.lease: the right to collect ends by a clock nobody sets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.errors import LeaseLost
from ingest.lease import LeaseTerms, Tenure, boot_clock, unfenced
from models.lease import Lease

LEASE = Lease(name="plant", holder="a", token=3, expires_at=datetime(2026, 1, 1, tzinfo=UTC))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_tenure(clock: Clock) -> Tenure:
    return Tenure(LEASE, ttl_s=10, asked_at=100, clock=clock)


def test_a_right_lasts_from_the_asking_not_from_the_answer() -> None:
    clock = Clock()
    tenure = a_tenure(clock)
    clock.now = 109.9
    tenure.require()
    clock.now = 110
    with pytest.raises(LeaseLost, match="'plant'") as lost:
        tenure.require()
    assert (lost.value.lease, tenure.remaining_s) == ("plant", 0)


def test_a_renewal_lengthens_it_and_one_asked_earlier_does_not_shorten_it() -> None:
    clock = Clock()
    tenure = a_tenure(clock)
    tenure.extend(asked_at=105)
    tenure.extend(asked_at=103)
    clock.now = 114
    tenure.require()
    assert tenure.remaining_s == 1


def test_a_right_that_was_ended_is_not_brought_back_by_a_late_renewal() -> None:
    tenure = a_tenure(Clock())
    tenure.end()
    tenure.extend(asked_at=100)
    with pytest.raises(LeaseLost):
        tenure.require()


def test_a_collector_of_its_own_meets_no_fence_and_the_clock_runs() -> None:
    unfenced()
    assert 0 < boot_clock() <= boot_clock()


@pytest.mark.parametrize("terms", [{"ttl_s": 5, "renewal_s": 3}, {"renewal_s": 0}, {"poll_s": 0}])
def test_terms_that_cannot_hold_are_refused(terms: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"renew|ask"):
        LeaseTerms(**terms)
