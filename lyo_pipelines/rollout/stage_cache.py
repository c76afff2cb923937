"""Sums of a stage's finished days, kept beside the registry, so that a look reads only the days that are new or were written anew.

`lake/rollout/sums/<segment>.parquet`: what is older than a few days as one line per place and user, the days after it one by one
(late feedback restates these). Each day counts only while its file has the fingerprint that it was read with, and all of it only for
the same stage of the same release, routed in the same way. It can be removed at any time: everything is read again then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256

import polars as pl
import pyarrow as pa

from lyo_pipelines.registry.state import Release, ServingPeriod
from lyo_pipelines.rollout.attribution import PLACE, TALLIES
from lyo_pipelines.rollout.routing import Routing, release_id
from lyo_pipelines.storage.lake import Lake

FORMAT = 2
SETTLED = timedelta(days=3)
"""Days older than this are rarely written anew; when one is, all of them are read again."""
SUMS = (
    "ratings_n", "ratings_sum", "answers_n", "errors_n", "cultural_n", "retries_n", "times_n", "log_ms_sum",
    "invited_n", "invited_rated_n", "invited_sum", "uninvited_n", "uninvited_rated_n", "uninvited_sum",
)  # fmt: skip
USERS = (PLACE, "user_pseudonym")
_KEY = b"lyo_stage_sums"


@dataclass
class Sums:
    """Sums by place and user (SUMS) and tallies (as tallied() counts), merged as they come; None: no row."""

    users: pl.DataFrame | None = None
    tally: pl.DataFrame | None = None

    def add(self, other: Sums) -> None:
        """Add others to these."""
        if self.users is None or self.tally is None:
            self.users, self.tally = other.users, other.tally
        elif other.users is not None and other.tally is not None:
            self.users = pl.concat([self.users, other.users]).group_by(USERS).agg(pl.col(SUMS).sum())
            self.tally = pl.concat([self.tally, other.tally]).group_by(TALLIES).agg(pl.col("rows").sum())


@dataclass
class KeptDays:
    """What is known of finished days. settled: their sums together; recent: by day. days: the fingerprint of every day in either."""

    days: dict[date, str] = field(default_factory=dict)
    settled: Sums = field(default_factory=Sums)
    recent: dict[date, Sums] = field(default_factory=dict)

    def total(self) -> Sums:
        """All of them together."""
        found = Sums(self.settled.users, self.settled.tally)
        for sums in self.recent.values():
            found.add(sums)
        return found

    @property
    def last_day(self) -> date | None:
        """The newest day with a row; of days that have grown old, which are told together, the newest of all."""
        told = [day for day, sums in self.recent.items() if sums.users is not None]
        old = [day for day in self.days if day not in self.recent] if self.settled.users is not None else []
        return max([*told, *old], default=None)

    def keep(self, day: date, fingerprint: str, sums: Sums) -> None:
        """Add a finished day."""
        self.days[day], self.recent[day] = fingerprint, sums

    def settle(self, today: date) -> None:
        """Merge the days that have grown old."""
        for day in [day for day in self.recent if day < today - SETTLED]:
            self.settled.add(self.recent.pop(day))


def stage_mark(release: Release, routing: Routing, cultural: Iterable[str]) -> str:
    """A digest of all but the rows that a stage's sums depend on."""
    began = release.stage_began_at.isoformat() if release.stage_began_at else ""
    told = [FORMAT, release_id(release), release.candidate, began, sorted(cultural), sorted(routing.served_by.items())]
    near = {key for key in {*routing.entries, *routing.releases} if _may_meet(release.segment, key, routing.served_by)}
    for key in sorted(near):
        entry, known = routing.entries.get(key), routing.releases.get(key)
        versions = [target.version if target else "" for target in (entry.champion, entry.candidate)] if entry else []
        told.append([key, versions, _spans(known.served) if known else []])
    return sha256(json.dumps(told, default=str).encode()).hexdigest()[:24]


def kept_days(lake: Lake, release: Release, mark: str, there: Mapping[date, str]) -> KeptDays:
    """What still holds of what was kept. there: the fingerprint of each day's file now."""
    kept = KeptDays()
    with suppress(OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError):  # none yet, or damaged
        table = lake.read_table(cache_path(lake, release.segment))
        told = json.loads((table.schema.metadata or {})[_KEY])
        if told["mark"] != mark:
            return kept
        rows = pl.DataFrame(pl.from_arrow(table))
        days = {date.fromisoformat(day): str(mark) for day, mark in told["days"].items()}
        recent = {date.fromisoformat(day): tally for day, tally in told["recent"].items()}
        settled = {day: mark for day, mark in days.items() if day not in recent}
        found = KeptDays()
        if all(there.get(day) == mark for day, mark in settled.items()):
            found.days, found.settled = settled, _sums(rows.filter(pl.col("day").is_null()), told["settled"])
        for day, tally in recent.items():
            if there.get(day) == days[day]:
                found.keep(day, days[day], _sums(rows.filter(pl.col("day") == day), tally))
        kept = found
    return kept


def keep_days(lake: Lake, release: Release, mark: str, kept: KeptDays) -> None:
    """Write what is kept; a full disk must not keep a candidate from falling back."""
    parts = [(None, kept.settled), *sorted(kept.recent.items())]
    rows = [sums.users.with_columns(day=pl.lit(day, dtype=pl.Date)) for day, sums in parts if sums.users is not None]
    told = {
        "mark": mark,
        "days": {day.isoformat(): fingerprint for day, fingerprint in kept.days.items()},
        "settled": _tally(kept.settled),
        "recent": {day.isoformat(): _tally(sums) for day, sums in kept.recent.items()},
    }
    with suppress(OSError):
        table = pl.concat(rows).to_arrow() if rows else pa.table({"day": pa.array([], pa.date32())})
        lake.write_table(table.replace_schema_metadata({_KEY: json.dumps(told)}), cache_path(lake, release.segment))


def forget_days(lake: Lake, segment: str) -> None:
    """Remove what was kept for a release that is over: it names users, if only by pseudonym."""
    path = cache_path(lake, segment)
    with suppress(OSError):
        if lake.exists(path):
            lake.fs.rm(path)


def cache_path(lake: Lake, segment: str) -> str:
    """Where the sums of a segment's stage lie."""
    return lake.path("rollout", "sums", f"{segment}.parquet")


def _sums(rows: pl.DataFrame, tally: list[list[object]]) -> Sums:
    if not tally:
        return Sums()
    columns = {
        "named_arm": pl.String,
        PLACE: pl.String,
        "has_version": pl.Boolean,
        "failed": pl.Boolean,
        "rows": pl.Int64,
    }
    return Sums(rows.select(*USERS, *SUMS), pl.DataFrame(tally, schema=columns, orient="row").select(*TALLIES, "rows"))


def _tally(sums: Sums) -> list[tuple[object, ...]]:
    return [] if sums.tally is None else sums.tally.select("named_arm", PLACE, "has_version", "failed", "rows").rows()


def _spans(served: Iterable[ServingPeriod]) -> list[tuple[str, ...]]:
    """Which version served in which arm from when to when, whatever its share was."""
    found: list[tuple[str, ...]] = []
    for one in served:
        until = one.until.isoformat() if one.until else ""
        if found and found[-1][:2] == (one.arm, one.version) and found[-1][3] == one.since.isoformat():
            found[-1] = (*found[-1][:3], until)
        else:
            found.append((one.arm, one.version, one.since.isoformat(), until))
    return sorted(found)


def _may_meet(segment: str, key: str, served_by: Mapping[str, str]) -> bool:
    """Whether one question may be looked up under both keys."""
    names = [segment, *(child for child, parent in served_by.items() if parent == segment)]
    others = [key, *(child for child, parent in served_by.items() if parent == key)]
    return any(_related(one, other) for one in names for other in others)


def _related(one: str, other: str) -> bool:
    """Of one task, and of one language where both name one."""
    ours, theirs = one.split("."), other.split(".")
    return ours[0] == theirs[0] and (len(ours) == 1 or len(theirs) == 1 or ours[1] == theirs[1])
