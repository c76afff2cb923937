"""Which interactions belong to a release: those that carry its name, and of those that carry none, those whose question took part in
it when it was asked, as selection.py sees it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.routing import Routing, release_id, routing_at
from lyo_pipelines.rollout.selection import Query, release_of

ASKED = ("task", "language", "subject", "reasoning_mode", "team")
"""What of an interaction says which adapter its question takes."""
OF_RELEASE = (*ASKED, "occurred_at", "release_id")
"""The columns that rows are told by; `release_id` may be missing in files of before."""


class ReleaseRows:
    """The rows of one release. Each kind of question is looked up once for each span in which the routing stayed as it was."""

    def __init__(self, release: Release, routing: Routing, *, moment: datetime | None = None) -> None:
        """moment: the routing of then decides, whenever a question was asked; None: that of its own time."""
        self._segment, self._id, self._moment = release.segment, release_id(release), moment
        known = {**routing.releases, release.segment: release} if routing.releases else {}
        self._routing = replace(routing, releases=known)
        periods = [period for each in known.values() for period in each.served]
        ends = {
            *(period.since for period in periods),
            *(period.until for period in periods if period.until is not None),
        }
        self._changes = [] if moment is not None else sorted(ends)
        self._microseconds = np.array([round(change.timestamp() * 1e6) for change in self._changes], dtype=np.int64)
        self._routings: dict[int, Routing] = {}
        self._known: dict[tuple[object, ...], bool] = {}

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of the rows (columns OF_RELEASE) that belong to it."""
        if "release_id" not in rows.columns:
            rows = rows.with_columns(release_id=pl.lit(None, pl.String))
        at = rows["occurred_at"].cast(pl.Datetime("us", "UTC")).to_physical().to_numpy()
        rows = rows.with_columns(_span=pl.Series(np.searchsorted(self._microseconds, at, side="right"), dtype=pl.Int64))
        kinds = rows.filter(pl.col("release_id").is_null()).select("_span", *ASKED).unique()
        mine = kinds.filter(pl.Series([self._takes_part(*kind) for kind in kinds.iter_rows()], dtype=pl.Boolean))
        by_kind = rows.filter(pl.col("release_id").is_null()).join(
            mine, on=["_span", *ASKED], how="semi", nulls_equal=True
        )
        return pl.concat([rows.filter(pl.col("release_id") == self._id), by_kind]).drop("_span")

    def _takes_part(self, span: int, *kind: str | None) -> bool:
        key = (span, *kind)
        if key not in self._known:
            task, language, subject, mode, team = kind
            query = Query(task or "", language or "", subject, mode, team)
            self._known[key] = release_of(self._routing_of(span), query) == self._segment
        return self._known[key]

    def _routing_of(self, span: int) -> Routing:
        if span not in self._routings:
            moment = self._moment or (self._changes[span - 1] if span else None)
            past = moment is not None and self._routing.releases
            self._routings[span] = routing_at(self._routing, moment) if past and moment else self._routing
        return self._routings[span]
