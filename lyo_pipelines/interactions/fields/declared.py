"""What the configuration declares for a file by its name, or for a format: the scale of its ratings, its time zone, a full export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from lyo_pipelines.config.interactions import InteractionsConfig, RatingScale

_T = TypeVar("_T")


@dataclass(frozen=True)
class Declared:
    """scale: worst and best value of ratings. zone: IANA name for times without an offset. full: the fitting glob of full exports."""

    scale: RatingScale | None = None
    zone: str | None = None
    full: str | None = None

    @classmethod
    def of(cls, config: InteractionsConfig, name: str) -> Declared:
        """What is declared for a file of this name, or for a format; the first glob that fits counts."""
        full = next((glob for glob in config.full_exports if fnmatchcase(name, glob)), None)
        return cls(_first_fit(config.rating_scales, name), _first_fit(config.time_zones, name), full)

    def __str__(self) -> str:
        """Text that differs where what is declared differs; empty where nothing is."""
        return "" if self == NOTHING else repr(self)


NOTHING = Declared()


def _first_fit(declared: Mapping[str, _T], name: str) -> _T | None:
    return next((value for glob, value in declared.items() if fnmatchcase(name, glob)), None)
