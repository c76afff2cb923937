"""Rows in any order to one Parquet file per day, with bounded memory and a bounded number of open files."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from lyo_pipelines.storage.arrow import group_batches
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.table_writer import TableWriter

EPOCH = date(1970, 1, 1)


class DayWriters:
    """Collects tables per day under `<folder>/date=…/<n>.parquet`.

    Buffers up to `buffer_bytes` over all days, then writes the largest days as row groups; keeps at most `max_open`
    files open (the least recently used is closed, its day goes on in a second file that `finish` merges).
    """

    def __init__(self, lake: Lake, folder: str, schema: pa.Schema, *, buffer_bytes: int, max_open: int) -> None:
        self._lake, self._folder, self._schema = lake, folder, schema
        self._limit, self._max_open = buffer_bytes, max_open
        self._buffers: dict[date, list[pa.Table]] = {}
        self._sizes: dict[date, int] = {}
        self._open: OrderedDict[date, TableWriter] = OrderedDict()
        self._parts: dict[date, list[str]] = {}

    def add(self, table: pa.Table, days: np.ndarray) -> None:
        """Add rows; `days` (int32) holds the day of each row, in days since 1970."""
        if not len(table):
            return
        if days.min() == days.max():
            self._add(EPOCH + timedelta(days=int(days[0])), table)
        else:
            order = np.argsort(days, kind="stable")
            table, days = table.take(pa.array(order)), days[order]
            starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
            for start, stop in zip(starts, [*starts[1:], len(days)], strict=True):
                self._add(EPOCH + timedelta(days=int(days[start])), table.slice(start, stop - start))
        while sum(self._sizes.values()) > self._limit:
            self._flush(max(self._sizes, key=lambda day: self._sizes[day]))

    def _add(self, day: date, table: pa.Table) -> None:
        self._buffers.setdefault(day, []).append(table)
        self._sizes[day] = self._sizes.get(day, 0) + table.nbytes

    def _flush(self, day: date) -> None:
        table = pa.concat_tables(self._buffers.pop(day))
        del self._sizes[day]
        if day not in self._open:
            while len(self._open) >= self._max_open:
                self._open.popitem(last=False)[1].close()
            parts = self._parts.setdefault(day, [])
            path = f"{self._folder}/date={day.isoformat()}/{len(parts)}.parquet"
            self._lake.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._open[day] = TableWriter(self._lake, path, self._schema)
            parts.append(path)
        self._open.move_to_end(day)
        self._open[day].write_table(table)

    def finish(self) -> dict[date, str]:
        """Write what is buffered, close and merge; return one staged file per day."""
        for day in list(self._buffers):
            self._flush(day)
        self.close()
        return {day: parts[0] if len(parts) == 1 else self._merge(parts) for day, parts in sorted(self._parts.items())}

    def close(self) -> None:
        """Close every open file, also after an error."""
        while self._open:
            self._open.popitem()[1].close()

    def _merge(self, parts: list[str]) -> str:
        path = f"{parts[0].rpartition('/')[0]}/merged.parquet"
        with TableWriter(self._lake, path, self._schema) as writer:
            for part in parts:
                with self._lake.open_table(part) as file:
                    for batch in group_batches(file, 16_384):
                        writer.write_batch(batch)
        return path


def days_of(times: pa.ChunkedArray) -> np.ndarray:
    """UTC day (days since 1970, int32) of each timestamp."""
    return times.cast(pa.date32()).cast(pa.int32()).to_numpy()
