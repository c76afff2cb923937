"""What one policy launches otherwise than another, launch by launch. Replaying belongs to backtest.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from lyo_pipelines.retraining.backtest import Backtest, BacktestStep

SAME_LAUNCH_DAYS = 14
"""Launches of two policies that lie further apart are not one launch that moved."""


@dataclass(frozen=True)
class Shift:
    """A launch of both policies, on other days or for other kinds of causes."""

    a: BacktestStep
    b: BacktestStep

    @property
    def days(self) -> int:
        """How many days later the second policy launches."""
        return (self.b.day - self.a.day).days


@dataclass(frozen=True)
class PolicyDifference:
    """Launches of two policies, side by side."""

    same: int = 0
    shifted: tuple[Shift, ...] = ()
    only_a: tuple[BacktestStep, ...] = ()
    only_b: tuple[BacktestStep, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.shifted or self.only_a or self.only_b)


def policy_difference(a: Backtest, b: Backtest) -> PolicyDifference:
    """What policy b would have launched otherwise than policy a: launches of a segment by the same rule belong together, then the
    nearest ones."""
    same, shifted, only_a, only_b = 0, list[Shift](), list[BacktestStep](), list[BacktestStep]()
    mine, theirs = _by_segment(a.launches), _by_segment(b.launches)
    for segment in sorted(mine.keys() | theirs.keys()):
        left, right = mine.get(segment, []), theirs.get(segment, [])
        for pair in sorted((Shift(x, y) for x in left for y in right), key=_likeness):
            if abs(pair.days) > SAME_LAUNCH_DAYS or pair.a not in left or pair.b not in right:
                continue
            left.remove(pair.a)
            right.remove(pair.b)
            if pair.days == 0 and pair.a.kinds == pair.b.kinds:
                same += 1
            else:
                shifted.append(pair)
        only_a += left
        only_b += right
    return PolicyDifference(same, tuple(shifted), tuple(only_a), tuple(only_b))


def _likeness(pair: Shift) -> tuple[bool, int, date, date]:
    mine, theirs = ({re.split("[:#]", cause)[0] for cause in step.causes} for step in (pair.a, pair.b))
    return not mine & theirs, abs(pair.days), pair.a.day, pair.b.day


def _by_segment(steps: Iterable[BacktestStep]) -> dict[str, list[BacktestStep]]:
    found: dict[str, list[BacktestStep]] = {}
    for step in steps:
        found.setdefault(step.segment, []).append(step)
    return found
