"""Rows that were not accepted, with the reason, in `lake/rejected/<file-hash>.parquet`; nobody is in them.

Of a row that could be parsed the fields, numbers, dates and names of subjects and models are kept as JSON, of a text its length: what
it says stands in the file, on the line that is told.
Of a row that could not be parsed nobody can tell where a person stands in it: only its position, length and a keyed digest are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pyarrow as pa

from lyo_pipelines.interactions.contract import REJECTED
from lyo_pipelines.interactions.fields.columns import Bad
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.interactions.fields.times import refused_moment
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.block import BadRow
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.table_writer import TableWriter

_FLUSH = 2_000


class RejectedRecord(TypedDict):
    """Why a row was not accepted, and what may be kept of it: `raw` where it was parsed, else a keyed digest and its length."""

    line: int
    reason: str
    detail: str
    raw: NotRequired[str]
    raw_digest: NotRequired[str]
    raw_bytes: NotRequired[int]


def unparsed_rows(bad: Sequence[BadRow], pseudonyms: Pseudonyms) -> list[RejectedRecord]:
    """Records of rows that could not be parsed."""
    return [
        {
            "line": row.line,
            "reason": row.reason,
            "detail": row.detail,
            "raw_digest": pseudonyms.digest(row.raw),
            "raw_bytes": row.size,
        }
        for row in bad
    ]


def refused_rows(
    rows: Sequence[RawRow],
    lines: Sequence[int],
    bad: Bad,
    *,
    users: Mapping[int, Any],
    minimiser: Minimiser,
    limit: int,
) -> list[RejectedRecord]:
    """Records of parsed rows with something wrong; `users` holds the raw user id of each of them where the format knows it."""
    records: list[RejectedRecord] = []
    for index, error in sorted(bad.items()):
        user = None if users[index] in (None, "") else str(users[index])
        raw = dump_json(minimiser.rejected(rows[index], user))
        detail = minimiser.text(error.detail, user)
        records.append({"line": lines[index], "reason": error.reason, "detail": detail, "raw": raw[:limit]})
    return records


def split_moments(moments: Iterable[int], earliest: int) -> tuple[int | None, int | None]:
    """Of refused times (microseconds since 1970): the last one before the accepted range, the first one after it."""
    early = [moment for moment in moments if moment < earliest]
    late = [moment for moment in moments if moment >= earliest]
    return max(early, default=None), min(late, default=None)


class RejectedWriter:
    """Streams records of one file to Parquet at a staged path; nothing is written when there are none."""

    def __init__(self, lake: Lake, path: str, name: str, file_hash: str) -> None:
        self._lake, self._path = lake, path
        self._file = {"file": name, "file_hash": file_hash}
        self._rows: list[RejectedRecord] = []
        self._written = set[str]()
        self._writer: TableWriter | None = None
        self.by_reason: Counter[str] = Counter()
        self.moments = set[int]()

    def add(self, records: Sequence[RejectedRecord]) -> None:
        """Count and keep records."""
        self.by_reason.update(record["reason"] for record in records)
        for record in records:
            if (moment := refused_moment(record["reason"], record["detail"])) is not None:
                self.moments.add(moment)
        self._rows += records
        if len(self._rows) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._lake.fs.makedirs(self._path.rpartition("/")[0], exist_ok=True)
            self._writer = TableWriter(self._lake, self._path, REJECTED)
        self._writer.write_table(pa.Table.from_pylist([{**self._file, **row} for row in self._rows], REJECTED))
        self._written.add(self._file["file"])
        self._rows = []

    def rename(self, name: str) -> None:
        """The file has another name, also in what is written already."""
        self._file["file"] = name

    def finish(self) -> str | None:
        """Write the rest; return the staged path, or None when every row was accepted."""
        if self._rows:
            self._flush()
        self.close()
        if self._written != {self._file["file"]} and self._written:
            table = self._lake.read_table(self._path)
            names = pa.repeat(self._file["file"], len(table))
            self._lake.write_table(table.set_column(0, REJECTED.field("file"), names), self._path)
        return self._path if self.by_reason else None

    def close(self) -> None:
        """Close the file, also after an error."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
