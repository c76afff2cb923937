"""Exercises as numbers: drawn, solved and checkable, without a word of any language."""

from lyo_pipelines.sample.problems import (
    algebra,
    arithmetic,
    chemistry,
    commerce,
    geometry,
    physics,
    python_code,
    python_data,
)
from lyo_pipelines.sample.problems.kinds import KINDS, Kind

__all__ = [
    "KINDS",
    "Kind",
    "algebra",
    "arithmetic",
    "chemistry",
    "commerce",
    "geometry",
    "physics",
    "python_code",
    "python_data",
]
