"""How assets are partitioned: by event day until filtering, by segment from the datasets on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, timedelta

import dagster as dg

FIRST_DAY = os.environ.get("LYO_FIRST_DAY", "2025-01-01")
"""First day of data; older interactions are landed but have no partition until this is set earlier."""

DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
"""Event days in UTC, today included."""

FRESH = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=48))
"""Daily data that stands still for more than a day is worth a look; after two days it is a failure."""

SEGMENTS = dg.DynamicPartitionsDefinition(name="segments")
"""`<task>.<language>[.<facet>]`; sensors add them as data brings them."""

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def day_ranges(days: Iterable[date], *, bridge: int = 7) -> list[tuple[date, date]]:
    """Group days into ranges, one run each; gaps of up to `bridge` days are bridged, as a run costs more than a day."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and day - ranges[-1][1] <= timedelta(days=bridge):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def range_tags(start: date, end: date) -> dict[str, str]:
    """Run tags that make one run cover all days of a range."""
    return {RANGE_START: start.isoformat(), RANGE_END: end.isoformat()}
