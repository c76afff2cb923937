"""Which segments the curated days and document sets hold, from the small funnel files alone (never from the rows)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from lyo_pipelines.storage.arrow import pc
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
        funnel = lake.read_table(lake.examples(day, "funnel"))
        for rule, n in zip(funnel["rule"].to_pylist(), funnel["removed"].to_pylist(), strict=True):
            removed[rule] += n
        if funnel.num_rows:
            last = pc.equal(funnel["order"], pc.max(funnel["order"]))
            kept += pc.sum(funnel["remaining"].filter(last)).as_py() or 0
    return FunnelTotals(kept + removed.total(), kept, {rule: n for rule, n in removed.most_common() if n})


def segment_counts(lake: Lake) -> dict[str, SegmentCount]:
    """Sum the funnels of all curated days and document sets: what the first rule saw, and what the last one left."""
    days = [lake.examples(day, "funnel") for day in lake.days("examples", "funnel.parquet")]
    frames = []
    for path in [*days, *(lake.documents(name, "funnel") for name in lake.document_sets())]:
        funnel = lake.read_table(path, ["segment", "order", "removed", "remaining"])
        if funnel.num_rows:
            frames.append(
                pl.DataFrame(pl.from_arrow(funnel))
                .with_columns(
                    last=pl.when(pl.col("order") == pl.col("order").max()).then(pl.col("remaining")).otherwise(0)
                )
                .group_by("segment")
                .agg(pl.col("removed", "last").sum())
            )
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
