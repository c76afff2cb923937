"""Canonical feedback rows to a table, each accepted or given the first reason against it. Whom it reaches: feedback.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import FEEDBACK, FEEDBACK_COLUMNS, MATCH_KEYS
from lyo_pipelines.interactions.conversion.interactions import ConversionContext
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields import columns, times
from lyo_pipelines.interactions.fields.columns import NUMBERS, Bad
from lyo_pipelines.interactions.identity import match_keys
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.arrow import pc

TARGETS = ("interaction_id", "trace_id", "conversation_id")
"""Ids a feedback may name, most specific first; the first that is there counts."""

_VALUES = tuple(name for name in FEEDBACK_COLUMNS if name != "feedback_at")


def feedback_table(rows: Sequence[RawRow], lines: Sequence[int], context: ConversionContext) -> tuple[pa.Table, Bad]:
    """Convert canonical feedback to FEEDBACK; accepted rows, and the reasons against the others by index."""
    bad: Bad = {}
    data: dict[str, pa.Array] = {}
    users = [None if row.get("user_id") is None else str(row["user_id"]) for row in rows]

    def column(name: str) -> list[Any]:
        return [row.get(name) for row in rows]

    data["target_key"] = pa.nulls(len(rows), pa.uint64())
    data["target_level"] = pa.nulls(len(rows), pa.int8())
    for level, (name, purpose) in enumerate(zip(TARGETS, MATCH_KEYS, strict=True)):
        ids = columns.texts(column(name), bad, name)
        keys = match_keys(pc.if_else(pc.equal(ids, ""), None, ids), context.pseudonyms.matching_key(purpose))
        fresh = pc.and_(data["target_key"].is_null(), keys.is_valid())
        data["target_key"] = pc.if_else(fresh, keys, data["target_key"])
        data["target_level"] = pc.if_else(fresh, pa.scalar(level, pa.int8()), data["target_level"])
    for name in _VALUES:
        if name in NUMBERS:
            data[name] = columns.numbers(column(name), bad, name, **NUMBERS[name])
        else:
            found = columns.texts(column(name), bad, name).to_pylist()
            scrub = context.scrubber.text
            data[name] = pa.array(
                [v if v is None else scrub(v, u) for v, u in zip(found, users, strict=True)], pa.string()
            )
    data["feedback_at"] = times.times(column("feedback_at"), bad, "feedback_at")
    times.check_bounds(data["feedback_at"], bad, "feedback_at", earliest=context.earliest, latest=context.latest)
    data["thumbs"] = pc.if_else(pc.equal(data["thumbs"], 0), None, data["thumbs"])
    _mark(bad, data["target_key"].is_null(), "missing_target", f"one of {', '.join(TARGETS)} is needed")
    _mark(bad, data["feedback_at"].is_null(), "missing_feedback_at", "the newest feedback wins, so each needs its time")
    said = [data[name].is_null() for name in _VALUES]
    nothing = said[0]
    for other in said[1:]:
        nothing = pc.and_(nothing, other)
    _mark(bad, nothing, "empty_feedback", f"one of {', '.join(_VALUES)} is needed")
    data["source_file"] = pa.repeat(context.file_hash, len(rows))
    data["source_line"] = pa.array(lines, pa.int64())
    table = pa.table([data[field.name].cast(field.type) for field in FEEDBACK], names=FEEDBACK.names)
    if bad:
        keep = np.ones(len(rows), bool)
        keep[list(bad)] = False
        table = table.filter(pa.array(keep))
    return table.cast(FEEDBACK), bad


def _mark(bad: Bad, where: pa.Array, reason: str, detail: str) -> None:
    for index in np.flatnonzero(where.to_numpy(zero_copy_only=False)).tolist():
        bad.setdefault(index, RowError(reason, detail))
