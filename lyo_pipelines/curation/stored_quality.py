"""What a curated day's own files say of it, read back: counts and metrics that checks can judge again at any time."""

from __future__ import annotations

from datetime import date

from lyo_pipelines.curation.contract import CurationReport
from lyo_pipelines.curation.quality import DAY
from lyo_pipelines.storage.lake import Lake


def stored_report(lake: Lake, day: date) -> CurationReport:
    """The report of a curated day without what no file keeps (languages, repairs, what was replaced).

    Rows are counted in the files themselves, so that a day whose rows do not add up is found. Raises OSError or ValueError for a
    file that is missing or damaged.
    """
    quality: dict[str, dict[str, float | None]] = {DAY: {}}
    for row in lake.read_table(lake.examples(day, "quality")).to_pylist():
        quality.setdefault(row["segment"], {})[row["metric"]] = row["value"]
    removed: dict[str, int] = {}
    read_by_segment: dict[str, int] = {}
    for row in lake.read_table(lake.examples(day, "funnel")).to_pylist():
        removed[row["rule"]] = removed.get(row["rule"], 0) + row["removed"]
        if row["order"] == 0:
            read_by_segment[row["segment"]] = row["removed"] + row["remaining"]
    return CurationReport(
        day=day,
        read=_rows(lake, lake.interactions(day)),
        kept=_rows(lake, lake.examples(day)),
        removed_by_rule={rule: count for rule, count in removed.items() if count},
        segments={name: int(values.get("kept") or 0) for name, values in quality.items() if name != DAY},
        read_by_segment=read_by_segment,
        quality=quality,
    )


def _rows(lake: Lake, path: str) -> int:
    with lake.open_table(path) as file:
        return file.metadata.num_rows
