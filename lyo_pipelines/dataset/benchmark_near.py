"""Does a text repeat a benchmark's question nearly? Typos, other names, other numbers leave most runs of three words as they are.

A question is repeated when a text holds enough of its distinctive runs: those that few other questions of the benchmarks have.
Numbers are alike here. Containment of short word runs is the measure of Broder 1997 ("On the resemblance and containment of
documents"); how much is enough was chosen on GSM8K, see docs/decisions/0006-splits.md. Exact runs belong to benchmark_overlap.py.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.word_windows import windows
from lyo_pipelines.storage.arrow import offsets_and_values, pc

RUN = 3
"""Words of a run."""
_NUMBER = "0"


class NearIndex:
    """The distinctive runs of all questions, ready to be searched for."""

    def __init__(self, questions: pa.ListArray, *, share: float, least: int) -> None:
        """Index questions (words). share: of its distinctive runs that a text must hold; least: how many at the least."""
        offsets, flat = offsets_and_values(questions)
        self._vocabulary = pc.unique(_numbers_alike(flat))
        hashes, item = windows(self._codes(flat), offsets, RUN)
        order = np.lexsort((item, hashes))
        hashes, item = hashes[order], item[order]
        new = np.ones(len(hashes), bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (item[1:] != item[:-1])
        hashes, item = hashes[new], item[new]
        _, where, count = np.unique(hashes, return_inverse=True, return_counts=True)
        distinctive = count[where] <= max(5, len(questions) // 100) if len(hashes) else new
        self._hashes, self._item = hashes[distinctive], item[distinctive]
        runs = np.bincount(self._item, minlength=len(questions))
        self._enough = np.where(runs >= least, np.maximum(np.ceil(share * runs), least), np.inf)

    def _codes(self, flat: pa.Array) -> np.ndarray:
        found = pc.index_in(_numbers_alike(flat), value_set=self._vocabulary)
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False)

    def texts(self, offsets: np.ndarray, flat: pa.Array) -> list[tuple[int, int]]:
        """Return (text, item) for each question that one of the texts (runs of words from offset to offset) repeats."""
        hashes, text = windows(self._codes(flat), offsets, RUN)
        low, high = np.searchsorted(self._hashes, hashes, "left"), np.searchsorted(self._hashes, hashes, "right")
        hit = np.flatnonzero(high > low)
        count = (high - low)[hit]
        behind = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        place = np.repeat(low[hit], count) + behind  # which run of which item
        owner = np.repeat(text[hit], count)
        distinct = np.unique(owner * max(len(self._hashes), 1) + place)  # a run counts once in a text
        owner, place = distinct // max(len(self._hashes), 1), distinct % max(len(self._hashes), 1)
        items = len(self._enough)
        pairs, held = np.unique(owner * max(items, 1) + self._item[place], return_counts=True)
        found = pairs[held >= self._enough[pairs % max(items, 1)]] if len(pairs) else pairs
        return [(int(pair // items), int(pair % items)) for pair in found]


def _numbers_alike(flat: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(flat, r"^[0-9]+$", _NUMBER)
