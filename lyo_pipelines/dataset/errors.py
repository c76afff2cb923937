"""What can go wrong when a dataset is asked for; every message says what to do next."""

from __future__ import annotations

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.errors import LyoError


class EmptySegmentError(DatasetError):
    """No curated example belongs to the segment (unknown name, or nothing passed curation)."""


class SegmentTooSmallError(DatasetError):
    """The segment has examples, but too few of them (or too few independent groups) to split honestly."""


class TooFewGroupsError(DatasetError):
    """The segment has examples enough, but they hang together in too few groups: something ties what is not related."""


class UnknownMixtureError(DatasetError):
    """The configuration names no mixture of that name."""


class UnknownVersionError(DatasetError):
    """There is no finished dataset version of that name."""


class BenchmarkError(DatasetError):
    """A registered benchmark cannot be read or its registration does not fit."""


class DaysChangedError(DatasetError):
    """A day of examples was rewritten while a dataset was being built from it."""


class ExportError(LyoError):
    """A version cannot be exported as asked; the message says why."""
