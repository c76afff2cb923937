"""What a written version says about its own examples, read back from its split files alone. Judging it is leakage.py's.

Nothing of the builder's is used: ids come from the columns, the questions from the messages, read by leak_search.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.leak_search import everyday_words, plain_words
from lyo_pipelines.dataset.split_statistics import stratum_names
from lyo_pipelines.storage.arrow import offsets_and_values, pc
from lyo_pipelines.storage.lake import Lake

_COLUMNS = ["example_id", "group_id", "conversation_id", "question_id", "language", "subject", "topic", "grade"]
COUNTED = 10_000
"""Rows whose words are counted, spread evenly over all: enough to know which words everybody says."""


@dataclass(frozen=True)
class Asked:
    """What one row asks, as plain words. first, last: the student's first message and the one that is answered; alone: they are one.

    late: a later turn whose earlier ones the log does not keep; linked: the row names its conversation.
    """

    context: str
    first: str
    last: str
    alone: bool
    late: bool
    linked: bool


@dataclass(frozen=True)
class WrittenVersion:
    """One version's facts. rows: N rows of ids and `stratum`; split: (N,) codes; asked: what each row asks.

    everyday: the words that very many conversations hold.
    """

    rows: pa.Table
    split: np.ndarray
    asked: list[Asked]
    everyday: frozenset[str]


def read_batches(lake: Lake, folder: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Yield (split code, rows) of all three split files, a row group at a time."""
    for code, split in enumerate(SPLITS):
        with lake.open_table(f"{folder}/{split}.parquet") as parquet:
            for number in range(parquet.num_row_groups):
                yield code, parquet.read_row_group(number, columns=columns)


def read_written(lake: Lake, folder: str, everyday_share: float) -> WrittenVersion:
    """Read a version's folder (with or without a manifest). everyday_share: conversations that hold an everyday word."""
    tables, codes, asked, segments = list[pa.Table](), list[np.ndarray](), list[Asked](), list[str | None]()
    plain: dict[str, str] = {}
    for code, table in read_batches(lake, folder, [*_COLUMNS, "segment", "turn", "context", "messages"]):
        tables.append(table.select(_COLUMNS[:4]).append_column("stratum", stratum_names(table)))
        codes.append(np.full(table.num_rows, code, np.int8))
        asked += _asked(table, plain)
        segments += table["segment"].to_pylist()
    rows = pa.concat_tables(tables)
    return WrittenVersion(rows, np.concatenate(codes), asked, _everyday(rows, asked, segments, everyday_share))


def _asked(table: pa.Table, plain: dict[str, str]) -> Iterator[Asked]:
    """plain: the words of each text met so far, so that a text that many rows hold is read and kept once."""

    def words(text: str | None) -> str:
        text = text or ""
        if text not in plain:
            if len(plain) > COUNTED:
                plain.clear()
            plain[text] = plain_words(text)
        return plain[text]

    offsets, flat = offsets_and_values(table["messages"].combine_chunks())
    user = np.flatnonzero(pc.equal(flat.field("role"), "user").to_numpy(zero_copy_only=False))
    before = np.searchsorted(user, offsets)
    content = flat.field("content")

    def said(number: int) -> str | None:
        return content[int(user[number])].as_py()

    columns: list[list[Any]] = [table[name].to_pylist() for name in ("context", "turn", "conversation_id")]
    for row, (context, turn, conversation) in enumerate(zip(*columns, strict=True)):
        start, end = int(before[row]), int(before[row + 1])
        first, last = (words(said(start)), words(said(end - 1))) if end > start else ("", "")
        yield Asked(words(context), first, last, end - start < 2, bool(turn) and end - start < 2, bool(conversation))


def _everyday(rows: pa.Table, asked: list[Asked], segments: list[str | None], share: float) -> frozenset[str]:
    """Words that everybody says, in all or in one segment."""
    conversations = rows["conversation_id"].to_pylist()
    found = frozenset[str]()
    several = set(segments) if len(set(segments)) > 1 else set[str | None]()
    for segment in [..., *sorted(several, key=str)]:
        mine = [number for number, one in enumerate(segments) if segment in (..., one)]
        by_conversation: dict[Any, list[Asked]] = {}
        for number in mine[:: max(1, len(mine) // COUNTED)]:
            by_conversation.setdefault(conversations[number] or number, []).append(asked[number])
        said = (
            chain.from_iterable((one.context, one.first, one.last) for one in members)
            for members in by_conversation.values()
        )
        found |= everyday_words(said, share)
    return found
