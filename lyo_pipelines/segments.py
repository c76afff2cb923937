"""Segment keys `<task>.<language>[.<facet>]`: the unit that is filtered, split, trained, evaluated and served.

Lower case, `[a-z0-9_]` between dots, so that a key is a Dagster partition key, a folder name and a tag value at once. A key
also stands for all that lies below it: `tutoring.hi` for every subject in Hindi, `tutoring` for the whole task.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lyo_pipelines.errors import LyoError
from lyo_pipelines.personal import TELEPHONE, points_at_a_person

_PART = re.compile(r"[a-z0-9_]+")
_OTHER = re.compile(r"[^a-z0-9_]+")


class SegmentKeyError(LyoError):
    """A segment key does not have the shape `<task>.<language>[.<facet>]`."""


@dataclass(frozen=True, order=True)
class Segment:
    """One parsed key; `facet` is a subject, domain, reasoning mode, team or document set. Only a parent has no language."""

    task: str
    language: str | None = None
    facet: str | None = None

    @property
    def key(self) -> str:
        """The key itself."""
        return ".".join(part for part in (self.task, self.language, self.facet) if part)

    @property
    def parents(self) -> tuple[str, ...]:
        """Keys to fall back to, nearest first: `tutoring.hi.math` -> `tutoring.hi`, `tutoring`."""
        parts = self.key.split(".")
        return tuple(".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))


def segment_key(task: str, language: str, facet: str | None = None) -> str:
    """Build a key from field values, cleaning each (`"Computer Science"` -> `computer_science`).

    A value that points at a person names nothing: keys become partitions and folders. Raises SegmentKeyError when nothing usable is
    left of task or language.
    """
    parts = [_clean(task), _clean(language), _clean(facet or "")]
    if not parts[0] or not parts[1]:
        raise SegmentKeyError("task and language must both name something, and nobody")
    return ".".join(part for part in parts if part)


def parse_segment(key: str) -> Segment:
    """Parse a key. Raises SegmentKeyError with the expected shape."""
    parts = key.split(".")
    if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
        raise SegmentKeyError(
            f"{key!r} is not a segment: expected <task>.<language>[.<facet>], for instance tutoring.en.math"
        )
    return Segment(*parts)


def parse_parent(key: str) -> Segment:
    """Parse a segment or a parent of segments (`tutoring.hi`, `tutoring`). Raises SegmentKeyError with the expected shape."""
    return Segment(key) if _PART.fullmatch(key) else parse_segment(key)


def segment_name(value: str) -> str:
    """A field's value as a part of a key: `"Computer Science"` -> `computer_science`."""
    return _clean(value)


def _clean(value: str) -> str:
    if points_at_a_person(value, TELEPHONE):
        return ""
    return _OTHER.sub("_", value.strip().lower()).strip("_")
