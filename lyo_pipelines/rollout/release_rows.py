"""Which interactions belong to a release: those whose question takes part in it, as selection.py sees it."""

from __future__ import annotations

import polars as pl

from lyo_pipelines.rollout.routing import Routing
from lyo_pipelines.rollout.selection import Query, release_of

ASKED = ("task", "language", "subject", "reasoning_mode", "team")
"""What of an interaction says which adapter its question takes."""
Kinds = dict[tuple[str | None, ...], bool]
"""Whether questions of a kind take part; each kind is looked up once."""


def rows_of_release(rows: pl.DataFrame, segment: str, routing: Routing, known: Kinds) -> pl.DataFrame:
    """The rows whose questions take part in the segment's release."""
    kinds = rows.select(ASKED).unique()
    for kind in kinds.iter_rows():
        if kind not in known:
            task, language, subject, mode, team = kind
            known[kind] = release_of(routing, Query(task, language, subject, mode, team)) == segment
    mine = kinds.filter(pl.Series([known[kind] for kind in kinds.iter_rows()], dtype=pl.Boolean))
    return rows.join(mine, on=ASKED, how="semi", nulls_equal=True)
