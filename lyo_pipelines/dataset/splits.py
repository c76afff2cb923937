"""Groups and their splits: who must stay together, and on which side. Reading and writing files belongs elsewhere.

A group is a connected component over member keys: examples that share a conversation, a source question id or a
near-duplicate question are one group. Where the split comes from:

1. A group of which an earlier version knows a key keeps that split; of two old groups that merge, the held-out side wins
   (test > validation > train).
2. Groups never seen are dealt out stratum by stratum so that each split holds its fraction of the stratum's groups
   (stratification.py); which group goes where is drawn by a keyed hash of its smallest member key.
3. In a merged group only examples that were already in the winning split stay. All others leave (rule
   `merged_into_held_out`), now and in every later version: they, or what they are tied to, were trained on (or, in
   validation, steered early stopping), so they may neither be trained on beside the held-out ones nor become held-out.

Hence, in every later version: a test example stays a test example, a train example stays in train or leaves, and nothing
that was trained on becomes a test item.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.curation.text_sets import join, roots, singletons
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.group_keys import keyed_draw
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.dataset.stratification import group_strata, stratified_splits

_PIECE = 1_000_000
"""Ties that are joined at once."""


@dataclass(frozen=True)
class Assignment:
    """For N examples: `split` (int8 position in SPLITS, -1 = leaves by rule), `group` (uint64 smallest member key).

    memory: what later builds must know, earlier decisions included.
    """

    split: np.ndarray
    group: np.ndarray
    memory: SplitMemory
    groups_new: int
    groups_known: int
    groups_merged: int


def assign_splits(
    own: np.ndarray, ties: np.ndarray, memory: SplitMemory, config: DatasetConfig, stratum: np.ndarray
) -> Assignment:
    """Give each example its group and split.

    own: (N,) uint64, the interaction key of each example. ties: (E, 2) uint64, pairs of keys that belong together
    (interaction with conversation, question id and texts; text with near-duplicate text). stratum: (N,) codes from 0, in which the
    splits shall have their fractions; their order must not depend on the order of the examples.
    """
    nodes = np.unique(np.concatenate([own, ties.ravel()]))
    parents = singletons(len(nodes))
    for begin in range(0, len(ties), _PIECE):
        ends = np.searchsorted(nodes, ties[begin : begin + _PIECE])
        join(parents, ends[:, 0], ends[:, 1])
    # components are counted in the order of their smallest keys
    component = np.cumsum(roots(parents) == np.arange(len(nodes)), dtype=np.int64)[parents] - 1
    count = int(component.max(initial=-1)) + 1

    known, node_split, node_weakest = memory.lookup(nodes)
    split = np.full(count, -1, np.int8)
    weakest = np.full(count, len(SPLITS) - 1, np.int8)
    np.maximum.at(split, component[known], node_split[known])
    np.minimum.at(weakest, component[known], node_weakest[known])
    smallest = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, component, nodes)

    row_node = np.searchsorted(nodes, own)
    row_group = component[row_node]
    new = split < 0
    merged = ~new & (weakest < split)
    split = _dealt(split, smallest, row_group, stratum, merged, config)
    weakest[new] = split[new]

    always_held = (
        known[row_node] & (node_split[row_node] == node_weakest[row_node]) & (node_split[row_node] == split[row_group])
    )
    leaves = merged[row_group] & ~always_held

    # what is kept of a merged group was never used below its split: it must not look used in the next version
    node_uses = weakest[component]
    node_uses[row_node[~leaves]] = split[row_group[~leaves]]
    return Assignment(
        split=np.where(leaves, -1, split[row_group]).astype(np.int8),
        group=smallest[row_group],
        memory=memory.joined(nodes, split[component], node_uses),
        groups_new=int(new.sum()),
        groups_known=int((~new).sum()),
        groups_merged=int(merged.sum()),
    )


def _dealt(
    split: np.ndarray,
    smallest: np.ndarray,
    row_group: np.ndarray,
    stratum: np.ndarray,
    merged: np.ndarray,
    config: DatasetConfig,
) -> np.ndarray:
    """The split of each of C groups, the new ones (-1 in `split`) dealt out. A merged group loses rows: it does not count."""
    present = np.bincount(row_group, minlength=len(split))
    here = np.flatnonzero((present > 0) & ~merged)
    dealt = split.copy()
    dealt[here] = stratified_splits(
        split[here],
        group_strata(row_group, stratum, len(split))[here],
        present[here],
        keyed_draw(smallest[here], config.split_key),
        config.fractions,
    )
    rest = np.flatnonzero(dealt < 0)  # a component without rows, of keys alone
    dealt[rest] = 0
    return dealt
