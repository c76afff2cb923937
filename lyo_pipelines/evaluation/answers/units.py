"""Units of measure, number words and scales (lakh, crore) by the names that learners' languages have for them.

The names stand in names.yaml, with exact factors. A general library of units reads classroom words as units (cats and hats are
pressures and masses to it) and knows no lakh, no sq cm and no सेमी, so a closed list decides what is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lyo_pipelines.evaluation.answers.text import same_spelling

_UNSEEN = str.maketrans("", "", ".\u200c\u200d")

Base = tuple[tuple[str, int], ...]
"""Base units with their powers, sorted by name; () for a bare number."""


@dataclass(frozen=True)
class Unit:
    """So many (exact) of a product of base units."""

    factor: Fraction
    base: Base

    def power(self, exponent: int) -> Unit:
        """The unit raised to a power."""
        return Unit(self.factor**exponent, tuple((name, power * exponent) for name, power in self.base if exponent))

    def times(self, other: Unit) -> Unit:
        """The product of two units; what cancels is gone."""
        powers = dict(self.base)
        for name, power in other.base:
            powers[name] = powers.get(name, 0) + power
        return Unit(self.factor * other.factor, tuple(sorted((n, p) for n, p in powers.items() if p)))


@dataclass(frozen=True)
class Names:
    """All words by what they mean. Symbols keep their case, names have none (see `plain_word`)."""

    symbols: dict[str, Unit]
    names: dict[str, Unit]
    powers: dict[str, int]
    per: frozenset[str]
    scales: dict[str, int]
    percent: frozenset[str]
    numbers: dict[str, int]
    tens: dict[str, int]
    fractions: dict[str, Fraction]
    parts: dict[str, Fraction]
    conjunctions: frozenset[str]
    copulas: frozenset[str]
    denials: frozenset[str]
    empty: frozenset[str]
    opposites: tuple[tuple[frozenset[str], frozenset[str]], ...]

    def unit(self, word: str) -> Unit | None:
        """The unit of this symbol or name."""
        return self.symbols.get(word) or self.names.get(plain_word(word))


def plain_word(word: str) -> str:
    """A word as names are compared: no case, no dots, one spelling of nasals and of borrowed sounds (हाँ = हां, ज़ = ज)."""
    return same_spelling(word.casefold()).translate(_UNSEEN)


@cache
def known_names() -> Names:
    """The names of names.yaml."""
    told = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8"))
    symbols, names = {}, {}
    for entry in told["units"]:
        unit = Unit(Fraction(entry["factor"]), _base(entry["base"]))
        symbols |= dict.fromkeys(entry["symbols"], unit)
        names |= {plain_word(name): unit for name in entry["names"]}
    return Names(
        symbols=symbols,
        names=names,
        powers={plain_word(word): power for power, words in told["powers"].items() for word in words},
        per=frozenset(map(plain_word, told["per"])),
        scales=_numbers(told["scales"]),
        percent=frozenset(map(plain_word, told["percent"])),
        numbers={
            plain_word(word): value for words in told["numbers"].values() for value, word in enumerate(words.split())
        },
        tens={plain_word(word): 10 * value for value, word in enumerate(told["tens"].split(), 2)},
        fractions=_fractions(told["fractions"]),
        parts=_fractions(told["parts"]),
        opposites=tuple((_set(one), _set(other)) for one, other in told["opposites"]),
        **{name: _set(words) for name, words in told["words"].items()},
    )


def _fractions(told: dict[str, str]) -> dict[str, Fraction]:
    return {plain_word(word): Fraction(value) for value, words in told.items() for word in words.split()}


def _set(words: str) -> frozenset[str]:
    return frozenset(map(plain_word, words.split()))


def _numbers(told: dict[str, Any]) -> dict[str, int]:
    return {plain_word(word): int(value) for value, words in told.items() for word in words}


def _base(text: str) -> Base:
    parts = (part.partition("^") for part in text.split())
    return tuple(sorted((name, int(power or 1)) for name, _, power in parts))
