"""`filtered_examples`: what of a day is worth learning from, and why the rest is not."""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from lyo_pipelines.curation.contract import EXAMPLE, CurationReport
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.funnel import funnel_plot
from lyo_pipelines.curation.inputs import built_from, stale_days
from lyo_pipelines.curation.quality import CHECKS, QualityCheckResult, quality_checks
from lyo_pipelines.curation.rules import RULES_VERSION
from lyo_pipelines.defs.assets.interactions import raw_interactions
from lyo_pipelines.defs.metadata import column_schema, counts_table, image
from lyo_pipelines.defs.partitions import DAYS, FRESH, days_to_build, days_version
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.damage import DamagedFileError

GROUP = "curation"
OWNERS = ["team:data"]


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    freshness_policy=FRESH,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    deps=[raw_interactions],
    code_version=str(RULES_VERSION),
    metadata={"dagster/column_schema": column_schema(EXAMPLE, INTERACTION)},
    description=(
        "Good training examples of one UTC day: interactions rated 4 or higher, and unrated ones with a substantial answer and no "
        "complaint. Texts are cleaned, personal data is replaced by placeholders, and the language stays as written. Each removed row "
        "is kept in `removed.parquet` with the rule that removed it. Possible cultural problems wait for review in "
        "`review/cultural.csv`."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            name,
            asset="filtered_examples",
            description=f"The {name.replace('_', ' ')} of every day is within the bounds set in the configuration.",
        )
        for name in CHECKS
    ],
)
def filtered_examples(context: dg.AssetExecutionContext, store: Store):
    """Curate the days whose interactions, rules or review decisions changed."""
    lake, config = store.lake(), store.load_config().curation
    asked = context.partition_keys
    days = days_to_build(asked, lambda: stale_days(lake, config))
    reports: list[CurationReport] = []
    damaged: list[str] = []
    for day in days:
        try:
            report = curate_day(lake, day, config)
        except DamagedFileError as error:  # it is made anew; the other days go on
            context.log.warning(f"{day.isoformat()}: {error}")
            damaged.append(str(error))
            continue
        reports.append(report)
        context.add_asset_metadata(_day_metadata(report), partition_key=day.isoformat())
    if damaged and not reports:
        raise dg.Failure("; ".join(damaged), allow_retries=False)
    removed, pii = Counter[str](), Counter[str]()
    for report in reports:
        removed.update(report.removed_by_rule)
        pii.update(report.pii_counts)
    context.log.info(f"curated {len(reports)} of {len(asked)} days; the others were up to date")
    # a run over a range of days gives its totals to each of them, so they say whose totals they are
    metadata: dict[str, dg.MetadataValue] = {
        "run_days": dg.MetadataValue.int(len(reports)),
        "run_read": dg.MetadataValue.int(sum(r.read for r in reports)),
        "run_kept": dg.MetadataValue.int(sum(r.kept for r in reports)),
        "run_removed_by_rule": counts_table("rule", removed),
        "run_personal_data_replaced": counts_table("type", pii),
    }
    if reports:
        funnels = [lake.read_table(lake.examples(report.day, "funnel")) for report in reports]
        metadata["run_funnel"] = image(funnel_plot(funnels), "rows removed by each rule")
    yield dg.MaterializeResult(data_version=days_version(asked, lambda day: built_from(lake, day)), metadata=metadata)
    yield from _check_results({r.day.isoformat(): quality_checks(r, config) for r in reports})


def _check_results(outcomes: dict[str, list[QualityCheckResult]]) -> Iterator[dg.AssetCheckResult]:
    """One result per check over all days of the run; it fails, and names the days, when any of them fails."""
    for position, name in enumerate(CHECKS):
        failed = {day: found[position] for day, found in outcomes.items() if not found[position].passed}
        blocking = any(outcome.blocking for outcome in failed.values())
        said = "; ".join(f"{day}: {outcome.message}" for day, outcome in list(failed.items())[:5])
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description=said or f"{len(outcomes)} days within bounds",
            metadata={"days": len(outcomes), "failed_days": sorted(failed)},
        )


def _day_metadata(report: CurationReport) -> dict[str, object]:
    return {
        "dagster/row_count": report.kept,
        "read": report.read,
        "waiting_for_review": report.review_pending,
        "segments": counts_table("segment", report.segments),
    }
