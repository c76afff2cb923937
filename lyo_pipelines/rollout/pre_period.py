"""What each user rated in the weeks before a release began: who was lenient then is lenient now, so less has to be seen. And how
often failures named no adapter then, which tells what is usual.

Read once, at the first look, and kept beside the registry: it lies before the release, so no later look can change it. A day that is
damaged is left out (what users said of the candidate counts all the same), and nothing is kept until it is whole. What the
candidate's own version answered earlier, in a release that ended, is not what was "before".
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import pyarrow as pa

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.attribution import UNNAMED, failed, with_places
from lyo_pipelines.rollout.interaction_days import DamagedDayError, day_batches
from lyo_pipelines.rollout.release_rows import OF_RELEASE, ReleaseRows
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

WEEKS = timedelta(days=28)
SCHEMA = pa.schema(
    [
        ("user_pseudonym", pa.string()), ("before_n", pa.int64()), ("before_sum", pa.float64()), ("orphans", pa.int64()),
        ("rows", pa.int64()),
    ]
)  # fmt: skip
_COLUMNS = (*OF_RELEASE, "user_pseudonym", "rating", "error", "adapter_version", "experiment_arm")


@dataclass(frozen=True)
class PrePeriod:
    """users: user_pseudonym, pre_period_n (rated answers) and pre_period_sum (of their ratings). rows: of all users in those weeks;
    orphans: those of them that failed and name neither arm nor adapter.
    """

    users: pl.DataFrame
    orphans: int
    rows: int


def read_pre_period(lake: Lake, release: Release, routing: Routing, *, batch_rows: int) -> PrePeriod:
    """The weeks before the release began."""
    path = lake.path("rollout", release.segment, f"before-{release.candidate}-{_name(release)}.parquet")
    with suppress(
        OSError, pa.ArrowInvalid, KeyError, ValueError
    ):  # not there yet, damaged, or of an earlier form: read again
        return _told(pl.DataFrame(pl.from_arrow(lake.read_table(path).select(SCHEMA.names).cast(SCHEMA))))
    found, whole = _read(lake, release, routing, batch_rows)
    if whole:
        with suppress(OSError):  # a full disk must not keep a candidate from falling back
            lake.write_table(found.to_arrow().cast(SCHEMA), path)
    return _told(found)


def _told(found: pl.DataFrame) -> PrePeriod:
    users = found.filter(pl.col("before_n") > 0).select(
        "user_pseudonym", pre_period_n="before_n", pre_period_sum="before_sum"
    )
    return PrePeriod(users, int(found["orphans"].sum()), int(found["rows"].sum()))


def _name(release: Release) -> str:
    assert release.began_at is not None
    return f"{release.began_at:%Y%m%dT%H%M%S}"


def _read(lake: Lake, release: Release, routing: Routing, batch_rows: int) -> tuple[pl.DataFrame, bool]:
    """Sums by user of the days that can be read, and whether these are all."""
    assert release.began_at is not None
    first, end = release.began_at - WEEKS, release.began_at
    within = pl.col("occurred_at").is_between(first, end, closed="left")
    own = pl.col("adapter_version").eq_missing(pl.lit(release.candidate))
    belonging = ReleaseRows(release, routing, moment=end)
    summed, whole = pl.DataFrame(pl.from_arrow(SCHEMA.empty_table())), True
    for day in lake.days("interactions"):
        if not first.date() <= day <= end.date():
            continue
        try:
            of_day = summed
            for rows in day_batches(lake, day, batch_rows, _COLUMNS):
                mine = with_places(
                    belonging.of(rows.filter(within & ~own).with_columns(release_id=pl.lit(None, pl.String))),
                    release.candidate,
                )
                part = mine.group_by("user_pseudonym").agg(
                    before_n=pl.col("rating").count().cast(pl.Int64), before_sum=pl.col("rating").cast(pl.Float64).sum(),
                    orphans=((pl.col("place") == UNNAMED) & failed()).sum().cast(pl.Int64), rows=pl.len().cast(pl.Int64),
                )  # fmt: skip
                of_day = pl.concat([of_day, part]).group_by("user_pseudonym").sum()
        except DamagedDayError:
            whole = False
        else:
            summed = of_day
    return summed.select(SCHEMA.names).sort("user_pseudonym"), whole
