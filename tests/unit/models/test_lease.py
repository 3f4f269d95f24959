"""models.lease: at most one holder at any instant, and a token that tells holders apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.lease import Lease, claim, give_up

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TTL = timedelta(seconds=10)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_claim(held: Lease | None, holder: str, *, seconds: float) -> Lease | None:
    return claim(held, name="plant", holder=holder, now=at(seconds), ttl=TTL)


def test_a_lease_that_nobody_held_is_granted_with_the_first_token() -> None:
    assert a_claim(None, "a", seconds=0) == Lease(name="plant", holder="a", token=1, expires_at=at(10))


def test_another_waits_until_the_lease_ends_and_gets_the_next_token() -> None:
    held = a_claim(None, "a", seconds=0)
    assert a_claim(held, "b", seconds=9.999) is None
    assert a_claim(held, "b", seconds=10) == Lease(name="plant", holder="b", token=2, expires_at=at(20))


def test_the_holder_renews_without_a_new_token_even_late() -> None:
    held = a_claim(None, "a", seconds=0)
    assert a_claim(held, "a", seconds=3) == Lease(name="plant", holder="a", token=1, expires_at=at(13))
    assert a_claim(held, "a", seconds=99) == Lease(name="plant", holder="a", token=1, expires_at=at(109))


def test_a_clock_that_steps_back_shortens_no_lease() -> None:
    held = a_claim(None, "a", seconds=0)
    assert a_claim(held, "a", seconds=-5) == held


def test_what_is_given_up_is_free_at_once_and_only_its_holder_can_give_it_up() -> None:
    held = a_claim(None, "a", seconds=0)
    assert held is not None
    assert give_up(held, holder="b", now=at(1)) is None
    ended = give_up(held, holder="a", now=at(1))
    assert a_claim(ended, "b", seconds=1) == Lease(name="plant", holder="b", token=2, expires_at=at(11))


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["claim", "give_up"]), st.floats(0, 15, allow_nan=False)),
        max_size=60,
    )
)
def test_rights_never_overlap_and_tokens_rise_with_each_change_of_holder(
    steps: list[tuple[str, str, float]],
) -> None:
    held: Lease | None = None
    now = 0.0
    granted: list[tuple[int, str, datetime]] = []
    for holder, action, pause in steps:
        now += pause
        if action == "give_up":
            held = (give_up(held, holder=holder, now=at(now)) or held) if held is not None else None
            continue
        before, answer = held, a_claim(held, holder, seconds=now)
        if answer is None:
            assert before is not None
            assert before.is_held_at(at(now))
            assert before.holder != holder
            continue
        assert before is None or before.holder == holder or not before.is_held_at(at(now))
        held = answer
        granted.append((answer.token, holder, answer.expires_at))
    tokens = [token for token, _, _ in granted]
    assert tokens == sorted(tokens)
    assert len({token: holder for token, holder, _ in granted}) == len(
        {(token, holder) for token, holder, _ in granted}
    )
