"""From the inbox and the configured tables to `raw_interactions`: landing, then one table per event day."""

import os
from collections import Counter
from dataclasses import replace

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.metadata import automation, column_schema, counts_table, metadata_table
from lyo_pipelines.defs.partitions import DAYS, FRESH, days_to_build, days_version
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.interactions.days.build import build_day, built_from, stale_days
from lyo_pipelines.interactions.days.unattached import said_of, unattached_feedback
from lyo_pipelines.interactions.landing.file_names import digest_name
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.tables.pull import pull_table
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.telling import told_share

GROUP = "interactions"
OWNERS = ["team:data"]

inbox = dg.AssetSpec(
    "inbox",
    group_name=GROUP,
    owners=OWNERS,
    kinds={"json", "csv", "parquet"},
    description=(
        "The folder into which teams put their logs: JSONL, CSV and Parquet files, Langfuse exports, OpenAI messages, OpenTelemetry "
        "and OpenInference spans, ShareGPT conversations and Argilla records. `inbox_sensor` watches it: what is put there is landed "
        "without anybody's doing."
    ),
    metadata=automation("inbox_sensor"),
)

tables = dg.AssetSpec(
    "tables",
    group_name=GROUP,
    owners=OWNERS,
    kinds={"postgres"},
    description=(
        "PostgreSQL tables and queries that are configured under `interactions.tables`. Only new rows are read. `tables_sensor` "
        "watches them."
    ),
    metadata=automation("tables_sensor"),
)


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    deps=[inbox, tables],
    code_version="1",
    description=(
        "Every file from the inbox and the new rows of every configured table, each read once. A row is either accepted and stored "
        "under its event date, or rejected with a reason. User ids are replaced by keyed pseudonyms at this step, before anything is "
        "stored."
    ),
    check_specs=[
        dg.AssetCheckSpec(
            "rows_conserved",
            asset="landed_files",
            description="In every file and table, accepted and rejected rows add up to the rows read.",
        ),
        dg.AssetCheckSpec(
            "files_readable",
            asset="landed_files",
            description="Every file and every table could be read; none was set aside. An error where the program is at fault.",
        ),
        dg.AssetCheckSpec(
            "feedback_attached",
            asset="landed_files",
            description="All feedback reached an interaction. What did not waits for interactions that land later.",
        ),
    ],
)
def landed_files(context: dg.AssetExecutionContext, store: Store):
    """Land what is new in the inbox and in the tables. A table that cannot be read fails the run after all others are landed."""
    pseudonyms, now = Pseudonyms(store.settings().require_pseudonym_key()), clock.current_time()
    lake, config = store.lake(), store.load_config().interactions
    reports = land_inbox(lake, pseudonyms, config, now=now)
    pulled = [
        pull_table(lake, source, pseudonyms=pseudonyms, config=config, now=now, env=os.environ)
        for source in config.tables
    ]
    reports += pulled
    reasons, notes = Counter[str](), Counter[str]()
    for report in reports:
        reasons.update(report.rejected_by_reason)
        notes.update(report.notes)
        context.log.info(
            f"{report.public_name}: {report.format} ({report.found}), "
            f"read {report.read}, accepted {report.accepted}, rejected {report.rejected}"
        )
        if report.fault:
            context.log.error(f"{report.public_name}: {report.fault}")
        if report.note:
            context.log.warning(f"{report.public_name}: {report.note}")
    unreadable = [report for report in reports if report.unreadable]
    lost = [report.public_name for report in reports if not report.conserved]
    rows = [
        {
            "file": r.public_name,
            "format": r.format or "unreadable",
            "told by": r.found,
            "read": r.read,
            "accepted": r.accepted,
            "rejected": r.rejected,
        }
        for r in reports
    ]
    yield dg.MaterializeResult(
        metadata={
            "accepted": told_share(sum(report.accepted for report in reports), sum(report.read for report in reports)),
            "rejected_by_reason": counts_table("reason", reasons),
            "files": metadata_table(rows, ["file", "read", "accepted", "rejected", "format", "told by"]),
            "worth_knowing": counts_table("of accepted rows", notes),
            "days_touched": len({day for report in reports for day in report.days}),
            "read": sum(report.read for report in reports),
            "rejected": sum(report.rejected for report in reports),
            "dagster/row_count": sum(report.accepted for report in reports),
        }
    )
    yield dg.AssetCheckResult(
        check_name="rows_conserved",
        passed=not lost,
        description=f"rows are lost in {', '.join(lost)}"
        if lost
        else f"every row of {len(reports)} files is accounted for",
        metadata={"files": len(reports), "lost_in": lost},
    )
    yield dg.AssetCheckResult(
        check_name="files_readable",
        passed=not unreadable,
        severity=dg.AssetCheckSeverity.ERROR
        if any(report.fault for report in unreadable)
        else dg.AssetCheckSeverity.WARN,
        description=f"{len(unreadable)} of {len(reports)} files and tables could not be read",
        metadata={
            "set_aside": metadata_table(
                [{"file": r.public_name, "reason": r.unreadable} for r in unreadable], ["file", "reason"]
            )
        },
    )
    waiting = [
        file if file.name.startswith("table ") else replace(file, name=digest_name(file.name, file.file_hash))
        for file in unattached_feedback(lake)
    ]
    yield dg.AssetCheckResult(
        check_name="feedback_attached",
        passed=not waiting,
        severity=dg.AssetCheckSeverity.WARN,
        description=said_of(waiting),
        metadata={
            "waiting": sum(file.waiting for file in waiting),
            "files": metadata_table(
                [{"file": f.name, "feedback": f.rows, "waiting": f.waiting} for f in waiting[:100]],
                ["file", "feedback", "waiting"],
            ),
        },
    )
    if broken := [report.unreadable for report in pulled if report.unreadable]:
        raise dg.Failure("; ".join(broken) + " (all else was landed)", allow_retries=False)


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    freshness_policy=FRESH,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    deps=[landed_files],
    code_version="1",
    metadata={"columns": column_schema(INTERACTION)},
    description=(
        "One row for each question/answer pair of one UTC day, with the feedback received so far. When a rating arrives later, its "
        "day is rebuilt. Stored in `lake/interactions/date=…/part.parquet`."
    ),
)
def raw_interactions(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult:
    """Rebuild the days whose landed files or feedback changed."""
    lake, pseudonyms = store.lake(), store.pseudonyms()
    asked = context.partition_keys
    days = days_to_build(asked, lambda: stale_days(lake))
    total, damaged = 0, dict[str, str]()
    for day in days:
        try:
            report = build_day(lake, day, pseudonyms)
        except DamagedFileError as error:  # the other days go on
            context.log.warning(f"{day.isoformat()}: {error.message}. `lyo verify` says what to do.")
            damaged[day.isoformat()] = f"{error.message}. `lyo verify` says what to do."
            continue
        total += report.rows
        context.add_asset_metadata(
            {
                "rated": told_share(report.rated, report.rows),
                "with_feedback": told_share(report.with_feedback, report.rows),
                "segments": counts_table("segment", report.segments, most=12),
                **({"with_pictures": report.pictured} if report.pictured else {}),
                "landed_files": report.inputs,
                "path": dg.MetadataValue.path(lake.interactions(day)),
                "dagster/row_count": report.rows,
            },
            partition_key=day.isoformat(),
        )
    if damaged and len(damaged) == len(days):
        raise dg.Failure("; ".join(damaged.values()), allow_retries=False)
    context.log.info(f"built {len(days) - len(damaged)} of {len(asked)} days, {total} rows; the others were up to date")
    return dg.MaterializeResult(
        data_version=days_version(asked, lambda day: built_from(lake, lake.interactions(day))),
        metadata=_damage(damaged),
    )


def _damage(found: dict[str, str]) -> dict[str, dg.MetadataValue]:
    """The days that could not be built, and why; nothing where all could."""
    rows = [{"day": day, "what": said} for day, said in found.items()]
    return {"damaged_days": metadata_table(rows, ["day", "what"])} if rows else {}
