"""Which days a feedback reaches, whichever of the two came first: the interaction or the feedback.

Feedback lies by its own day in `lake/feedback/date=…/<file-hash>.parquet`. The rows that reach interactions of a day are copied to
`lake/feedback_for/date=<day of the interactions>/<file-hash>-<digest>.parquet`, when the feedback lands and again when interactions
land; what reached nothing yet is pending and stays in the first place only. Applying it to rows: apply_feedback.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import MATCH_KEYS, PARENT_KEY
from lyo_pipelines.interactions.store.key_index import (
    KeySieve,
    add_keys,
    day_keys,
    indexed_days,
    make_index_folders,
    staged_keys,
)
from lyo_pipelines.interactions.store.landed_parts import ROUTED, forget_part, note_part
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

StagedRows = Mapping[date, str]
"""Day -> path of the staged Parquet file of one landing."""

_ROUTED = (*MATCH_KEYS, PARENT_KEY)
_EARLY = timedelta(days=1)
"""Feedback may bear a date up to a day before its interaction's: clocks and time zones differ."""

Routes = dict[tuple[date, str], list[pa.Table]]


def in_reach(day: date, feedback_day: date, reach_days: int) -> bool:
    """Whether feedback of one day may speak of interactions of another."""
    return feedback_day - timedelta(days=reach_days) <= day <= feedback_day + _EARLY


def route_feedback(lake: Lake, file_hash: str, staged: StagedRows, reach_days: int) -> tuple[set[date], int]:
    """Route the rows of a feedback file that is landing to the days of their interactions.

    Returns the days and how many of the rows reached an interaction.
    """
    sieve = KeySieve()
    make_index_folders(lake, "feedback", staged)
    for feedback_day, path in staged.items():
        keys = staged_keys(lake, path, ["target_key"])
        sieve.add(keys)
        add_keys(lake, "feedback", feedback_day, keys)
    met: dict[date, pa.Array] = {}
    for day in indexed_days(lake, "interactions"):
        if any(in_reach(day, feedback_day, reach_days) for feedback_day in staged):
            keys = sieve.maybe(day_keys(lake, "interactions", day))
            if len(keys):
                met[day] = pa.array(keys)
    routes: Routes = {}
    applied = 0
    for feedback_day, path in staged.items() if met else ():
        table = lake.read_table(path)
        reached = np.zeros(len(table), bool)
        for day, keys in met.items():
            if in_reach(day, feedback_day, reach_days):
                hits = pc.is_in(table["target_key"], value_set=keys)
                reached |= hits.to_numpy()
                _collect(routes, day, file_hash, table.filter(hits))
        applied += int(reached.sum())
    return {day for day, _ in _write(lake, routes)}, applied


def route_interactions(lake: Lake, staged: StagedRows, landed: Iterable[str], reach_days: int) -> set[date]:
    """Route landed feedback, pending until now or not, to interactions that are landing. Returns the days it reached anew."""
    make_index_folders(lake, "interactions", staged)
    for day, path in staged.items():
        add_keys(lake, "interactions", day, staged_keys(lake, path, _ROUTED))
    feedback_days = [d for d in indexed_days(lake, "feedback") if any(in_reach(day, d, reach_days) for day in staged)]
    if not feedback_days:
        return set()
    sieve = KeySieve()
    for feedback_day in feedback_days:
        sieve.add(day_keys(lake, "feedback", feedback_day))
    met = {
        day: pa.array(keys)
        for day, path in staged.items()
        if len(keys := sieve.maybe(staged_keys(lake, path, _ROUTED)))
    }
    routes: Routes = {}
    known = set(landed)
    for feedback_day in feedback_days if met else ():
        folder = lake.path("feedback", f"date={feedback_day.isoformat()}")
        for name in lake.names(folder):
            if (file_hash := name.removesuffix(".parquet")) in known:
                table = lake.read_table(f"{folder}/{name}")
                for day, keys in met.items():
                    if in_reach(day, feedback_day, reach_days):
                        _collect(routes, day, file_hash, table.filter(pc.is_in(table["target_key"], value_set=keys)))
    days = set()
    for day, name in _write(lake, routes):
        note_part(lake, ROUTED, day, name)
        days.add(day)
    return days


def note_routed(lake: Lake, file_hash: str, days: Iterable[date]) -> None:
    """Remember what a feedback file that has just landed was routed to (landed_parts.py)."""
    for day in days:
        for name in lake.names(_folder(lake, day)):
            if name.startswith(file_hash):
                note_part(lake, ROUTED, day, name)


def feedback_names(lake: Lake, day: date, landed: Iterable[str]) -> list[str]:
    """Names of the files with feedback for a day, of complete landings only."""
    known = set(landed)
    return [name for name in lake.names(_folder(lake, day)) if name.partition("-")[0] in known]


def feedback_for(lake: Lake, day: date, names: Iterable[str]) -> pa.Table | None:
    """Feedback rows for interactions of a day, or None."""
    tables = [lake.read_table(f"{_folder(lake, day)}/{name}") for name in names]
    return pa.concat_tables(tables, promote_options="default") if tables else None


def forget_feedback(lake: Lake, file_hash: str) -> set[date]:
    """Remove the routed rows of a feedback file that is read anew; the days they were for."""
    days = set()
    for day in lake.days("feedback_for", name=""):
        for name in lake.names(_folder(lake, day)):
            if name.startswith(file_hash):
                forget_part(lake, ROUTED, day, name)
                lake.fs.rm(f"{_folder(lake, day)}/{name}")
                days.add(day)
    return days


def _collect(routes: Routes, day: date, file_hash: str, rows: pa.Table) -> None:
    if len(rows):
        routes.setdefault((day, file_hash), []).append(rows)


def _write(lake: Lake, routes: Routes) -> list[tuple[date, str]]:
    """Add rows to what is routed already; the digest in the name tells one content from another, whatever the order of arrival."""
    written = list[tuple[date, str]]()
    for (day, file_hash), tables in routes.items():
        folder = _folder(lake, day)
        before = [name for name in lake.names(folder) if name.startswith(file_hash)]
        parts = [*tables, *(lake.read_table(f"{folder}/{name}") for name in before)]
        rows = pa.concat_tables(parts, promote_options="default")  # a file from before a column came has none of it
        lines, first = np.unique(rows["source_line"].to_numpy(), return_index=True)
        name = f"{file_hash}-{hashlib.sha256(lines.tobytes()).hexdigest()[:12]}.parquet"
        if name not in before:
            lake.write_table(rows.take(pa.array(first)), f"{folder}/{name}")
            written.append((day, name))
        for old in before:
            if old != name:
                forget_part(lake, ROUTED, day, old)
                lake.fs.rm(f"{folder}/{old}")
    return written


def _folder(lake: Lake, day: date) -> str:
    return lake.path("feedback_for", f"date={day.isoformat()}")
