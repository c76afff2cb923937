"""The lines of a journal, and the rows that follow from them: pure, no file is touched here.

A line is one JSON object. `begin` holds what is known when a request is accepted; `part` a piece of its answer, in order; `end` what
its end adds; `drop` takes a request back that was turned away after all; `feedback` is a row of its own. A line that cannot be read
was never finished, so nobody was told that it counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from lyo_pipelines.json_types import RawRow

CUT_OFF = "the gateway ended before the answer did"
"""The error of a request that was accepted and never ended."""


def begin_line(interaction: str, row: RawRow) -> bytes:
    """A request is accepted; row: canonical, without its answer."""
    return _line({"begin": interaction, "row": row})


def part_line(interaction: str, text: str) -> bytes:
    """More of its answer was told."""
    return _line({"part": interaction, "text": text})


def end_line(interaction: str, row: RawRow) -> bytes:
    """Its answer ends; row: what is added to that of its begin."""
    return _line({"end": interaction, "row": row})


def drop_line(interaction: str) -> bytes:
    """It was turned away."""
    return _line({"drop": interaction})


def feedback_line(row: RawRow) -> bytes:
    """A canonical feedback row."""
    return _line({"feedback": row})


def as_lines(rows: Iterable[RawRow]) -> bytes:
    """Rows as JSON lines; the same rows give the same bytes."""
    return b"".join(map(_line, rows))


@dataclass
class Told:
    """What a journal says of one request so far. begun_in, ended_in: numbers of segments; -1 where it did not."""

    row: RawRow | None = None
    parts: list[str] = field(default_factory=list)
    end: RawRow | None = None
    begun_in: int = -1
    ended_in: int = -1
    order: int = 0


@dataclass
class SegmentRows:
    """What one segment sends to the inbox."""

    interactions: list[RawRow] = field(default_factory=list)
    feedback: list[RawRow] = field(default_factory=list)


def fold(segments: Sequence[bytes], *, all_over: bool) -> list[SegmentRows]:
    """The rows of each segment, in the order in which their answers ended; the segments in theirs.

    A request that is begun in two segments was carried over, and belongs to where it ended. all_over: nobody writes any more, so
    requests that never ended are rows with CUT_OFF and what was told of their answer; else they are left out.
    """
    requests: dict[str, Told] = {}
    rows = [SegmentRows() for _ in segments]
    order = 0
    for number, content in enumerate(segments):
        for line in content.split(b"\n"):
            order += 1
            _take(line, number, order, requests, rows[number])
    for told in sorted(requests.values(), key=lambda told: told.order):
        if told.row is None:
            continue
        if told.end is not None:
            rows[told.ended_in].interactions.append({**told.row, **told.end})
        elif all_over:
            ending = {"answer": "".join(told.parts) or None, "error": CUT_OFF}
            rows[told.begun_in].interactions.append({**told.row, **ending})
    return rows


def _take(line: bytes, number: int, order: int, requests: dict[str, Told], rows: SegmentRows) -> None:
    try:
        record = orjson.loads(line)
        kind = next(iter(record))
    except (orjson.JSONDecodeError, TypeError, StopIteration):
        return  # never finished
    if kind == "feedback":
        rows.feedback.append(record[kind])
    elif kind == "drop":
        requests.pop(record[kind], None)
    elif kind == "begin":
        told = requests.setdefault(record[kind], Told())
        told.row, told.begun_in, told.order, told.parts = record["row"], number, order, []
    elif (told := requests.get(record[kind])) is not None:
        if kind == "part":
            told.parts.append(record["text"])
        elif told.end is None:
            told.end, told.ended_in, told.order = record["row"], number, order


def _line(record: RawRow) -> bytes:
    return orjson.dumps(record) + b"\n"
