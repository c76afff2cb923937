"""How far a stream of records has been read, so that each is handled once. Where records come from does not belong here.

A record may become visible a little after others with a later mark (two processes write, the first commits last). So the
position stays behind the newest records for a while and remembers which of them were handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")

OVERLAP = timedelta(minutes=2)
"""A record that becomes visible later than this after the time it bears may be missed."""


class StreamPosition(BaseModel):
    """Everything below `after` was handled, and of the rest the records in `seen` (name to mark)."""

    model_config = ConfigDict(frozen=True)

    after: float
    seen: dict[str, float] = {}


@dataclass(frozen=True)
class StreamRecord(Generic[T]):
    """One record of a stream: its name, its place in the order of reading, the time it bears, and what it holds."""

    name: str
    mark: float
    at: datetime
    what: T


def read_on(
    position: StreamPosition, page: Sequence[StreamRecord[T]], now: datetime
) -> tuple[list[StreamRecord[T]], StreamPosition]:
    """Return the records of a page that were not handled, and the position once they are.

    page: records with a mark of at least `position.after`, in order of their marks, as many as `page_size` says.
    """
    fresh = [record for record in page if record.name not in position.seen]
    after = max([position.after, *(record.mark for record in page if record.at <= now - OVERLAP)])
    seen = {**position.seen, **{record.name: record.mark for record in page}}
    return fresh, StreamPosition(after=after, seen={name: mark for name, mark in seen.items() if mark >= after})


def page_size(position: StreamPosition, most: int) -> int:
    """How many records to ask for, so that up to `most` new ones are found behind those that were seen."""
    return most + len(position.seen)
