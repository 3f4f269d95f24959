"""Figures: ours, the peer's, their ratio, and whether the target is met.

Belongs here: medians, the table, the verdict. Does not belong here: measuring.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table. `target` bounds the ratio ours / peer; None where the line only informs."""

    name: str
    ours: float
    peer: float
    unit: str
    target: float | None = None
    bound: Literal["at_least", "at_most"] = "at_least"

    @property
    def ratio(self) -> float:
        if self.peer:
            return self.ours / self.peer
        return float("inf") if self.ours else 0.0

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.ratio >= self.target if self.bound == "at_least" else self.ratio <= self.target

    def line(self) -> str:
        sign = "≥" if self.bound == "at_least" else "≤"
        aim = "" if self.target is None else f"{sign} {self.target:g}"
        verdict = "" if self.target is None else "met" if self.is_met else "MISSED"
        return (
            f"{self.name:<46} {_number(self.ours):>10} {_number(self.peer):>10} {self.unit:<10} "
            f"{self.ratio:>8.2f} {aim:>7} {verdict}"
        )


@dataclass(kw_only=True)
class Report:
    """What a run found: figures, sentences beside them, and what could not be measured."""

    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def note(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def skip(self, reason: str) -> None:
        self.skipped.append(reason)
        print(f"skipped: {reason}", flush=True)

    @property
    def is_met(self) -> bool:
        return all(figure.is_met for figure in self.figures)

    @staticmethod
    def heading() -> str:
        return f"{'figure':<46} {'ours':>10} {'peer':>10} {'unit':<10} {'ratio':>8} {'target':>7} verdict"


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _number(value: float) -> str:
    if value >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 10 else f"{value:.3f}"
