"""Which segments the curated days hold, from the small funnel files alone (never from the rows)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256

from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class SegmentCount:
    """Interactions read and examples kept in one segment, over all curated days."""

    read: int
    kept: int


def segment_counts(lake: Lake) -> dict[str, SegmentCount]:
    """Sum the funnels of all curated days: what the first rule saw, and what the last one left."""
    read: dict[str, int] = defaultdict(int)
    kept: dict[str, int] = defaultdict(int)
    for day in lake.days("examples", "funnel.parquet"):
        funnel = lake.read_table(lake.examples(day, "funnel"))
        if not funnel.num_rows:
            continue
        last = pc.max(funnel["order"]).as_py()
        for row in funnel.to_pylist():
            read[row["segment"]] += row["removed"]
            if row["order"] == last:
                read[row["segment"]] += row["remaining"]
                kept[row["segment"]] += row["remaining"]
    return {key: SegmentCount(read[key], kept[key]) for key in sorted(read)}


def examples_signature(lake: Lake) -> str:
    """A digest that changes when any curated day is rewritten (file sizes and times only)."""
    digest = sha256()
    for day in lake.days("examples"):
        info = lake.fs.info(lake.examples(day))
        digest.update(
            f"{day} {info.get('size')} {info.get('mtime') or info.get('ETag') or info.get('LastModified')}".encode()
        )
    return digest.hexdigest()[:16]
