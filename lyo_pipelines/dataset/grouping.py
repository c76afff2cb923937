"""From examples to ties: which keys each example has, and which question texts are near duplicates of each other.

Finding near duplicates is curation's; splitting groups is splits.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.contracts.dataset import NearDuplicateCounts
from lyo_pipelines.dataset.clustering import QuestionClusters
from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.question_texts import asked_questions, question_texts
from lyo_pipelines.storage.arrow import give_back
from lyo_pipelines.tasks.messages import MESSAGE_COLUMNS, messages_column

GROUPING_COLUMNS = ("interaction_id", "conversation_id", "question_id", "turn", "history", "question")


@dataclass(frozen=True)
class Ties:
    """own: (N,) uint64 interaction keys. pairs: (E, 2) uint64 keys that belong together. near: counts of the clusters."""

    own: np.ndarray
    pairs: np.ndarray
    near: NearDuplicateCounts


@dataclass(frozen=True)
class DayTies:
    """Ties of one day: own keys, pairs, and the day's distinct question texts with their keys."""

    own: np.ndarray
    pairs: np.ndarray
    text_keys: np.ndarray
    texts: pa.Array


def day_ties(table: pa.Table, config: DatasetConfig) -> DayTies:
    """Find keys and question texts of one day's examples (columns GROUPING_COLUMNS), in the order of the rows."""
    columns = {name: table[name].combine_chunks() for name in GROUPING_COLUMNS}
    rows, own = member_keys("i", columns["interaction_id"])
    if len(rows) != table.num_rows:
        raise ValueError("an example without interaction_id cannot be remembered from version to version")
    keyed = [member_keys("c", columns["conversation_id"]), member_keys("q", columns["question_id"])]
    found = question_texts(*asked_questions(_spoken(table), config), columns["turn"], config)
    texted = [(values, *member_keys("x", values)) for values in (found.root, found.stem, found.later)]
    keyed += [(rows, keys) for _, rows, keys in texted]
    pairs = np.concatenate([np.column_stack([own[rows], keys]) for rows, keys in keyed])
    keys, texts = distinct_texts(
        [keys for _, _, keys in texted], [values.take(pa.array(rows)) for values, rows, _ in texted]
    )
    return DayTies(own, pairs, keys, texts)


def _spoken(table: pa.Table) -> pa.ListArray:
    """The chat messages as they will be written, without system prompt and answer: what is compared here is what is checked later."""
    nothing = pa.nulls(table.num_rows, pa.string())
    columns = {name: table[name] if name in GROUPING_COLUMNS else nothing for name in MESSAGE_COLUMNS}
    return messages_column(pa.table(columns), lambda _: "")


def distinct_texts(keys: list[np.ndarray], texts: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
    """Join lists of (key, text), each key once, by ascending key."""
    joined, first = np.unique(np.concatenate([np.zeros(0, np.uint64), *keys]), return_index=True)
    return joined, pa.concat_arrays([pa.array([], pa.string()), *texts]).take(pa.array(first))


def all_ties(days: Iterable[DayTies], clusters: QuestionClusters) -> Ties:
    """Join the days, cluster the distinct texts and return everything that ties examples together."""
    parts = list(days)
    keys, texts = distinct_texts([part.text_keys for part in parts], [part.texts for part in parts])
    own = np.concatenate([np.zeros(0, np.uint64), *(part.own for part in parts)])
    pairs = np.concatenate([np.zeros((0, 2), np.uint64), *(part.pairs for part in parts)])
    del parts
    listed = texts.to_pylist()
    del texts  # a million texts twice would be the peak of the whole build
    give_back()
    near, summary = near_duplicate_pairs(keys, clusters.labels(keys, listed))
    return Ties(own=own, pairs=np.concatenate([pairs, near]), near=summary)


def near_duplicate_pairs(keys: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, NearDuplicateCounts]:
    """Return ((P, 2) pairs of keys that tie each cluster together, figures about the clusters).

    keys, labels: (M,), one per distinct text.
    """
    order = np.argsort(labels, kind="stable")
    same = labels[order][1:] == labels[order][:-1]
    pairs = np.column_stack([keys[order][:-1][same], keys[order][1:][same]])
    sizes = np.unique(labels, return_counts=True)[1]
    several = sizes[sizes > 1]
    return pairs.astype(np.uint64), NearDuplicateCounts(
        distinct_texts=len(keys),
        clusters_of_several=len(several),
        texts_in_them=int(several.sum()),
        largest=int(sizes.max(initial=0)),
    )
