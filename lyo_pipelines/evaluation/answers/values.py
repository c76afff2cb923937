"""The values that a stated result may be: quantities with units, groups, ratios, times of day, relations. Reading them: reading."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lyo_pipelines.evaluation.answers.algebra import Node
from lyo_pipelines.evaluation.answers.units import Unit


@dataclass(frozen=True)
class Quantity:
    """A value, exact, with its unit. places: digits after the point of a decimal that was written out; None for anything else.
    factors: the whole numbers of a product that was written out ("2 × 3 × 7"): a task may have asked for just these.
    """

    node: Node
    unit: Unit | None = None
    percent: bool = False
    places: int | None = None
    factors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Group:
    """Values between brackets, in their order; of braces and of a bare list in none."""

    brackets: str
    items: tuple[Part, ...]
    ordered: bool = True


@dataclass(frozen=True)
class Ratio:
    """Terms of a ratio."""

    terms: tuple[Fraction, ...]


@dataclass(frozen=True)
class Clock:
    """A time of day in minutes; half: "a" or "p", "" where it is not said."""

    minutes: int
    half: str = ""


@dataclass(frozen=True)
class Relation:
    """Comparisons or an equation that is no assignment: (sign, left, right), turned so that `<` and `≤` are the only inequalities."""

    signs: tuple[tuple[str, Node, Node], ...]


Value = Quantity | Group | Ratio | Clock | Relation


@dataclass(frozen=True)
class Part:
    """One value of a result, with the variable that it is said of and what is said before and after it ("left by 3",
    "128 child tickets"), as far as it tells something.
    """

    value: Value
    name: str = ""
    lead: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatedResult:
    """A result as read. parts: () where it is words; choice: the letter of an option; text, first: all of it, and its first sentence,
    as words are compared.
    """

    parts: tuple[Part, ...]
    ordered: bool
    choice: str
    text: str
    first: str


class UnreadableError(ValueError):
    """Not a value."""
