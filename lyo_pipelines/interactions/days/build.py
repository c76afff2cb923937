"""`raw_interactions` of a day: landed rows, each interaction once, with the feedback that reached it.

A day is stale when what it was built from (a signature in the Parquet file's own metadata) is not what lies there now.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import HIDDEN_IDS, INTERACTION, LANDED
from lyo_pipelines.interactions.days.apply_feedback import FeedbackOfDay
from lyo_pipelines.interactions.days.clashing_ids import ambiguous_keys, clashes_names
from lyo_pipelines.interactions.days.cross_day_duplicates import duplicate_keys, duplicates_names, keeping_days
from lyo_pipelines.interactions.days.damage import day_damage, require_intact
from lyo_pipelines.interactions.days.duplicates import kept_copies
from lyo_pipelines.interactions.days.earlier_turns import Histories
from lyo_pipelines.interactions.days.feedback_routing import feedback_for, feedback_names
from lyo_pipelines.interactions.days.final_answers import beside_the_answer
from lyo_pipelines.interactions.days.turns import UNKNOWN, missing_turns
from lyo_pipelines.interactions.hidden_ids import hide_ids_of
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.landed_parts import damaged_parts, noted_days
from lyo_pipelines.interactions.store.ledger import landed_files, landed_names
from lyo_pipelines.segments import SegmentKeyError, segment_key
from lyo_pipelines.storage.arrow import conform_table, group_batches, pc
from lyo_pipelines.storage.damage import DamagedTableError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import INPUTS_KEY, made_from
from lyo_pipelines.storage.table_writer import TableWriter

VERSION = "4"
"""Raise it when the same inputs must give another result: every day is then built anew."""

_ROWS = 32_768


@dataclass(frozen=True)
class DayReport:
    """What one day holds now. landed: rows that came in; repeated: those left out because the interaction is there once already;
    pictured: rows that show pictures."""

    day: date
    rows: int
    inputs: str
    landed: int = 0
    repeated: int = 0
    with_feedback: int = 0
    rated: int = 0
    segments: dict[str, int] = field(default_factory=dict)
    pictured: int = 0


@dataclass(frozen=True)
class _Inputs:
    landed: list[str]
    feedback: list[str]
    duplicates: list[str]
    clashes: list[str]
    signature: str


def _inputs(lake: Lake, day: date, known: dict[str, str]) -> _Inputs:
    names = _landed_names(lake, day, known)
    feedback = feedback_names(lake, day, known)
    duplicates = duplicates_names(lake, day, known)
    clashes = clashes_names(lake, day, known)
    parts = [("landed", names), ("feedback", feedback), ("repeats", duplicates), ("clashes", clashes)]
    parts += [(f"kept on {other}", _landed_names(lake, other, known)) for other in keeping_days(lake, day, duplicates)]
    said = [VERSION]
    for title, found in parts:
        said += [title, *(f"{name} {known[name.removesuffix('.parquet').partition('-')[0]]}" for name in found)]
    return _Inputs(names, feedback, duplicates, clashes, hashlib.sha256("\n".join(said).encode()).hexdigest()[:24])


def _landed_names(lake: Lake, day: date, known: dict[str, str]) -> list[str]:
    return landed_names(lake, lake.landing_dir(day), known)


def day_inputs(lake: Lake, day: date) -> str:
    """Signature of everything a day is to be built from."""
    return _inputs(lake, day, landed_files(lake)).signature


def built_from(lake: Lake, path: str) -> str | None:
    """The signature a Parquet file says it was built from; None when there is no file, it is damaged or says nothing."""
    try:
        says = made_from(lake, path)
    except DamagedTableError:  # a damaged file is mended as a stale one is
        return None
    return None if says is None else says.inputs


def stale_days(lake: Lake) -> list[date]:
    """Days whose raw_interactions do not hold what has landed, oldest first."""
    known = landed_files(lake)
    stale = []
    for day in sorted({*lake.days("landing", name=""), *lake.days("interactions"), *noted_days(lake)}):
        built = built_from(lake, lake.interactions(day))
        try:
            inputs = _inputs(lake, day, known)
        except DamagedTableError:  # building the day names it; the other days go on
            stale.append(day)
            continue
        if inputs.signature != built and (inputs.landed or built is not None or damaged_parts(lake, day, known)):
            stale.append(day)
    return stale


def damaged_days(lake: Lake, days: Iterable[date]) -> dict[date, str]:
    """Those of the days that cannot be built because something of what landed is damaged, and what that is."""
    known = landed_files(lake)
    return {day: said for day in days if (said := day_damage(lake, day, known)) is not None}


def build_day(lake: Lake, day: date, pseudonyms: Pseudonyms | None = None) -> DayReport:
    """Write raw_interactions of one day; the same inputs give the same file. Raises DamagedLandingError, and leaves the day as it is.

    pseudonyms: hide the ids of rows that landed before ids were hidden at the door; None: there are no such rows.
    Memory is bounded by a block of rows, the day's keys, its feedback, and the text of at most history.MAX_ROWS rows.
    """
    known = landed_files(lake)
    require_intact(lake, day, known)
    inputs = _inputs(lake, day, known)
    paths = [f"{lake.landing_dir(day)}/{name}" for name in inputs.landed]
    keep = kept_copies(lake, paths, duplicate_keys(lake, day, inputs.duplicates, known))
    turns = missing_turns(lake, paths, keep)
    histories = Histories(partial(_blocks, lake, paths, keep, turns))
    routed = feedback_for(lake, day, inputs.feedback)
    beside = None if routed is None else beside_the_answer(lake, paths, keep)
    feedback = FeedbackOfDay(routed, beside, ambiguous_keys(lake, day, inputs.clashes))
    schema = INTERACTION.with_metadata({INPUTS_KEY: inputs.signature.encode()})
    rows = with_feedback = rated = pictured = 0
    segments: Counter[tuple[str, str, str | None]] = Counter()
    with (
        lake.replacing(lake.interactions(day)) as temporary,
        TableWriter(lake, temporary, schema) as writer,
    ):
        for table in _blocks(lake, paths, keep, turns, pseudonyms=pseudonyms):
            told, reached = feedback.apply(histories.fill(table))
            final = told.select(INTERACTION.names).cast(schema)
            writer.write_table(final)
            rows += len(final)
            with_feedback += reached
            rated += len(final) - final["rating"].null_count
            pictured += len(final) - final["images"].null_count
            groups = final.group_by(["task", "language", "subject"]).aggregate([([], "count_all")])
            for group in groups.to_pylist():
                segments[group["task"], group["language"], group["subject"]] += group["count_all"]
    repeated = sum(int((~mask).sum()) for mask in keep.values())
    return DayReport(
        day, rows, inputs.signature, rows + repeated, repeated, with_feedback, rated, _by_segment(segments), pictured
    )


def _by_segment(counts: Counter[tuple[str, str, str | None]]) -> dict[str, int]:
    result: Counter[str] = Counter()
    for (task, language, subject), count in counts.items():
        try:
            result[segment_key(task, language, subject)] += count
        except SegmentKeyError:  # a task of signs only names no segment
            result["(none)"] += count
    return dict(result.most_common())


def _blocks(
    lake: Lake,
    paths: list[str],
    keep: dict[str, np.ndarray],
    turns: dict[str, np.ndarray],
    columns: Sequence[str] = tuple(LANDED.names),
    pseudonyms: Pseudonyms | None = None,
) -> Iterator[pa.Table]:
    """The kept rows of the landed files in blocks, with the turns that could be told. pseudonyms: as in build_day."""
    schema = pa.schema([LANDED.field(name) for name in columns])
    for path in paths:
        start = 0
        with lake.open_table(path) as file:
            hide = None if HIDDEN_IDS.items() <= (file.schema_arrow.metadata or {}).items() else pseudonyms
            for batch in group_batches(file, _ROWS, list(columns)):
                table, stop = conform_table(pa.Table.from_batches([batch]), schema), start + len(batch)
                table = table if hide is None else hide_ids_of(table, hide)
                if path in turns:
                    told = turns[path][start:stop]
                    filled = pc.coalesce(table["turn"], pa.array(told, mask=told == UNKNOWN))
                    table = table.set_column(schema.get_field_index("turn"), schema.field("turn"), filled)
                yield table.filter(pa.array(keep[path][start:stop])) if path in keep else table
                start = stop
