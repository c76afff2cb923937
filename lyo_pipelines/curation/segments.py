"""Which segments the curated days and document sets hold, from the small funnel files alone (never from the rows)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class SegmentCount:
    """Interactions (or chunks) read and examples kept in one segment, over all curated days and document sets."""

    read: int
    kept: int


@dataclass(frozen=True)
class FunnelTotals:
    """Rows of all curated days: read, kept, and removed by rule (most first)."""

    read: int
    kept: int
    removed: dict[str, int]


def funnel_totals(lake: Lake) -> FunnelTotals:
    """What curation did with every row so far; documents are not counted."""
    removed, kept = Counter[str](), 0
    for day in lake.days("examples", "funnel.parquet"):
        funnel = _funnel(lake, lake.examples(day, "funnel"), "rule")
        removed.update(dict(funnel.group_by("rule").agg(pl.col("removed").sum()).iter_rows()))
        kept += int(funnel["last"].sum())
    return FunnelTotals(kept + removed.total(), kept, {rule: n for rule, n in removed.most_common() if n})


def _funnel(lake: Lake, path: str, by: str) -> pl.DataFrame:
    """`by`, removed, and last: rows that remain after the last rule, 0 at the rules before it."""
    funnel = pl.DataFrame(pl.from_arrow(lake.read_table(path, [by, "order", "removed", "remaining"])))
    return funnel.with_columns(
        last=pl.when(pl.col("order") == pl.col("order").max()).then(pl.col("remaining")).otherwise(0)
    )


def segment_counts(lake: Lake) -> dict[str, SegmentCount]:
    """Sum the funnels of all curated days and document sets: what the first rule saw, and what the last one left."""
    days = [lake.examples(day, "funnel") for day in lake.days("examples", "funnel.parquet")]
    paths = [*days, *(lake.documents(name, "funnel") for name in lake.document_sets())]
    frames = [
        funnel.group_by("segment").agg(pl.col("removed", "last").sum())
        for funnel in (_funnel(lake, path, "segment") for path in paths)
        if funnel.height
    ]
    if not frames:
        return {}
    summed = pl.concat(frames).group_by("segment").agg(pl.col("removed", "last").sum()).sort("segment")
    return {key: SegmentCount(removed + kept, kept) for key, removed, kept in summed.iter_rows()}


def examples_signature(lake: Lake) -> str:
    """A digest that changes when any curated day or document set is rewritten (file sizes and times only)."""
    digest = sha256()
    files = {str(day): lake.examples(day) for day in lake.days("examples")}
    files |= {f"documents {name}": lake.documents(name) for name in lake.document_sets()}
    for name, path in files.items():
        info = lake.fs.info(path)
        digest.update(
            f"{name} {info.get('size')} {info.get('mtime') or info.get('ETag') or info.get('LastModified')}".encode()
        )
    return digest.hexdigest()[:16]
