"""What a written version says about its own examples, read back from its split files alone. Judging it is leakage.py's.

Nothing of the builder's memory is used: group, conversation and question ids come from the columns, the question texts
from the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.grouping import distinct_texts
from lyo_pipelines.dataset.parallel import ordered_map
from lyo_pipelines.dataset.question_texts import asked_questions, question_texts
from lyo_pipelines.dataset.split_statistics import stratum_names
from lyo_pipelines.storage.lake import Lake

_COLUMNS = ["example_id", "group_id", "conversation_id", "question_id", "language", "subject", "topic", "grade"]


@dataclass(frozen=True)
class WrittenVersion:
    """One version's facts. rows: N rows of ids and `stratum`; split: (N,) codes.

    text_row, text_key: which row has which question text (key uint64); distinct_keys: those keys once, ascending.
    """

    rows: pa.Table
    split: np.ndarray
    text_row: np.ndarray
    text_key: np.ndarray
    distinct_keys: np.ndarray


@dataclass(frozen=True)
class _WrittenPart:
    """Facts of one row group: rows and text_row count from 0; texts are its distinct question texts, keys theirs."""

    rows: pa.Table
    split: np.ndarray
    text_row: np.ndarray
    text_key: np.ndarray
    keys: np.ndarray
    texts: pa.Array


def read_batches(lake: Lake, folder: str, columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Yield (split code, rows) of all three split files, a row group at a time."""
    for code, split in enumerate(SPLITS):
        with lake.open_table(f"{folder}/{split}.parquet") as parquet:
            for number in range(parquet.num_row_groups):
                yield code, parquet.read_row_group(number, columns=columns)


def read_written(lake: Lake, folder: str, config: DatasetConfig) -> tuple[WrittenVersion, list[str]]:
    """Read a version's folder (with or without a manifest); return facts and the text of each of its distinct_keys."""
    parts = list(
        ordered_map(partial(_part, config=config), read_batches(lake, folder, [*_COLUMNS, "turn", "messages"]))
    )
    starts = np.cumsum([0, *(len(part.split) for part in parts)])
    keys, texts = distinct_texts([part.keys for part in parts], [part.texts for part in parts])
    written = WrittenVersion(
        rows=pa.concat_tables([part.rows for part in parts]),
        split=np.concatenate([part.split for part in parts]),
        text_row=np.concatenate([start + part.text_row for start, part in zip(starts, parts, strict=False)]),
        text_key=np.concatenate([part.text_key for part in parts]),
        distinct_keys=keys,
    )
    return written, texts.to_pylist()


def _part(batch: tuple[int, pa.Table], config: DatasetConfig) -> _WrittenPart:
    code, table = batch
    question, opening = asked_questions(table["messages"].combine_chunks(), config)
    found = question_texts(question, opening, table["turn"].combine_chunks(), config)
    keyed = [(values, *member_keys("x", values)) for values in (found.root, found.stem, found.later)]
    keys, texts = distinct_texts(
        [keys for _, _, keys in keyed], [values.take(pa.array(rows)) for values, rows, _ in keyed]
    )
    return _WrittenPart(
        rows=table.select(_COLUMNS[:4]).append_column("stratum", stratum_names(table)),
        split=np.full(table.num_rows, code, np.int8),
        text_row=np.concatenate([rows for _, rows, _ in keyed]),
        text_key=np.concatenate([keys for _, _, keys in keyed]),
        keys=keys,
        texts=texts,
    )
