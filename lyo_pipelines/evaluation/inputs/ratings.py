"""Answers that users rated, from the training side of a segment: what predicted ratings are learnt from (in satisfaction.py).

All ratings count, also those that keep an answer out of the training data; answers that other rules removed (broken, cut off, in a
wrong language) do not. Nothing of a test item: not its interaction, conversation, exercise or question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.dataset.comparable_texts import comparable_words, text_keys
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.earlier_keys import earlier_text_keys
from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.storage.lake import Lake

_TEST = SPLITS.index("test")
_COLUMNS = [
    "interaction_id",
    "conversation_id",
    "question_id",
    "language",
    "question",
    "answer",
    "rating",
    "user_pseudonym",
]
_KINDS = {"interaction_id": "i", "conversation_id": "c", "question_id": "q"}


@dataclass(frozen=True)
class RatedAnswers:
    """Columns of one length: who rated which answer to which question how."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    languages: tuple[str, ...]
    ratings: tuple[float, ...]
    users: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ratings)

    @property
    def fingerprint(self) -> str:
        """Changes with any of them."""
        digest = hashlib.sha256()
        for row in zip(self.questions, self.answers, self.languages, self.ratings, self.users, strict=True):
            digest.update(repr(row).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]


def rated_answers(lake: Lake, segments: Sequence[str], dataset_dir: Path, maximum: int) -> RatedAnswers:
    """The newest rated answers of these segments, at most `maximum`; rows without a user cannot be told apart and are left out.

    dataset_dir: the version whose test items (and all that is tied to them) stay out.
    """
    memory = _memory(dataset_dir)
    parts, found = [], 0
    for table in _newest_first(lake, segments):
        frame = pl.DataFrame(pl.from_arrow(table.filter(pa.array(~_held_out(table, memory)))))
        whole = pl.col("answer").is_not_null() & (pl.col("answer") != "") & pl.col("rating").is_not_nan()
        frame = frame.filter(whole & pl.col("user_pseudonym").is_not_null()).sort("interaction_id")
        parts.append(frame)
        found += frame.height
        if found >= maximum:
            break
    frame = pl.concat(parts).head(maximum) if parts else pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String))
    return RatedAnswers(
        questions=tuple(frame["question"]),
        answers=tuple(frame["answer"]),
        languages=tuple(frame["language"]),
        ratings=tuple(float(rating) for rating in frame["rating"]),
        users=tuple(frame["user_pseudonym"]),
    )


def _newest_first(lake: Lake, segments: Sequence[str]) -> Iterator[pa.Table]:
    for day in reversed(lake.days("examples")):
        kept = _inside(lake.read_table(lake.examples(day), [*_COLUMNS, "segment"]), segments).select(_COLUMNS)
        yield kept.filter(pc.is_valid(kept["rating"]))
        if not (lake.exists(lake.interactions(day)) and lake.exists(path := lake.examples(day, "removed"))):
            continue
        removed = _inside(lake.read_table(path, ["interaction_id", "segment", "rule"]), segments)
        low = removed.filter(pc.equal(removed["rule"], "rated_low"))["interaction_id"].combine_chunks()
        if len(low):
            raw = lake.read_table(lake.interactions(day), _COLUMNS)
            yield raw.filter(pc.is_in(raw["interaction_id"], value_set=low))


def _inside(table: pa.Table, segments: Sequence[str]) -> pa.Table:
    return table.filter(pc.is_in(table["segment"], value_set=pa.array(list(segments), pa.string())))


def _memory(dataset_dir: Path) -> SplitMemory:
    path = dataset_dir / "groups.parquet"
    return SplitMemory.from_table(CheckedTable(path, str(path)).read()) if path.is_file() else SplitMemory.empty()


def _held_out(table: pa.Table, memory: SplitMemory) -> np.ndarray:
    """Which rows share an interaction, a conversation, an exercise or a question's text with the test split."""
    found = np.zeros(table.num_rows, bool)
    keyed = [member_keys(kind, table[name].combine_chunks()) for name, kind in _KINDS.items()]
    questions = table["question"].combine_chunks()
    keyed += [text_keys(comparable_words(questions)), earlier_text_keys(questions)]
    for rows, keys in keyed:
        known, split, _ = memory.lookup(keys)
        found[rows[known & (split == _TEST)]] = True
    return found
