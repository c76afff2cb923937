"""Writing the split files of a planned version: deterministic Parquet, one day in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import SPLIT_SCHEMA, SPLITS
from lyo_pipelines.dataset.group_keys import hex_ids
from lyo_pipelines.dataset.image_ties import files_column
from lyo_pipelines.dataset.plan import Plan
from lyo_pipelines.dataset.read_examples import later_pass
from lyo_pipelines.dataset.split_statistics import SplitStatistics
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.table_writer import TableWriter
from lyo_pipelines.tasks.base import TaskFormat
from lyo_pipelines.tasks.messages import MESSAGE_COLUMNS

_MADE_HERE = ("group_id", "messages", "images", "weight", "valid_from", "valid_until", "validity")


def write_splits(
    lake: Lake, folder: str, plan: Plan, formats: Mapping[str, TaskFormat], *, row_group_rows: int
) -> SplitStatistics:
    """Write train, validation and test.parquet into `folder` and return what was measured on the way.

    The same examples give the same bytes: rows in the order of the plan, row groups of a fixed size, no time of writing.
    """
    measures = SplitStatistics()
    with ExitStack() as stack:
        writers = [_SplitWriter(lake, f"{folder}/{split}.parquet", row_group_rows, stack) for split in SPLITS]
        for table, split in _planned_rows(lake, plan, formats):
            measures.add(table, split)
            for code, writer in enumerate(writers):
                writer.add(table.filter(pa.array(split == code)))
        for writer in writers:
            writer.close()
    return measures


def _planned_rows(lake: Lake, plan: Plan, formats: Mapping[str, TaskFormat]) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Yield (rows in SPLIT_SCHEMA, their split codes), a day at a time."""
    copied = [name for name in SPLIT_SCHEMA.names if name not in _MADE_HERE]

    def with_messages(rows: pa.Table) -> pa.Table:
        files = files_column(rows["images"].combine_chunks())
        return rows.select(copied).append_column("messages", messages_of(rows, formats)).append_column("images", files)

    start = 0
    for rows in later_pass(lake, plan.rows, plan.keep, [*copied, *MESSAGE_COLUMNS, "task"], with_messages):
        here = slice(start, start + rows.num_rows)
        start += rows.num_rows
        holds = plan.validity.slice(here.start, rows.num_rows)
        made = {
            "group_id": hex_ids(plan.group[here]),
            "weight": pa.array(plan.weight[here]),
            "valid_from": holds.valid_from,
            "valid_until": holds.valid_until,
            "validity": holds.states,
        }
        columns = [made[name] if name in made else rows[name] for name in SPLIT_SCHEMA.names]
        yield pa.table(columns, schema=SPLIT_SCHEMA), plan.split[here]


def messages_of(rows: pa.Table, formats: Mapping[str, TaskFormat]) -> pa.ListArray:
    """Chat messages of every row, each by the format of its own task."""
    if len(formats) == 1:
        return next(iter(formats.values())).messages_column(rows)
    parts, places = [], []
    for task, task_format in formats.items():
        place = np.flatnonzero(pc.equal(rows["task"], task).to_numpy())
        parts.append(task_format.messages_column(rows.take(pa.array(place))))
        places.append(place)
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))


@dataclass
class _SplitWriter:
    """Collects rows and writes them in row groups of exactly `rows`; the last one is what is left."""

    lake: Lake
    path: str
    rows: int
    stack: ExitStack
    waiting: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        temporary = self.stack.enter_context(self.lake.replacing(self.path))
        self._writer = TableWriter(self.lake, temporary, SPLIT_SCHEMA)

    def add(self, table: pa.Table) -> None:
        self.waiting.append(table)
        while sum(part.num_rows for part in self.waiting) >= self.rows:
            whole = pa.concat_tables(self.waiting)
            self._writer.write_table(whole.slice(0, self.rows).combine_chunks(), row_group_size=self.rows)
            self.waiting = [whole.slice(self.rows)]

    def close(self) -> None:
        rest = pa.concat_tables([SPLIT_SCHEMA.empty_table(), *self.waiting])
        if rest.num_rows:
            self._writer.write_table(rest.combine_chunks(), row_group_size=self.rows)
        self._writer.close()
