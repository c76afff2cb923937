"""Canonical rows to a table of landed interactions, each row accepted or given the first reason against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import LANDED, MATCH_KEYS, PARENT_KEY, REASONING_MODES
from lyo_pipelines.interactions.conversion.findings import Findings
from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields import columns, times
from lyo_pipelines.interactions.fields.columns import ESSENTIAL, FLAGS, NUMBERS, TEXTS, TIMES, Bad, Gathered
from lyo_pipelines.interactions.fields.failures import error_value, without_no_errors
from lyo_pipelines.interactions.fields.known_names import replace_known_names
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.notes import FILE_TIME, NOTES, notes_of
from lyo_pipelines.interactions.fields.scales import OURS, SCALE, Scale, ratings
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.fields.scrub_columns import (
    LEFT_OUT,
    leave_out_personal_facets,
    minimise_metadata,
    refuse_personal_names,
    scrub_categories,
    scrub_columns,
)
from lyo_pipelines.interactions.fields.thumbs import THUMBS_OF_ZERO, lone_zeros, parse_thumb
from lyo_pipelines.interactions.hidden_ids import KINDS, hide_ids
from lyo_pipelines.interactions.identity import derived_id, match_keys
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.storage.arrow import pc

REQUIRED = ("occurred_at", "task", "question", "language")
_MAY_BE_EMPTY = ("question", "answer", "system_prompt", "context")


@dataclass(frozen=True)
class ConversionContext:
    """What converting the rows of one file needs to know. Times in microseconds since 1970; scale: of ratings that name none;
    zone: of times that name no offset."""

    file_hash: str
    source: str
    pseudonyms: Pseudonyms
    scrubber: Scrubber
    earliest: int
    latest: int
    minimiser: Minimiser
    name_keys: tuple[str, ...] = ()
    id_prefix: str = ""
    scale: Scale = OURS
    zone: tzinfo = UTC


def interaction_table(
    rows: Sequence[RawRow], lines: Sequence[int], context: ConversionContext
) -> tuple[pa.Table, Findings]:
    """Convert canonical rows to LANDED: the accepted rows, and what was found about each and the others."""
    findings = Findings()
    return landed_table(gather_columns(rows, findings, context.scale, context.zone), lines, context, findings)


def landed_table(
    gathered: Gathered, lines: Sequence[int], context: ConversionContext, findings: Findings
) -> tuple[pa.Table, Findings]:
    """Judge gathered rows and finish them; rows with a reason against them are left out, new reasons are added."""
    data, bad = gathered.data, findings.bad
    for name in TEXTS:
        if name not in _MAY_BE_EMPTY and data[name].null_count < len(data[name]):
            data[name] = _without_empty(data[name])
    data["error"] = without_no_errors(data["error"])
    bounds = {"earliest": context.earliest, "latest": context.latest}
    times.check_bounds(data["occurred_at"], bad, "occurred_at", **bounds)
    late: Bad = {}
    times.check_bounds(data["feedback_at"], late, "feedback_at", **bounds)
    if late:  # the newest feedback wins: one from the future would for ever
        outside = np.zeros(len(lines), bool)
        outside[list(late)] = True
        data["feedback_at"] = pc.if_else(pa.array(outside), None, data["feedback_at"])
        findings.leave_out(late)
    findings.said += [(row, THUMBS_OF_ZERO) for row in lone_zeros(data["thumbs"])]
    data["thumbs"] = pc.if_else(pc.equal(data["thumbs"], 0), None, data["thumbs"])  # neither up nor down
    data.setdefault("images", pa.nulls(len(lines), columns.IMAGES))
    refuse_personal_names(gathered, bad)  # before the code of a language is made of whatever stands there
    data["language"] = _language_codes(data["language"])
    data["reasoning_mode"] = pc.utf8_lower(data["reasoning_mode"])
    _require(data, bad)
    data["reasoning_mode"] = _known_modes(data["reasoning_mode"], findings)
    for name in ("interaction_id", "conversation_id"):
        data[name] = findings.plain_ids(data[name], name)
    gathered.trace_ids = findings.plain_ids(gathered.trace_ids, "trace_id")
    gathered.user_ids = findings.plain_ids(gathered.user_ids, "user_id")
    ids = (data["interaction_id"], _without_empty(gathered.trace_ids), data["conversation_id"])
    for name, values in zip(MATCH_KEYS, ids, strict=True):
        data[name] = match_keys(values, context.pseudonyms.matching_key(name))
    parents = gathered.parent_ids
    data[PARENT_KEY] = (
        pa.nulls(len(lines), pa.uint64())
        if parents is None
        else match_keys(_without_empty(parents), context.pseudonyms.matching_key(MATCH_KEYS[0]))
    )
    raw = {name: data[name] for name in KINDS}
    for name, rows in leave_out_personal_facets(gathered).items():
        findings.said += [(row, f"{name}: {LEFT_OUT}") for row in rows]
    scrub_columns(gathered, context.scrubber)
    scrub_categories(gathered, context.minimiser)
    data["user_pseudonym"] = _pseudonyms(gathered, context.pseudonyms)
    data["source"] = pa.repeat(context.source, len(lines))
    data["source_file"] = pa.repeat(context.file_hash, len(lines))
    data["source_line"] = pa.array(lines, pa.int64())
    _derive_ids(data, context, gathered.timeless)
    _hide_ids(data, raw, gathered, context)
    replace_known_names(gathered, context.name_keys)
    minimise_metadata(gathered, context.minimiser)
    table = pa.table([_cast(data[field.name], field.type) for field in LANDED], names=LANDED.names)
    if bad:
        keep = np.ones(len(lines), bool)
        keep[list(bad)] = False
        table = table.filter(pa.array(keep))
    return table.cast(LANDED), findings


def _hide_ids(
    data: dict[str, pa.Array], raw: dict[str, pa.Array], gathered: Gathered, context: ConversionContext
) -> None:
    """Raw ids in the form in which the lake keeps them. Derived ids were made of what earlier versions kept, so they stay the same."""
    users = gathered.user_ids.to_pylist()
    for name, ids in raw.items():
        shown = hide_ids(ids, name, context.pseudonyms, users, context.id_prefix)
        data[name] = pc.coalesce(shown, data[name]) if name == "interaction_id" else shown


def _language_codes(declared: pa.Array) -> pa.Array:
    """One code for all spellings, so that one language is one segment; what is no language's name stays, in lower case."""
    encoded = declared.dictionary_encode()
    codes = [language_code(text) or text.strip().lower() for text in encoded.dictionary.to_pylist()]
    return pa.array(codes, pa.string()).take(encoded.indices)


def _without_empty(array: pa.Array) -> pa.Array:
    empty = pc.equal(array, "")
    return pc.if_else(empty, None, array) if pc.any(empty).as_py() else array


def _pseudonyms(gathered: Gathered, pseudonyms: Pseudonyms) -> pa.Array:
    given = gathered.pseudonyms
    if given is not None and given.null_count < len(given):
        pairs = zip(gathered.user_ids.to_pylist(), given.to_pylist(), strict=True)
        return pa.array([pseudonyms.given(user, pseudonym) for user, pseudonym in pairs], pa.string())
    encoded = gathered.user_ids.dictionary_encode()
    return pa.array(pseudonyms.of_many(encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    return array if array.type == kind else array.cast(kind)


_MISSING = {
    "language": "neither the row nor its text tells it: where all rows have one, a mapping's `constants` or the configuration of "
    "the format (`language`) says it"
}
"""What mends a field that is missing, where the name does not say it."""


def _require(data: dict[str, pa.Array], bad: Bad) -> None:
    for name in REQUIRED:
        array = data[name]
        empty = (
            array.is_null() if name == "occurred_at" else pc.equal(pc.utf8_trim_whitespace(array), "").fill_null(True)
        )
        if pc.any(empty).as_py():
            for index in np.flatnonzero(empty.to_numpy(zero_copy_only=False)).tolist():
                bad.setdefault(index, RowError(f"missing_{name}", _MISSING.get(name, "this field is needed")))


def _known_modes(modes: pa.Array, findings: Findings) -> pa.Array:
    known = pc.is_in(modes, value_set=pa.array([*REASONING_MODES, None]))
    if pc.all(known).as_py():
        return modes
    unknown = np.flatnonzero(~known.to_numpy(zero_copy_only=False)).tolist()
    findings.leave_out({index: RowError("bad_reasoning_mode") for index in unknown})
    return pc.if_else(known, modes, None)


def _derive_ids(data: dict[str, pa.Array], context: ConversionContext, timeless: Sequence[int]) -> None:
    """Ids of rows without one. The date of a file is none of a row's own: a file that has grown would give all its rows anew."""
    ids = data["interaction_id"]
    missing = ids.is_null()
    if not ids.null_count:
        return
    at = data["occurred_at"].cast(pa.int64())
    if timeless:
        dated = np.ones(len(at), bool)
        dated[list(timeless)] = False
        at = pc.if_else(pa.array(dated), at, None)
    parts = [at, data["user_pseudonym"], data["conversation_id"], data["turn"]]
    rows = zip(
        *(_cast(part, pa.string()).to_pylist() for part in (*parts, data["question"], data["answer"])), strict=True
    )
    shown = [
        () if images is None else tuple(image["file"] for image in images) for images in data["images"].to_pylist()
    ]
    derived = pa.array(
        [
            derived_id((*row, *files)) if needed else None
            for needed, row, files in zip(missing.to_pylist(), rows, shown, strict=True)
        ],
        pa.string(),
    )
    data["interaction_id"] = pc.if_else(missing, derived, ids)
    key = context.pseudonyms.matching_key(MATCH_KEYS[0])
    data[MATCH_KEYS[0]] = pc.if_else(missing, match_keys(derived, key), data[MATCH_KEYS[0]])


def gather_columns(rows: Sequence[RawRow], findings: Findings, scale: Scale, zone: tzinfo) -> Gathered:
    """Columns of canonical rows. What is wrong with an essential value counts against its row, with any other against the value."""
    present = set().union(*rows) if rows else set()
    odd: Bad = {}

    def column(name: str) -> list[Any]:
        return [row.get(name) for row in rows] if name in present else [None] * len(rows)

    def reasons(name: str) -> Bad:
        return findings.bad if name in ESSENTIAL else odd

    if NOTES in present:
        findings.said += [(index, sentence) for index, row in enumerate(rows) for sentence in notes_of(row)]
    data: dict[str, pa.Array] = {}
    for name in TEXTS:
        values = [error_value(value) for value in column(name)] if name == "error" else column(name)
        data[name] = columns.texts(values, reasons(name), name)
        findings.leave_out(odd)
        odd.clear()
    for name, limits in NUMBERS.items():
        if name == "rating":
            data[name], wrong = ratings(column(name), column(SCALE), scale, odd)
            findings.off_scale = findings.off_scale or wrong
        elif name == "thumbs":
            data[name] = columns.converted_numbers(column(name), odd, name, parse_thumb, **limits)
        else:
            data[name] = columns.numbers(column(name), odd, name, **limits)
        findings.leave_out(odd)
        odd.clear()
    for name in FLAGS:
        data[name] = columns.flags(column(name), odd, name)
        findings.leave_out(odd)
        odd.clear()
    for name in TIMES:
        data[name] = times.times(column(name), reasons(name), name, zone)
    findings.leave_out(odd)
    data["history"] = columns.histories(column("history"), findings.bad, "history")
    data["images"] = pa.array(column("images"), columns.IMAGES)
    traces, users = (columns.texts(column(name), findings.bad, name) for name in ("trace_id", "user_id"))
    parents = columns.texts(column("parent_id"), odd, "parent_id") if "parent_id" in present else None
    given = (
        columns.texts(column("user_pseudonym"), findings.bad, "user_pseudonym") if "user_pseudonym" in present else None
    )
    timeless = tuple(index for index, sentence in findings.said if sentence == FILE_TIME)
    return Gathered(data, traces, users, column("metadata"), parent_ids=parents, timeless=timeless, pseudonyms=given)
