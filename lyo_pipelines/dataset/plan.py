"""Deciding one dataset version: which examples, in which group and split, and why the others left. Writes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.contracts.dataset import GroupCounts, LargeGroup, NearDuplicateCounts
from lyo_pipelines.curation.judgements import mean_ratings
from lyo_pipelines.curation.pool import apply_pool_rules
from lyo_pipelines.dataset.benchmark_overlap import BenchmarkIndex
from lyo_pipelines.dataset.benchmark_scan import SCAN_COLUMNS, benchmark_overlaps, day_overlaps
from lyo_pipelines.dataset.benchmarks import Benchmark
from lyo_pipelines.dataset.contract import (
    REMOVED_SCHEMA,
    RULE_BENCHMARK,
    RULE_EXPIRED,
    RULE_MERGED,
    RULE_NOT_YET,
    RULE_REPEATED,
    SPLITS,
)
from lyo_pipelines.dataset.errors import SegmentTooSmallError, TooFewGroupsError
from lyo_pipelines.dataset.expiry import EXPIRY_COLUMNS, RowValidity, joined_validity, may_expire, row_validity, unsaid
from lyo_pipelines.dataset.grouping import GROUPING_COLUMNS, all_ties, day_ties
from lyo_pipelines.dataset.pooling import POOL_COLUMNS, without_texts
from lyo_pipelines.dataset.read_examples import DayRows, first_pass, later_pass
from lyo_pipelines.dataset.scope import Scope
from lyo_pipelines.dataset.segments import explain_empty
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.dataset.splits import Assignment, assign_splits
from lyo_pipelines.dataset.teams import of_team, too_small_team
from lyo_pipelines.storage.arrow import give_back, pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import EXPIRED, NOT_YET, NOTHING_DECLARED, Validity

GROUPS_LISTED = 10
_IDS = 100_000
TIED = 10
"""Examples for each group that is needed: with so many, a segment is not thin, and too few groups are a fault to look into."""


@dataclass(frozen=True)
class Plan:
    """A version before it is written.

    keep: mask over the rows read; weight (float32), split (int8 positions in SPLITS) and group (uint64) of the K kept rows, in the
    order of the rows. removed: REMOVED_SCHEMA. validity: of the K kept rows on the day of the plan.
    segments: curated examples of each segment that were read.
    """

    rows: DayRows
    keep: np.ndarray
    weight: np.ndarray
    split: np.ndarray
    group: np.ndarray
    removed: pa.Table
    memory: SplitMemory
    near: NearDuplicateCounts
    groups: GroupCounts
    validity: RowValidity
    segments: dict[str, int]

    def fingerprint(self, format_version: str, figures: str) -> str:
        """16 hex digits of SHA-256 over the sorted example ids, the versions of the task formats and what shaped the rows.

        figures: digest of the figures that did (row_figures.py): other figures may leave the same ids, with other texts or weights.
        """
        digest = sha256(f"{format_version}\n{figures}".encode())
        kept = self.rows.example_id.filter(pa.array(self.keep))
        _add_sorted(digest, b"\n", kept)
        # held-out examples that hold no more are the same ids, and another version: its report slices them
        _add_sorted(digest, b"\nheld out: ", kept.filter(pa.array(self.validity.left_out)))
        return digest.hexdigest()[:16]

    def removed_by_rule(self) -> dict[str, int]:
        """Count of removed examples by rule."""
        return dict(sorted(Counter(self.removed["rule"].to_pylist()).items()))


def make_plan(
    lake: Lake,
    scope: Scope,
    config: DatasetConfig,
    curation: CurationConfig,
    *,
    benchmarks: list[Benchmark],
    memory: SplitMemory,
    validity: Validity = NOTHING_DECLARED,
    day: date,
) -> Plan:
    """Decide which examples of a scope go where; those that hold no more on `day`, or not yet, are not trained on.

    Raises EmptySegmentError or SegmentTooSmallError, each saying what to do. kept + removed = read, always.
    """
    rows, table = first_pass(lake, scope, POOL_COLUMNS, without_texts)
    if table is None:
        raise too_small_team(scope, config.teams, 0, 0) if scope.team else explain_empty(lake, scope.key)
    segments = {key: count.kept for key, count in sorted(scope.counts.items())}
    if scope.team:
        curation = of_team(scope, config.teams, curation, table)
        segments = dict(sorted(Counter(table["segment"].to_pylist()).items()))
    keep, weight, removed = _pooled(table, curation, scope.interactions, mean_ratings(lake))
    del table
    give_back()
    if not keep.any():
        raise _too_small(rows, removed)

    excluded = [benchmark for benchmark in benchmarks if benchmark.on_overlap == "exclude"]
    if excluded:
        # all rows are searched: what the pool left out may have opened a conversation of which other turns are kept
        scan = partial(day_overlaps, index=BenchmarkIndex(excluded, config))
        overlapping = benchmark_overlaps(later_pass(lake, rows, np.ones(len(keep), bool), SCAN_COLUMNS, scan))
        keep, dropped = keep & ~overlapping, keep & overlapping
        removed.append(_removed(rows.example_id.filter(pa.array(dropped)), RULE_BENCHMARK))

    days = later_pass(lake, rows, keep, GROUPING_COLUMNS, partial(day_ties, config=config, known=memory.keys))
    ties = all_ties(days, config, curation)
    assignment = assign_splits(ties.own, ties.pairs, memory, config, ties.stratum)
    stays = assignment.split >= 0
    keep, dropped = _without(keep, ~stays)
    removed.append(_removed(rows.example_id.filter(pa.array(dropped)), RULE_MERGED))
    holds = _validity(lake, rows, keep, scope, validity, day)
    # after the splits are dealt, so that nobody's split depends on what expires when
    learnt = assignment.split[stays] == SPLITS.index("train")
    for state, rule in ((EXPIRED, RULE_EXPIRED), (NOT_YET, RULE_NOT_YET)):
        leaves = pc.fill_null(pc.equal(holds.states, state), False).to_numpy(zero_copy_only=False) & learnt
        keep, dropped = _without(keep, leaves)
        removed.append(_removed(rows.example_id.filter(pa.array(dropped)), rule))
        holds, learnt = holds.filter(~leaves), learnt[~leaves]
        stays[np.flatnonzero(stays)[leaves]] = False
    plan = Plan(
        rows=rows,
        keep=keep,
        weight=weight[keep],
        split=assignment.split[stays],
        group=assignment.group[stays],
        removed=pa.concat_tables(removed).sort_by([("rule", "ascending"), ("example_id", "ascending")]),
        memory=assignment.memory,
        near=ties.near,
        groups=_group_counts(assignment, stays),
        validity=holds,
        segments=segments,
    )
    _refuse_thin(plan, config)
    return plan


def _add_sorted(digest: Any, before: bytes, ids: pa.Array) -> None:
    """Add ids to a digest in their order, each with the same bytes before it; some of them at a time as Python's own."""
    order = pc.sort_indices(ids)
    for start in range(0, len(ids), _IDS):
        for example in ids.take(order.slice(start, _IDS)).to_pylist():
            digest.update(before + example.encode())


def _validity(lake: Lake, rows: DayRows, keep: np.ndarray, scope: Scope, validity: Validity, day: date) -> RowValidity:
    """How the kept rows stand on a day."""
    if not may_expire(scope, validity):
        return unsaid(int(keep.sum()))
    return joined_validity(
        later_pass(lake, rows, keep, EXPIRY_COLUMNS, partial(row_validity, validity=validity, day=day))
    )


def _pooled(
    table: pa.Table, curation: CurationConfig, interactions: int | None, shared: pl.DataFrame
) -> tuple[np.ndarray, np.ndarray, list[pa.Table]]:
    """Drop repeated ids and apply the pool rules; return (mask of kept rows, weight of all rows, what was removed)."""
    ids = table["example_id"].combine_chunks()
    first = np.zeros(table.num_rows, bool)
    first[np.unique(ids.dictionary_encode().indices.to_numpy(), return_index=True)[1]] = True
    pooled = apply_pool_rules(table.filter(pa.array(first)), curation, interactions, shared)
    position = pc.index_in(ids, value_set=pooled.kept["example_id"].combine_chunks())
    keep = first & pc.is_valid(position).to_numpy(zero_copy_only=False)
    weight = np.ones(table.num_rows, np.float32)
    weight[keep] = pooled.kept["weight"].to_numpy()[position.filter(pa.array(keep)).to_numpy()]
    removed = [
        _removed(ids.filter(pa.array(~first)), RULE_REPEATED),
        pooled.removed.select(REMOVED_SCHEMA.names).cast(REMOVED_SCHEMA),
    ]
    return keep, weight, removed


def _without(keep: np.ndarray, leave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take from the mask `keep` those of its rows that `leave` (one entry per kept row) names; return both masks."""
    dropped = np.zeros(len(keep), bool)
    dropped[np.flatnonzero(keep)[leave]] = True
    return keep & ~dropped, dropped


def _removed(ids: Any, rule: str) -> pa.Table:
    return pa.table(
        {"example_id": ids, "rule": pa.array([rule]).take(pa.array(np.zeros(len(ids), np.int8)))}, schema=REMOVED_SCHEMA
    )


def _group_counts(assignment: Assignment, kept: np.ndarray) -> GroupCounts:
    """Count groups by origin and split, and name the largest ones."""
    group, first, sizes = np.unique(assignment.group[kept], return_index=True, return_counts=True)
    split = assignment.split[kept][first]
    largest = np.lexsort((group, -sizes))[:GROUPS_LISTED]
    return GroupCounts(
        groups=len(group),
        by_split={name: int((split == code).sum()) for code, name in enumerate(SPLITS)},
        new=assignment.groups_new,
        known=assignment.groups_known,
        merged_into_held_out=assignment.groups_merged,
        largest=tuple(
            LargeGroup(
                group_id=f"{int(group[n]):016x}",
                split=SPLITS[split[n]],
                examples=int(sizes[n]),
                share=round(float(sizes[n] / sizes.sum()), 6),
            )
            for n in largest
        ),
    )


def _too_small(rows: DayRows, removed: list[pa.Table]) -> SegmentTooSmallError:
    rules = Counter(rule for table in removed for rule in table["rule"].to_pylist())
    told = ", ".join(f"{rule} removed {count}" for rule, count in rules.most_common())
    return SegmentTooSmallError(
        f"{rows.scope.key}: none of its {len(rows.example_id)} examples is left ({told}; {rows.scope.interactions} interactions "
        "read). Collect more interactions, or lower the threshold of that rule in config.yaml (curation:)."
    )


def _tied(plan: Plan, config: DatasetConfig) -> str:
    largest = plan.groups.largest[0]
    return (
        f"{plan.rows.scope.key}: no dataset was made. Its {len(plan.split)} examples are {plan.groups.groups} independent groups "
        f"where {config.minimum_groups} are needed; the largest ({largest.group_id}) holds {largest.share:.0%} of them. Look what "
        "they share: a conversation_id or question_id that is the same everywhere is a mapping to mend; several instructions of "
        "the application before the questions need a lower dataset.common_share; numbers alone that differ, "
        "dataset.number_variants: apart. If they truly are so few exercises, train a broader segment (its parent), or lower "
        "dataset.minimum_groups in config.yaml."
    )


def _refuse_thin(plan: Plan, config: DatasetConfig) -> None:
    """Refuse a version whose splits would say nothing."""
    groups = plan.groups.groups
    counts = {name: int((plan.split == code).sum()) for code, name in enumerate(SPLITS)}
    empty = [name for name, count in counts.items() if not count]
    if groups >= config.minimum_groups and not empty:
        return
    if groups < config.minimum_groups and len(plan.split) >= TIED * config.minimum_groups:
        raise TooFewGroupsError(_tied(plan, config))
    why = (
        f"{groups} independent groups where {config.minimum_groups} are needed"
        if groups < config.minimum_groups
        else ""
    )
    if empty and not why:
        why = f"{groups} groups, none of which is in {' or '.join(empty)}"
    raise SegmentTooSmallError(
        f"{plan.rows.scope.key}: too small to split ({len(plan.split)} examples in {why}; removed: "
        f"{plan.removed_by_rule() or 'none'}). Wait for more conversations and "
        "questions, train a broader segment, or lower dataset.minimum_groups in config.yaml."
    )
