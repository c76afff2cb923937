"""Quality of the curated days as checks of `filtered_examples`: over the newest days together, so that a good day hides no bad one.

A check that no day has enough rows for has no result: the page shows it as skipped, neither green nor red.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from lyo_pipelines.curation.quality import CHECKS, QualityCheckResult, quality_checks
from lyo_pipelines.curation.stored_quality import stored_report
from lyo_pipelines.defs.partitions import PARTITION, RANGE_END, RANGE_START
from lyo_pipelines.defs.resources import Store

ASSET = "filtered_examples"
NEWEST_DAYS = 60
"""Days that are judged together, besides those that the run built."""
_SHOWN = 5


def _specs() -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name,
            asset=ASSET,
            description=(
                f"The {name.replace('_', ' ')} of each of the newest {NEWEST_DAYS} days is within the bounds of the configuration. "
                "Skipped where no day has enough rows to judge."
            ),
        )
        for name in CHECKS
    ]


@dg.multi_asset_check(name="data_quality", specs=_specs(), can_subset=True)
def data_quality(context: dg.AssetCheckExecutionContext, store: Store) -> Iterator[dg.AssetCheckResult]:
    """Judge the newest days and those of this run again, by their own files."""
    lake, config = store.lake(), store.load_config().curation
    there = lake.days("examples")
    days = sorted({*there[-NEWEST_DAYS:], *_of_run(context.run.tags, there)})
    found = {day: quality_checks(stored_report(lake, day), config) for day in days}
    wanted = {key.name for key in context.op_execution_context.selected_asset_check_keys}
    yield from (one for one in quality_results(found) if one.check_name in wanted)


def quality_results(found: Mapping[date, Sequence[QualityCheckResult]]) -> Iterator[dg.AssetCheckResult]:
    """One result for each check that could be judged on some day; it fails, and names the days, when any of them fails."""
    for position, name in enumerate(CHECKS):
        judged = {day: outcomes[position] for day, outcomes in found.items() if outcomes[position].judged}
        if not judged:
            continue
        failed = {day: outcome for day, outcome in judged.items() if not outcome.passed}
        blocking = any(outcome.blocking for outcome in failed.values())
        told = "; ".join(f"{day}: {outcome.message}" for day, outcome in sorted(failed.items(), reverse=True)[:_SHOWN])
        rest = f"; and {len(failed) - _SHOWN} more days" if len(failed) > _SHOWN else ""
        span = f"{min(judged).isoformat()} to {max(judged).isoformat()}"
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description=f"{told}{rest}" if failed else f"{len(judged)} days within bounds, {span}",
            metadata={
                "judged": f"{len(judged)} days, {span}",
                "too_few_rows": f"{len(found) - len(judged)} days",
                "failed_days": ", ".join(day.isoformat() for day in sorted(failed, reverse=True)) or "none",
            },
        )


def _of_run(tags: Mapping[str, str], there: Sequence[date]) -> list[date]:
    """The days that the run's tags name, as far as they are curated."""
    first = tags.get(RANGE_START) or tags.get(PARTITION)
    last = tags.get(RANGE_END) or tags.get(PARTITION)
    if not first or not last:
        return []
    return [day for day in there if first <= day.isoformat() <= last]
