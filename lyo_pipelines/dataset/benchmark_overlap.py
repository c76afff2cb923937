"""Does an example repeat a benchmark? Four ways: 13 words in a row, a whole message, most of a question, the source id.

Thirteen-word overlap follows Brown et al. 2020 (GPT-3), appendix C. Everything runs on Arrow columns: words become codes of the
benchmarks' vocabulary, so that a window holding a word that no benchmark knows is discarded before anything is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.benchmark_near import NearIndex
from lyo_pipelines.dataset.benchmarks import Benchmark, specific_id
from lyo_pipelines.dataset.comparable_texts import comparable_words
from lyo_pipelines.dataset.word_windows import windows
from lyo_pipelines.storage.arrow import offsets_and_values, pc

EXCERPT = 80
"""Characters of a benchmark's (public) question that a finding shows."""
MATCH_ID, MATCH_WHOLE, MATCH_WORDS, MATCH_NEAR = "source_id", "exact", "words_in_a_row", "nearly"


@dataclass(frozen=True)
class Hit:
    """Row `row` of the texts given repeats item `item` (0-based) of a benchmark."""

    row: int
    benchmark: str
    item: int
    item_id: str | None
    how: str
    excerpt: str


class BenchmarkIndex:
    """All registered benchmarks, ready to be searched for."""

    def __init__(self, benchmarks: Sequence[Benchmark], config: DatasetConfig) -> None:
        """Index questions (and answers long enough to be told apart) of all benchmarks."""
        # position in all benchmarks together -> (benchmark, item counted from 0, id)
        self.items: list[tuple[str, int, str | None]] = [
            (benchmark.name, item, identifier)
            for benchmark in benchmarks
            for item, identifier in enumerate(benchmark.table["id"].to_pylist())
        ]
        questions, answers = (
            pa.concat_arrays([pa.array([], pa.string()), *(b.table[name].combine_chunks() for b in benchmarks)])
            for name in ("question", "answer")
        )
        self.questions = questions
        texts = words_of(pa.concat_arrays([questions, answers]))
        offsets, flat = offsets_and_values(texts)
        self.vocabulary = pc.unique(flat)
        self.lengths = self._sizes(offsets, config, len(questions))
        self._windows = {
            size: self._index(offsets, flat, size) for size in sorted(set(self.lengths[self.lengths > 0].tolist()))
        }
        self._near = NearIndex(
            texts.slice(0, len(questions)), share=config.benchmark_near_share, least=config.benchmark_near_runs
        )
        whole = pc.binary_join(texts.slice(0, len(questions)), " ")
        usable = pc.greater(pc.utf8_length(whole), 0)
        self._whole = pc.if_else(usable, whole, pa.scalar(None, pa.string()))
        specific = pa.array([specific_id(identifier) for _, _, identifier in self.items], pa.string())
        named = pa.array([f"{name}:{i}" if i else None for name, _, i in self.items], pa.string())
        nothing = [pa.nulls(len(benchmark.table), pa.string()) for benchmark in benchmarks]
        hidden = [
            pa.concat_arrays(
                [(b.hidden_ids or (none, none))[form] for b, none in zip(benchmarks, nothing, strict=True)]
            )
            for form in ((0, 1) if any(b.hidden_ids for b in benchmarks) else ())
        ]
        self._ids = (specific, named, *hidden)

    @staticmethod
    def _sizes(offsets: np.ndarray, config: DatasetConfig, questions: int) -> np.ndarray:
        """Window size of each text: the n-gram, or a shorter question's own length; 0 = not searched inside longer text."""
        words = np.diff(offsets)
        n = config.benchmark_ngram
        short = np.where(words >= config.benchmark_minimum_words, words, 0)
        short[questions:] = 0  # a short answer ("the answer is 12") proves nothing
        return np.where(words >= n, n, short).astype(np.int64)

    def _index(self, offsets: np.ndarray, flat: pa.Array, size: int) -> tuple[np.ndarray, np.ndarray]:
        hashes, text = windows(self._codes(flat), offsets, size)
        mine = self.lengths[text] == size
        hashes, item = hashes[mine], text[mine] % max(len(self.items), 1)
        order = np.lexsort((item, hashes))
        return hashes[order], item[order]

    def _codes(self, words: pa.Array) -> np.ndarray:
        return pc.fill_null(pc.index_in(words, value_set=self.vocabulary), -1).to_numpy(zero_copy_only=False)

    def texts(self, texts: pa.Array, rows: np.ndarray) -> list[Hit]:
        """Return hits of M texts that belong to `rows` (int64, M), at most one per row, item and way."""
        if not self.items or not len(texts):
            return []
        words = words_of(texts)
        offsets, flat = offsets_and_values(words)
        codes = self._codes(flat)
        hits: set[tuple[int, int, str]] = set()
        for size, (known, item) in self._windows.items():
            hashes, text = windows(codes, offsets, size)
            for position, found in _pairs(hashes, known):
                hits.add((int(rows[text[position]]), int(item[found]), MATCH_WORDS))
        for text, found in self._near.texts(offsets, flat):
            if (int(rows[text]), found, MATCH_WORDS) not in hits:
                hits.add((int(rows[text]), found, MATCH_NEAR))
        whole = pc.index_in(pc.binary_join(words, " "), value_set=self._whole, skip_nulls=True)
        hits |= self._by_index(whole, rows, MATCH_WHOLE)
        return self._named(hits)

    def ids(self, ids: pa.Array, rows: np.ndarray) -> list[Hit]:
        """Return hits of M source question ids that belong to `rows`."""
        if not self.items or not len(ids):
            return []
        hits: set[tuple[int, int, str]] = set()
        for known in self._ids:
            hits |= self._by_index(pc.index_in(ids, value_set=known, skip_nulls=True), rows, MATCH_ID)
        return self._named(hits)

    @staticmethod
    def _by_index(index: Any, rows: np.ndarray, how: str) -> set[tuple[int, int, str]]:
        found = index.is_valid().to_numpy(zero_copy_only=False)
        items = pc.drop_null(index).to_numpy(zero_copy_only=False)
        return {(int(row), int(item), how) for row, item in zip(rows[found], items, strict=True)}

    def _named(self, hits: set[tuple[int, int, str]]) -> list[Hit]:
        return [
            Hit(row, *self.items[item], how, self.questions[item].as_py()[:EXCERPT]) for row, item, how in sorted(hits)
        ]


def words_of(texts: pa.Array) -> pa.ListArray:
    """Return each text as comparable words: letters and digits of every script, in one spelling."""
    plain = pc.replace_substring_regex(pc.fill_null(texts, ""), r"<<[^<>]*>>", "")  # GSM8K's calculator marks
    plain = comparable_words(plain)
    words = pc.split_pattern(plain, " ")
    return pc.if_else(pc.equal(plain, ""), pa.scalar([], words.type), words)


def _pairs(hashes: np.ndarray, known: np.ndarray) -> list[tuple[int, int]]:
    """Return (position in hashes, position in the sorted known) for all equal values, repeats in `known` included."""
    low, high = np.searchsorted(known, hashes, "left"), np.searchsorted(known, hashes, "right")
    found = np.flatnonzero(high > low)
    return [(int(position), k) for position in found for k in range(low[position], high[position])]
