"""`segment_health`: how each segment fares, by day; `retraining_signals`: what the triggers made of it."""

import math
from collections.abc import Sequence

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.curation import filtered_examples
from lyo_pipelines.defs.health_page import watch_metadata
from lyo_pipelines.defs.jobs import retrain_job
from lyo_pipelines.defs.metadata import Metadata, automation, column_schema, metadata_table
from lyo_pipelines.defs.partitions import DAYS, FRESH, days_to_build, days_version
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.retraining_runs import retraining_runs
from lyo_pipelines.health.contract import HEALTH, HEALTH_VERSION
from lyo_pipelines.health.day import build_day, built_from, stale_days
from lyo_pipelines.health.ratings import RatingMeans, rating_means
from lyo_pipelines.retraining.assess import Assessment
from lyo_pipelines.retraining.decide import RetrainingDecision
from lyo_pipelines.retraining.evaluate import Evaluation
from lyo_pipelines.retraining.findings import KINDS
from lyo_pipelines.retraining.signals import Signals
from lyo_pipelines.retraining.worth import RULE as WORTH

GROUP = "monitoring"
OWNERS = ["team:data"]
SIGNALS = dg.AssetKey("retraining_signals")
SHOWN_DECISIONS = 100
"""Decisions that one tick shows as observations of their own; the ledger holds all."""


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    freshness_policy=FRESH,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    deps=[filtered_examples],
    code_version=str(HEALTH_VERSION),
    metadata={"columns": column_schema(HEALTH)},
    description=(
        "Daily aggregates for each segment, topic and grade: ratings, feedback, relevance, complaints, retries, errors, "
        "answers in the wrong language, and a histogram of response times. The retraining triggers read only these "
        "aggregates, never single rows."
    ),
)
def segment_health(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult:
    """Aggregate the days whose curated examples changed."""
    lake, everything = store.lake(), store.load_config()
    config, needed = everything.curation, everything.retraining.evidence.minimum_rated
    asked = context.partition_keys
    days = days_to_build(asked, lambda: stale_days(lake, config))
    for day in days:
        report = build_day(lake, day, config)
        context.add_asset_metadata(
            {
                **ratings_metadata(rating_means(lake, day, needed)),
                "interactions": report.interactions,
                "segments": report.segments,
                "negative_feedback": report.negative,
                "errors": report.errors,
                "path": dg.MetadataValue.path(lake.health(day)),
                "dagster/row_count": report.rows,
            },
            partition_key=day.isoformat(),
        )
    context.log.info(f"aggregated {len(days)} of {len(asked)} days; the others were up to date")
    now = clock.current_time()
    runs = retraining_runs(context.instance, retrain_job.name, now)
    return dg.MaterializeResult(
        data_version=days_version(asked, lambda day: built_from(lake, day)),
        metadata=watch_metadata(context.instance, lake, everything, runs, now),
    )


def ratings_metadata(found: Sequence[RatingMeans], limit: int = 50) -> Metadata:
    """Mean ratings of a day where some were invited at random, most rated segments first; nothing where nobody was."""
    rows = [
        {
            "segment": one.segment, "all ratings": f"{one.plain:.2f} of {one.rated:,}",
            "corrected": f"{one.corrected:.2f} by {one.invited:,} invited" if math.isfinite(one.corrected) else "cannot be had",
            "at worst and best": f"{one.lowest:.2f} to {one.highest:.2f}", "which decides": one.choice.why,
        }
        for one in sorted(found, key=lambda one: (-one.rated, one.segment))[:limit]
    ]  # fmt: skip
    return {"mean_ratings": metadata_table(rows, list(rows[0]))} if rows else {}


retraining_signals = dg.AssetSpec(
    SIGNALS,
    deps=[segment_health],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python"},
    code_version="1",
    description=(
        "What the retraining triggers decided for each segment. Every new decision, to retrain or to wait, is an observation with its "
        "numbers, thresholds and confidence intervals. The full decision ledger is in `lake/decisions/`; `lyo why SEGMENT` prints it."
    ),
    metadata=automation(*(f"{kind}_sensor" for kind in KINDS)),
)


def decision_observations(found: Evaluation, sensor: str) -> list[dg.AssetObservation]:
    """One observation for each segment with news (what fired first), and one overview; none without news."""
    if not found.news:
        return []
    order, signals = {"fire": 0, "hold": 1}, found.assessment.signals
    shown = sorted(found.news, key=lambda d: (order.get(d.outcome, 2), not d.causes, d.segment))[:SHOWN_DECISIONS]
    single = [
        dg.AssetObservation(
            SIGNALS, partition=one.segment, metadata=decision_metadata(one, signals[one.segment], sensor)
        )
        for one in shown
    ]
    return [*single, dg.AssetObservation(SIGNALS, metadata=overview_metadata(found.assessment, sensor))]


def decision_metadata(decision: RetrainingDecision, signals: Signals, sensor: str) -> Metadata:
    """One decision with its evidence, as the page of the asset shows it."""
    urgent = {"fire": 0, "hold": 1, "not_enough_evidence": 2}
    rows = [
        {"found": f.says, "outcome": f.outcome.replace("_", " "), "rule": f.rule, "about": f.subject}
        for f in sorted(decision.findings, key=lambda f: (urgent.get(f.outcome, 3), not f.suspicious))
    ]
    return {
        "why": decision.says,
        "outcome": decision.outcome.replace("_", " "),
        **({"held_by": "; ".join(decision.held_by)} if decision.held_by else {}),
        **({"worth_it": told[0]} if (told := [f.says for f in decision.findings if f.rule == WORTH]) else {}),
        "findings": metadata_table(rows, ["found", "outcome", "rule", "about"]),
        "examples": signals.examples,
        "interactions": signals.interactions,
        "causes": ", ".join(decision.causes) or "none",
        "cause_hash": decision.cause_hash or "none",
        "decided_by": sensor,
    }


def overview_metadata(assessment: Assessment, sensor: str, limit: int = 50) -> Metadata:
    """All segments at a glance, what fired first."""
    order = {"fire": 0, "hold": 1}
    decisions = sorted(
        assessment.decisions.values(),
        key=lambda d: (order.get(d.outcome, 2), not d.causes, -assessment.signals[d.segment].examples),
    )
    rows = [
        {
            "segment": decision.segment,
            "outcome": decision.outcome.replace("_", " "),
            "examples": assessment.signals[decision.segment].examples,
            "why": decision.says,
        }
        for decision in decisions[:limit]
    ]
    return {
        "decisions": metadata_table(rows, ["segment", "outcome", "why", "examples"]),
        "curriculum_coverage": metadata_table(
            _coverage_rows(assessment), ["segment", "topics covered", "too few examples"]
        ),
        "fire": assessment.outcomes["fire"],
        "hold": assessment.outcomes["hold"],
        "not_enough_evidence": assessment.outcomes["not_enough_evidence"],
        "decided_by": sensor,
    }


def _coverage_rows(assessment: Assessment) -> list[dict[str, str]]:
    return [
        {
            "segment": one.segment,
            "topics covered": f"{one.covered} of {one.topics}",
            "too few examples": ", ".join(one.thin[:6])
            + (f" and {len(one.thin) - 6} more" if len(one.thin) > 6 else ""),
        }
        for one in assessment.coverage
    ]
