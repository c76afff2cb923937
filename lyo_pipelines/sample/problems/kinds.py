"""What a problem is: a kind with its subject, topic and grades, and a function that draws numbers and solves it.

The values that a kind draws and computes are language-free; how they are said stands in english/, hindi/, tamil/ and hindi_roman/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from lyo_pipelines.sample.phrase import Values


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of exercise. `make` draws the given numbers and computes every number of the worked answer."""

    name: str
    subject: str
    topic: str
    grades: tuple[int, ...]
    make: Callable[[Random], Values]


KINDS: dict[str, Kind] = {}


def kind(subject: str, topic: str, *grades: int) -> Callable[[Callable[[Random], Values]], Callable[[Random], Values]]:
    """Register the decorated function as the kind of its own name."""

    def register(make: Callable[[Random], Values]) -> Callable[[Random], Values]:
        KINDS[make.__name__] = Kind(make.__name__, subject, topic, grades, make)
        return make

    return register


def between(rng: Random, low: int, high: int, step: int = 1) -> int:
    """Draw one of low, low + step, … up to high."""
    return low + step * int(rng.random() * ((high - low) // step + 1))


def decimal(value: Fraction | int) -> str:
    """Write a terminating fraction as a decimal without trailing zeros: 3/4 -> "0.75", 6/2 -> "3".

    Raises ValueError when the decimal would not end, because then a worked answer would be wrong.
    """
    exact = Fraction(value)
    if exact.denominator == 1:
        return str(exact.numerator)
    text = f"{float(exact):.6f}".rstrip("0")
    if Fraction(text) != exact:
        raise ValueError(f"{exact} has no short decimal")
    return text
