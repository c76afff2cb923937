"""One arm summed at once from a frame of rows: what production sums by parts of days, said a second time."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from lyo_pipelines.rollout.observations import Arm


def arm_of(rows: pl.DataFrame, before: pl.DataFrame | None = None, unit: str = "user_pseudonym") -> Arm:
    """Sum one arm's raw interactions. Needs `unit`, rating, response_time_ms, error, complaint_category and retries.

    before: interactions of the segment in the weeks before the release began (needs `unit` and rating; units of no interest are left
    out); without it everything is as valid, but takes longer to be known. Rows without a unit count as one unit together: nobody can
    tell them apart. An answer with an error has no response time that counts.
    """
    failed = pl.col("error").is_not_null()
    time = pl.when(~failed & (pl.col("response_time_ms") > 0)).then(pl.col("response_time_ms"))
    by_unit = rows.group_by(unit).agg(
        ratings_n=pl.col("rating").count(),
        ratings_sum=pl.col("rating").sum().cast(pl.Float64),
        answers_n=pl.len(),
        errors_n=failed.sum(),
        cultural_n=(pl.col("complaint_category") == "cultural").fill_null(value=False).sum(),
        retries_n=(pl.col("retries") > 0).fill_null(value=False).sum(),
        times_n=time.count(),
        log_ms_sum=time.cast(pl.Float64).log().sum(),
    )
    earlier = rows.head(0) if before is None else before
    known = earlier.group_by(unit).agg(
        pre_period_n=pl.col("rating").count(), pre_period_sum=pl.col("rating").sum().cast(pl.Float64)
    )
    by_unit = by_unit.join(known, on=unit, how="left", nulls_equal=True).with_columns(
        pl.col("pre_period_n", "pre_period_sum").fill_null(0)
    )
    floats = {"ratings_sum", "log_ms_sum", "pre_period_sum"}
    arrays: dict[str, Any] = {
        column.name: column.to_numpy().astype(np.float64 if column.name in floats else np.int64)
        for column in by_unit.drop(unit)
    }
    return Arm(users=by_unit.height, interactions=rows.height, **arrays)
