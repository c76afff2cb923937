"""What each user rated in the weeks before a release began: who was lenient then is lenient now, so less has to be seen.

Read once, at the first look, and kept beside the registry: it lies before the release, so no later look can change it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import polars as pl
import pyarrow as pa

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.release_rows import ASKED, Kinds, rows_of_release
from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.storage.lake import Lake

WEEKS = timedelta(days=28)
SCHEMA = pa.schema([("user_pseudonym", pa.string()), ("before_n", pa.int64()), ("before_sum", pa.float64())])
_IN_MEMORY = {"before_n": "pre_period_n", "before_sum": "pre_period_sum"}  # the file's columns keep their older names
_COLUMNS = (*ASKED, "occurred_at", "user_pseudonym", "rating")


def pre_period_ratings(lake: Lake, release: Release, routing: Routing, *, batch_rows: int) -> pl.DataFrame:
    """Rated answers of each user and the sum of their ratings (columns of SCHEMA, `before_*` named `pre_period_*`), in the
    weeks before the release began.
    """
    path = lake.path("rollout", release.segment, f"before-{release.candidate}-{_name(release)}.parquet")
    with suppress(OSError, pa.ArrowInvalid):  # not there yet, or damaged: it is read again
        return pl.DataFrame(pl.from_arrow(lake.read_table(path).cast(SCHEMA))).rename(_IN_MEMORY)
    found = _read(lake, release, routing, batch_rows)
    with suppress(OSError):  # a full disk must not keep a candidate from falling back
        lake.write_table(found.to_arrow().cast(SCHEMA), path)
    return found.rename(_IN_MEMORY)


def _name(release: Release) -> str:
    assert release.began_at is not None
    return f"{release.began_at:%Y%m%dT%H%M%S}"


def _read(lake: Lake, release: Release, routing: Routing, batch_rows: int) -> pl.DataFrame:
    assert release.began_at is not None
    first, end = release.began_at - WEEKS, release.began_at
    within = pl.col("occurred_at").is_between(first, end, closed="left") & pl.col("rating").is_not_null()
    known, summed = Kinds(), pl.DataFrame(pl.from_arrow(SCHEMA.empty_table()))
    for day in lake.days("interactions"):
        if not first.date() <= day <= end.date():
            continue
        with lake.open_table(lake.interactions(day)) as file:
            for batch in file.iter_batches(batch_size=batch_rows, columns=list(_COLUMNS)):
                rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))).filter(within)
                mine = rows_of_release(rows, release.segment, routing, known)
                part = mine.group_by("user_pseudonym").agg(
                    before_n=pl.len().cast(pl.Int64), before_sum=pl.col("rating").cast(pl.Float64).sum()
                )
                summed = pl.concat([summed, part]).group_by("user_pseudonym").sum()
    return summed.select(SCHEMA.names).sort("user_pseudonym")
