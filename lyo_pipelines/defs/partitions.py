"""How assets are partitioned: by event day until filtering, by segment from the datasets on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from hashlib import sha256

import dagster as dg

from lyo_pipelines.config.settings import Settings

FIRST_DAY = Settings.from_env().first_day.isoformat()
"""First day of data; older interactions are landed but have no partition until this is set earlier."""

DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)
"""Event days in UTC, today included."""

FRESH = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=30), fail_window=timedelta(hours=36))
"""Daily data is expected once a day. The one place that says when it is stale: the UI shows this policy's state, and the alert about
stale data is sent when Dagster's freshness daemon finds that it failed."""

SEGMENTS = dg.DynamicPartitionsDefinition(name="segments")
"""`<task>.<language>[.<facet>]`; sensors add them as data brings them."""

PARTITION = "dagster/partition"
"""The run tag that names the partition of a run."""

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


def days_to_build(asked: Iterable[str], stale: Callable[[], Iterable[date]]) -> list[date]:
    """Which of the partitions of a run are built: the single one that was asked for, or those of a range that are not up to date."""
    days = {date.fromisoformat(key) for key in asked}
    return sorted(days & set(stale()) if len(days) > 1 else days)


def days_version(asked: Iterable[str], built_from: Callable[[date], str | None]) -> dg.DataVersion:
    """The data version of the days of a run: the signature of what they were built from, which is what the sensors compare.

    Dagster gives all partitions of a run one version. A run over several days therefore reports a digest of their signatures.
    """
    signatures = {key: built_from(date.fromisoformat(key)) or "none" for key in sorted(asked)}
    return digest_version(signatures) if len(signatures) > 1 else dg.DataVersion(*signatures.values())


def digest_version(signatures: Mapping[str, str]) -> dg.DataVersion:
    """One data version of several signatures, by name."""
    text = "\n".join(f"{name} {signature}" for name, signature in sorted(signatures.items()))
    return dg.DataVersion(sha256(text.encode()).hexdigest()[:16])


def new_segments(instance: dg.DagsterInstance, segments: Iterable[str]) -> list[dg.AddDynamicPartitionsRequest]:
    """The request that adds those of the segments that are no partitions yet; none when all are known."""
    wanted = set(segments)
    missing = sorted(wanted - set(SEGMENTS.get_partition_keys(dynamic_partitions_store=instance))) if wanted else []
    return [SEGMENTS.build_add_request(missing)] if missing else []
