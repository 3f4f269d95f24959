"""A figure says whether its target is met, whichever way the target points."""

from __future__ import annotations

import pytest

from benchmarks.ingestion.figures import Figure


@pytest.mark.parametrize(
    ("ours", "peer", "target", "bound", "is_met"),
    [
        (16.0, 10.0, 1.6, "at_least", True),
        (15.9, 10.0, 1.6, "at_least", False),
        (30.0, 10.0, 3.0, "at_most", True),
        (30.1, 10.0, 3.0, "at_most", False),
        (0.0, 0.0, 0.0, "at_most", True),
        (1.0, 0.0, 0.0, "at_most", False),
        (1.0, 10.0, None, "at_least", True),
    ],
)
def test_a_target_bounds_the_ratio(ours: float, peer: float, target: float | None, bound: str, is_met: bool) -> None:
    figure = Figure(name="one", ours=ours, peer=peer, unit="s", target=target, bound=bound)
    assert figure.is_met is is_met
    assert figure.line().endswith("" if target is None else "met" if is_met else "MISSED")
