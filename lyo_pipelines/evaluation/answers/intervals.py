"""Sets of numbers that a result may say as inequalities or as intervals: 2 < x < 5 is (2, 5), and x < -1 or x > 1 is a union of two.

(2, 5) alone may as well be a point, so a caller asks for intervals only where one of the two results is said in inequalities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from lyo_pipelines.evaluation.answers import algebra
from lyo_pipelines.evaluation.answers.algebra import Node, Product, Symbol
from lyo_pipelines.evaluation.answers.values import Group, Part, Quantity, Relation

_INFINITY = Symbol("∞")
_DIGITS = 9
"""Decimals after which two bounds are the same."""


@dataclass(frozen=True)
class Interval:
    """From low to high; with_low, with_high: whether its ends belong to it."""

    low: float
    high: float
    with_low: bool
    with_high: bool


@dataclass(frozen=True)
class NumberSet:
    """Intervals of one variable (name: "" where none is said)."""

    intervals: frozenset[Interval]
    name: str = ""


def same_set(one: Sequence[Part], other: Sequence[Part]) -> bool | None:
    """Whether two results are the same set of numbers; None where one of them is no such set, or neither is said in inequalities."""
    if not any(isinstance(part.value, Relation) for part in (*one, *other)):
        return None
    ours, theirs = number_set(one), number_set(other)
    if ours is None or theirs is None:
        return None
    return ours.intervals == theirs.intervals and (not ours.name or not theirs.name or ours.name == theirs.name)


def number_set(parts: Sequence[Part]) -> NumberSet | None:
    """The set of numbers that a result is; None for anything else."""
    found = [_of_part(part) for part in parts]
    sets = [one for one in found if one is not None]
    names = {one.name for one in sets if one.name}
    if len(sets) < len(found) or not sets or len(names) > 1:
        return None
    intervals = [interval for one in sets for interval in one.intervals]
    return NumberSet(frozenset(_met(intervals)), next(iter(names), ""))


def _met(intervals: list[Interval]) -> list[Interval]:
    """x > 2 and x < 5 are said of what lies in both: together they would be all numbers."""
    if len(intervals) != 2:
        return intervals
    below, above = sorted(intervals, key=lambda one: one.low)
    if math.isinf(below.low) and math.isinf(above.high) and above.low < below.high:
        return [Interval(above.low, below.high, above.with_low, below.with_high)]
    return intervals


def _of_part(part: Part) -> NumberSet | None:
    value = part.value
    if isinstance(value, Relation):
        return _of_relation(value)
    if isinstance(value, Group) and len(value.items) == 2 and value.brackets[0] in "([" and value.brackets[1] in ")]":
        low, high = (_bound(item.value.node) if isinstance(item.value, Quantity) else None for item in value.items)
        if low is not None and high is not None and low < high:
            return NumberSet(frozenset({Interval(low, high, value.brackets[0] == "[", value.brackets[1] == "]")}))
    return None


def _of_relation(relation: Relation) -> NumberSet | None:
    low, high, with_low, with_high, name = -math.inf, math.inf, False, False, ""
    for sign, left, right in relation.signs:
        variable, other = (left, right) if isinstance(left, Symbol) else (right, left)
        bound = _bound(other)
        if sign not in "<≤" or not isinstance(variable, Symbol) or bound is None or name not in ("", variable.name):
            return None
        name = variable.name
        if variable is left:
            high, with_high = bound, sign == "≤"
        else:
            low, with_low = bound, sign == "≤"
    return NumberSet(frozenset({Interval(low, high, with_low, with_high)}), name) if name and low < high else None


def _bound(node: Node) -> float | None:
    if node == _INFINITY:
        return math.inf
    if node == Product((Fraction(-1), _INFINITY)):
        return -math.inf
    value = algebra.decimal_value(node)
    return None if value is None else round(value, _DIGITS)
