"""Lay feedback over the interactions it speaks of: per field the newest wins that says something, or takes back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import FEEDBACK_VALUES, LANDED, MATCH_KEYS, PARENT_KEY
from lyo_pipelines.interactions.days.final_answers import BesideTheAnswer
from lyo_pipelines.storage.arrow import pc

_NEVER = -(2**62)
_CONVERSATION = 2


class FeedbackOfDay:
    """The feedback for one day, ready to be laid over blocks of its interactions."""

    def __init__(
        self, feedback: pa.Table | None, beside: BesideTheAnswer | None = None, ambiguous: np.ndarray | None = None
    ) -> None:
        """beside: what no rating of a whole trace belongs to. ambiguous: keys of ids that stand on more than one content."""
        self._feedback = None
        self._beside = beside
        if feedback is None or not len(feedback):
            return
        at = feedback["feedback_at"].cast(pa.int64()).to_numpy()
        level = feedback["target_level"].to_numpy()
        files = feedback["source_file"].to_numpy().astype(str)
        # from the weakest to the strongest: older before newer, conversation before trace before interaction
        order = np.lexsort([feedback["source_line"].to_numpy(), files, -level, at])
        self._feedback = feedback.take(pa.array(order)).combine_chunks()
        self._at, self._level = at[order], level[order]
        self._keys = self._feedback["target_key"].to_numpy().copy()
        if ambiguous is not None and len(ambiguous):  # nobody knows of which one it speaks, so it speaks of none
            self._keys[(self._level == 0) & np.isin(self._keys, ambiguous)] = 0

    def apply(self, table: pa.Table) -> tuple[pa.Table, int]:
        """LANDED rows with their feedback, and how many of them some feedback reached.

        Newest feedback_at wins per field; at the same moment the more specific one (interaction, trace, conversation), then the
        larger file hash and line. What came with the row itself counts as given at its own feedback_at, or when it happened.
        """
        if self._feedback is None or not len(table):
            return table, 0
        rows, told = self._pairs(table)
        if not len(rows):
            return table, 0
        table = table.combine_chunks()
        own_at = pc.coalesce(table["feedback_at"], table["occurred_at"]).cast(pa.int64()).to_numpy()
        stated = table["feedback_at"].cast(pa.int64()).fill_null(_NEVER).to_numpy().copy()
        for name in FEEDBACK_VALUES:
            table = self._overlay(table, name, rows, told, own_at)
        np.maximum.at(stated, rows, self._at[told])
        at = pa.array(stated, pa.int64(), mask=stated == _NEVER).cast(LANDED.field("feedback_at").type)
        table = table.set_column(LANDED.get_field_index("feedback_at"), LANDED.field("feedback_at"), at)
        return table, len(np.unique(rows))

    def _pairs(self, table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """(rows of the block, rows of the feedback) that belong together, the strongest feedback of each row last."""
        rows, told = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        own = table["interaction_key"].fill_null(0).to_numpy()
        for level, name in (*enumerate(MATCH_KEYS), (0, PARENT_KEY)):
            here = np.flatnonzero((self._level == level) & (self._keys != 0))  # 0 is no key
            if not len(here):
                continue
            here = here[np.argsort(self._keys[here], kind="stable")]
            keys = table[name].fill_null(0).to_numpy()
            if self._beside is not None and name != MATCH_KEYS[0]:
                beside = self._beside.helpers if level == _CONVERSATION else self._beside.of_trace
                keys = np.where(np.isin(own, beside), 0, keys)
            first, last = (np.searchsorted(self._keys[here], keys, side) for side in ("left", "right"))
            counts = last - first
            starts = np.repeat(first - (np.cumsum(counts) - counts), counts)
            rows.append(np.repeat(np.arange(len(keys)), counts))
            told.append(here[starts + np.arange(counts.sum())])
        all_rows, all_told = np.concatenate(rows), np.concatenate(told)
        order = np.lexsort([all_told, all_rows])
        return all_rows[order], all_told[order]

    def _takes_back(self, name: str) -> np.ndarray:
        """Which feedback withdraws this value: it says something, and what it says is null."""
        assert self._feedback is not None
        if "withdrawn" not in self._feedback.column_names:  # landed before feedback could be taken back
            return np.zeros(len(self._feedback), bool)
        bits = self._feedback["withdrawn"].fill_null(0).to_numpy()
        return (bits >> FEEDBACK_VALUES.index(name)) & 1 == 1

    def _overlay(self, table: pa.Table, name: str, rows: np.ndarray, told: np.ndarray, own_at: np.ndarray) -> pa.Table:
        assert self._feedback is not None
        says = (self._feedback[name].is_valid().to_numpy() | self._takes_back(name))[told]
        rows, told = rows[says], told[says]
        if not len(rows):
            return table
        strongest = np.append(rows[1:] != rows[:-1], True)
        rows, told = rows[strongest], told[strongest]
        silent = table[name].is_null().to_numpy()[rows]
        wins = silent | (self._at[told] >= own_at[rows])
        index = np.full(len(table), -1)
        index[rows[wins]] = told[wins]
        changed = index >= 0
        taken = self._feedback[name].combine_chunks().take(pa.array(index, mask=~changed))
        column = pc.if_else(pa.array(changed), taken, table[name].combine_chunks())
        return table.set_column(LANDED.get_field_index(name), LANDED.field(name), column)
