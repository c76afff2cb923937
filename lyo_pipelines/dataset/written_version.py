"""What a written version says about its own examples, read back from its split files alone. Judging it is leakage.py's.

Nothing of the builder's is used: ids come from the columns, the questions from the messages, read by leak_search.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.leak_search import everyday_words, plain_words
from lyo_pipelines.dataset.split_statistics import stratum_names
from lyo_pipelines.storage.arrow import offsets_and_values, pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.working_space import TextSpool

_COLUMNS = ["example_id", "group_id", "conversation_id", "question_id", "language", "subject", "topic", "grade"]
_TEXTS = ("context", "first", "last")
_ROWS = 5_000
"""Rows whose texts are Python's own at once."""
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


class AskedRows:
    """What every row asks; the texts lie on disk from `mapped_from` bytes on."""

    def __init__(self, mapped_from: int) -> None:
        """Start with none."""
        self._spools = [TextSpool(mapped_from) for _ in _TEXTS]
        self._said = list[np.ndarray]()

    def add(self, rows: Iterable[Asked]) -> None:
        """Append rows."""
        told = [(row.context, row.first, row.last, row.alone, row.late, row.linked) for row in rows]
        for place, spool in enumerate(self._spools):
            spool.add(pa.array([row[place] for row in told], pa.large_string()))
        self._said.append(np.array([row[len(_TEXTS) :] for row in told], bool).reshape(-1, 3))

    @cached_property
    def _columns(self) -> tuple[list[Any], np.ndarray]:
        return [spool.texts() for spool in self._spools], np.concatenate(self._said)

    def at(self, rows: np.ndarray) -> Iterator[Asked]:
        """Those of some rows."""
        texts, said = self._columns
        for begin in range(0, len(rows), _ROWS):
            here = rows[begin : begin + _ROWS]
            columns = [column.take(pa.array(here)).to_pylist() for column in texts]
            for context, first, last, (alone, late, linked) in zip(*columns, said[here].tolist(), strict=True):
                yield Asked(context, first, last, alone, late, linked)


@dataclass(frozen=True)
class WrittenVersion:
    """One version's facts. rows: N rows of ids and `stratum`; split: (N,) codes; asked: what each row asks.

    everyday: the words that very many conversations hold. mapped_from: bytes from which on texts lie on disk.
    """

    rows: pa.Table
    split: np.ndarray
    asked: AskedRows
    everyday: frozenset[str]
    mapped_from: int


def read_batches(lake: Lake, folder: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Yield (split code, rows) of all three split files, a row group at a time."""
    for code, split in enumerate(SPLITS):
        with lake.open_table(f"{folder}/{split}.parquet") as parquet:
            for number in range(parquet.num_row_groups):
                yield code, parquet.read_row_group(number, columns=columns)


def read_written(lake: Lake, folder: str, everyday_share: float, mapped_from: int) -> WrittenVersion:
    """Read a version's folder (with or without a manifest). everyday_share: conversations that hold an everyday word."""
    tables, codes, asked, segments = list[pa.Table](), list[np.ndarray](), AskedRows(mapped_from), list[pa.Array]()
    plain: dict[str, str] = {}
    for code, table in read_batches(lake, folder, [*_COLUMNS, "segment", "turn", "context", "messages"]):
        tables.append(table.select(_COLUMNS[:4]).append_column("stratum", stratum_names(table)))
        codes.append(np.full(table.num_rows, code, np.int8))
        asked.add(_asked(table, plain))
        segments.append(table["segment"].combine_chunks().dictionary_encode())
    rows = pa.concat_tables(tables)
    everyday = _everyday(rows["conversation_id"], asked, _segment_codes(segments), everyday_share)
    return WrittenVersion(rows, np.concatenate(codes), asked, everyday, mapped_from)


def _segment_codes(parts: list[pa.Array]) -> np.ndarray:
    """The segment of each row as a number; -1 for none."""
    whole = pa.chunked_array(parts).unify_dictionaries().combine_chunks()
    return pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False)


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


def _everyday(conversation: Any, asked: AskedRows, segment: np.ndarray, share: float) -> frozenset[str]:
    """Words that everybody says, in all or in one segment (segment: (N,) codes)."""
    found, several = frozenset[str](), np.unique(segment)
    members = [np.arange(len(segment)), *(np.flatnonzero(segment == one) for one in several if len(several) > 1)]
    for mine in members:
        some = mine[:: max(1, len(mine) // COUNTED)]
        by_conversation: dict[Any, list[Asked]] = {}
        for row, name, one in zip(
            some.tolist(), conversation.take(pa.array(some)).to_pylist(), asked.at(some), strict=True
        ):
            by_conversation.setdefault(name or row, []).append(one)
        said = (
            chain.from_iterable((one.context, one.first, one.last) for one in members)
            for members in by_conversation.values()
        )
        found |= everyday_words(said, share)
    return found
