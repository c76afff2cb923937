"""Canonical feedback rows to a table, each accepted or given the first reason against it. Whom it reaches: feedback_routing.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import FEEDBACK, FEEDBACK_VALUES, MATCH_KEYS
from lyo_pipelines.interactions.conversion.findings import Findings
from lyo_pipelines.interactions.conversion.interactions import ConversionContext
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields import columns, times
from lyo_pipelines.interactions.fields.columns import NUMBERS, Bad
from lyo_pipelines.interactions.fields.notes import NOTES, notes_of
from lyo_pipelines.interactions.fields.scales import SCALE, ratings
from lyo_pipelines.interactions.fields.thumbs import THUMBS_OF_ZERO, lone_zeros, parse_thumb
from lyo_pipelines.interactions.identity import match_keys
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.arrow import pc

TARGETS = ("interaction_id", "trace_id", "conversation_id")
"""Ids a feedback may name, most specific first; the first that is there counts."""

_DELETED = (
    "withdrawn",
    "deleted",
    "is_deleted",
    "isDeleted",
    "__deleted",
    "removed",
    "is_removed",
    "retracted",
    "revoked",
)
"""Names that are true of feedback that was taken back."""
_DELETED_AT = ("deleted_at", "deletedAt", "removed_at", "withdrawn_at", "retracted_at", "revoked_at")
_OPERATIONS = ("operation", "op", "__op", "_op")
_EVENTS = ("event", "event_type", "eventType", "action", "change_type", "status", "state")
"""Names that may also speak of something else: only a whole word says that the feedback is gone."""
_DELETIONS = frozenset(
    ("delete", "deleted", "remove", "removed", "retract", "retracted", "withdrawn", "withdraw", "revoked", "revoke")
)
_TRUE = _DELETIONS | {"d", "true", "1", "1.0", "yes", "y", "t"}
_WORD = re.compile(r"[a-z]+")


def feedback_table(
    rows: Sequence[RawRow], lines: Sequence[int], context: ConversionContext
) -> tuple[pa.Table, Findings]:
    """Convert canonical feedback to FEEDBACK: the accepted rows, and what was found about each and the others."""
    findings, data = Findings(), {}
    users = [None if row.get("user_id") is None else str(row["user_id"]) for row in rows]
    findings.said += [(index, sentence) for index, row in enumerate(rows) if NOTES in row for sentence in notes_of(row)]

    def column(name: str) -> list[Any]:
        return [row.get(name) for row in rows]

    data["target_key"] = pa.nulls(len(rows), pa.uint64())
    data["target_level"] = pa.nulls(len(rows), pa.int8())
    for level, (name, purpose) in enumerate(zip(TARGETS, MATCH_KEYS, strict=True)):
        ids = findings.plain_ids(columns.texts(column(name), findings.bad, name), name)
        keys = match_keys(pc.if_else(pc.equal(ids, ""), None, ids), context.pseudonyms.matching_key(purpose))
        fresh = pc.and_(data["target_key"].is_null(), keys.is_valid())
        data["target_key"] = pc.if_else(fresh, keys, data["target_key"])
        data["target_level"] = pc.if_else(fresh, pa.scalar(level, pa.int8()), data["target_level"])
    odd: Bad = {}
    for name in FEEDBACK_VALUES:
        data[name] = _values(name, column(name), column(SCALE), users, context, findings, odd)
    data["feedback_at"] = times.times(column("feedback_at"), findings.bad, "feedback_at", context.zone)
    times.check_bounds(
        data["feedback_at"], findings.bad, "feedback_at", earliest=context.earliest, latest=context.latest
    )
    data["withdrawn"] = pa.array([_withdrawn(row) for row in rows], pa.int32())
    findings.said += [(row, THUMBS_OF_ZERO) for row in lone_zeros(data["thumbs"])]
    data["thumbs"] = pc.if_else(pc.equal(data["thumbs"], 0), None, data["thumbs"])
    for bit, name in enumerate(FEEDBACK_VALUES):  # a row that is deleted still names what it said
        taken_back = pc.not_equal(pc.bit_wise_and(data["withdrawn"], 1 << bit), 0)
        if pc.any(taken_back).as_py():
            data[name] = pc.if_else(taken_back, None, data[name])
    _mark(findings, data["target_key"].is_null(), "missing_target", f"one of {', '.join(TARGETS)} is needed")
    needed = "the newest feedback wins, so each needs its time"
    _mark(findings, data["feedback_at"].is_null(), "missing_feedback_at", needed)
    silent = pc.equal(data["withdrawn"], 0)
    for name in FEEDBACK_VALUES:
        silent = pc.and_(silent, data[name].is_null())
    for index, error in odd.items():  # the value was all that the row says
        if silent[index].as_py():
            findings.bad.setdefault(index, error)
    _mark(findings, silent, "empty_feedback", f"one of {', '.join(FEEDBACK_VALUES)} is needed")
    data["source_file"] = pa.repeat(context.file_hash, len(rows))
    data["source_line"] = pa.array(lines, pa.int64())
    table = pa.table([data[field.name].cast(field.type) for field in FEEDBACK], names=FEEDBACK.names)
    if findings.bad:
        keep = np.ones(len(rows), bool)
        keep[list(findings.bad)] = False
        table = table.filter(pa.array(keep))
    return table.cast(FEEDBACK), findings


def _values(
    name: str,
    values: list[Any],
    scales: list[Any],
    users: list[str | None],
    context: ConversionContext,
    findings: Findings,
    odd: Bad,
) -> pa.Array:
    """One column of what was said; a value that is not understood is left out, and remembered in `odd`."""
    wrong: Bad = {}
    if name == "rating":
        result, off_scale = ratings(values, scales, context.scale, wrong)
        findings.off_scale = findings.off_scale or off_scale
        unread = np.array([value is not None for value in values], bool) & result.is_null().to_numpy(
            zero_copy_only=False
        )
        for index in np.flatnonzero(unread).tolist() if off_scale else ():
            findings.reject(index, "rating_scale_unknown", off_scale)
    elif name == "thumbs":
        result = columns.converted_numbers(values, wrong, name, parse_thumb, **NUMBERS[name])
    elif name in NUMBERS:
        result = columns.numbers(values, wrong, name, **NUMBERS[name])
    else:
        texts = columns.texts(values, wrong, name).to_pylist()
        scrub = context.minimiser.name if name == "complaint_category" else context.scrubber.text
        scrubbed = [text if text is None else scrub(text, user) for text, user in zip(texts, users, strict=True)]
        result = pa.array(scrubbed, pa.string())
    findings.leave_out(wrong)
    for index, error in wrong.items():
        odd.setdefault(index, error)
    return result


def _withdrawn(row: RawRow) -> int:
    """Bits of FEEDBACK_VALUES that a row takes back.

    A row that is deleted takes back all that it names (or all, where it names nothing); one that holds nothing but nulls takes back
    those; a thumb of 0 takes back the thumb.
    """
    named = [name for name in FEEDBACK_VALUES if name in row]
    if _is_deleted(row):
        taken = named or FEEDBACK_VALUES
    elif named and all(row[name] is None or row[name] == "" for name in named):
        taken = named
    else:
        taken = ["thumbs"] if _is_zero(row.get("thumbs")) else []
    return sum(1 << FEEDBACK_VALUES.index(name) for name in taken)


def _is_deleted(row: RawRow) -> bool:
    """Whether a row says that its feedback is gone: by a flag, a time, or the name of what was done (`feedback.deleted`)."""
    if any(str(row[name]).strip().lower() in _TRUE for name in _DELETED if row.get(name) is not None):
        return True
    if any(row.get(name) not in (None, "", False, 0, "0", "false", "False") for name in _DELETED_AT):
        return True
    if any(str(row.get(name) or "").strip().lower() in _DELETIONS | {"d"} for name in _OPERATIONS):
        return True
    return any(not _DELETIONS.isdisjoint(_WORD.findall(str(row.get(name) or "")[:60].lower())) for name in _EVENTS)


def _is_zero(value: Any) -> bool:
    try:
        return value is not None and not isinstance(value, bool) and parse_thumb(value) == 0
    except RowError:  # no thumb at all: told where the column is read
        return False


def _mark(findings: Findings, where: pa.Array, reason: str, detail: str) -> None:
    for index in np.flatnonzero(where.to_numpy(zero_copy_only=False)).tolist():
        findings.reject(index, reason, detail)
