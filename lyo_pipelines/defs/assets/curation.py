"""`filtered_examples`: what of a day is worth learning from, and why the rest is not."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

import dagster as dg

from lyo_pipelines.curation.contract import EXAMPLE, CurationReport
from lyo_pipelines.curation.days import curate_days
from lyo_pipelines.curation.funnel import funnel_plot
from lyo_pipelines.curation.inputs import built_from, stale_days
from lyo_pipelines.curation.rules import RULES_VERSION
from lyo_pipelines.curation.stored_quality import stored_report
from lyo_pipelines.defs.assets.interactions import raw_interactions
from lyo_pipelines.defs.metadata import Metadata, column_schema, counts_table
from lyo_pipelines.defs.partitions import DAYS, FRESH, days_to_build, days_version
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.telling import told_share

DRAWN_DAYS = 7
"""A run over more days draws one funnel for all of them; the table of each day's page has its figures all the same."""
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
    metadata={"columns": column_schema(EXAMPLE, INTERACTION)},
    description=(
        "Good training examples of one UTC day: interactions rated 4 or higher, and unrated ones with a substantial answer and no "
        "complaint. Texts are cleaned, personal data is replaced by placeholders, and the language stays as written. Each removed row "
        "is kept in `removed.parquet` with the rule that removed it. Possible cultural problems wait for review in "
        "`review/cultural.csv`."
    ),
)
def filtered_examples(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult:
    """Curate the days whose interactions, rules or review decisions changed."""
    lake, whole = store.lake(), store.load_config()
    config = whole.curation
    asked = context.partition_keys
    days = days_to_build(asked, lambda: stale_days(lake, config))
    reports: list[CurationReport] = []
    pages: dict[date, Metadata] = {}
    damaged: list[str] = []
    for day, report in curate_days(lake, days, config, whole.cluster):
        if isinstance(report, DamagedFileError):  # it is made anew; the other days go on
            context.log.warning(f"{day.isoformat()}: {report}")
            damaged.append(str(report))
            continue
        reports.append(report)
        drawn = _day_picture(context.instance, lake, report) if len(days) <= DRAWN_DAYS else {}
        pages[report.day] = {**drawn, **_day_metadata(report)}
    if damaged and not reports:
        raise dg.Failure("; ".join(damaged), allow_retries=False)
    for day in sorted(set(map(date.fromisoformat, asked)) & set(lake.days("examples")) - set(days)):
        # up to date, but Dagster gives it a new event all the same: its page goes on to show the day
        pages[day] = _day_metadata(stored_report(lake, day))
    of_run = _run_metadata(context.instance, lake, reports)
    for day, page in pages.items():  # what a result says stands before what its days say, so the days say all
        context.add_asset_metadata({**page, **of_run}, partition_key=day.isoformat())
    context.log.info(f"curated {len(reports)} of {len(asked)} days; the others were up to date")
    return dg.MaterializeResult(data_version=days_version(asked, lambda day: built_from(lake, day)))


def _day_picture(instance: dg.DagsterInstance, lake: Lake, report: CurationReport) -> Metadata:
    png = funnel_plot([lake.read_table(lake.examples(report.day, "funnel"))], title=report.day.isoformat())
    return {"funnel": picture(instance, png, "rows removed by each rule")}


def _day_metadata(report: CurationReport) -> Metadata:
    """What became of the day's rows; the page of a day shows that day."""
    return {
        "kept": told_share(report.kept, report.read),
        "removed_by_rule": counts_table("rule", report.removed_by_rule),
        "segments": counts_table("segment", report.segments),
        **({"waiting_for_review": report.review_pending} if report.review_pending else {}),
        **({"personal_data_replaced": counts_table("type", report.pii_counts)} if report.pii_counts else {}),
        "read": report.read,
        "dagster/row_count": report.kept,
    }


def _run_metadata(instance: dg.DagsterInstance, lake: Lake, reports: Sequence[CurationReport]) -> Metadata:
    """The totals of a run over several days, which Dagster gives to each of them: they say whose they are."""
    if len(reports) < 2:
        return {}
    removed = Counter[str]()
    for report in reports:
        removed.update(report.removed_by_rule)
    days = f"{reports[0].day.isoformat()} to {reports[-1].day.isoformat()}"
    png = funnel_plot([lake.read_table(lake.examples(report.day, "funnel")) for report in reports], title=days)
    kept = told_share(sum(report.kept for report in reports), sum(report.read for report in reports))
    return {
        "run_funnel": picture(instance, png, f"rows removed by each rule, {days}"),
        "run_kept": f"{kept} in {len(reports)} days, {days}",
    }
