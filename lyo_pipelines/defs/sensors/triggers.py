"""The four retraining triggers: volume, quality, performance, business. Thin: they read, let retraining/ decide, claim and launch."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from lyo_pipelines.config.retraining import Policy, RetrainingFigures
from lyo_pipelines.config.settings import triggers_run
from lyo_pipelines.defs.assets.monitoring import SIGNALS, decision_metadata, overview_metadata
from lyo_pipelines.defs.jobs import retrain_job
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.runs import ATTEMPT, CAUSE, CAUSES, IN_FLIGHT, PARTITION, TRIGGER, WHY
from lyo_pipelines.retraining.assess import Assessment, assess, inputs_digest
from lyo_pipelines.retraining.claims import Claim, make_claim
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.decide import Decision
from lyo_pipelines.retraining.findings import KINDS, Kind
from lyo_pipelines.retraining.history import Launch, RunStatus
from lyo_pipelines.retraining.ledger import record
from lyo_pipelines.storage.lake import Lake

REACH = timedelta(days=90)
"""Runs older than this say nothing that a decision needs: longer than any cooldown."""
SHOWN_DECISIONS = 100
"""Decisions that one tick shows as observations of their own; the ledger holds all."""

_SAYS = {
    "volume": "Enough curated examples for a first training, then every two to four weeks while there is new data.",
    "quality": "Ratings, negative feedback, relevance or cultural complaints got worse, within topics and grades.",
    "performance": "Slower answers, retries, knowledge gaps, answers in the wrong language.",
    "business": "A new subject, language or grade in the curriculum; a new academic year.",
}


def trigger_sensor(
    kind: Kind, job: Any = retrain_job, *, running: bool | None = None, every_seconds: int = 30
) -> dg.SensorDefinition:
    """The sensor that launches `job` for causes of one kind (a launch names the segment's other causes, too).

    running: whether it runs unless somebody switches it in the UI; None: as LYO_TRIGGERS says.
    """
    runs = triggers_run() if running is None else running

    @dg.sensor(
        name=f"{kind}_sensor",
        job=job,
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=f"{_SAYS[kind]} Every decision, fired or held, is an observation on retraining_signals and a line in the ledger.",
    )
    def sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
        return _tick(context, store, kind, f"{kind}_sensor", job.name)

    return sensor


trigger_sensors = [trigger_sensor(kind) for kind in KINDS]


def _tick(
    context: dg.SensorEvaluationContext, store: Store, kind: Kind, name: str, job_name: str
) -> dg.SensorResult | dg.SkipReason:
    lake, figures, now = store.lake(), store.figures().retraining, datetime.now(UTC)
    curriculum = load_curriculum(lake)
    if not lake.days("health"):
        return dg.SkipReason("no day of segment_health yet")
    runs = retraining_runs(context.instance, job_name, now)
    inputs = inputs_digest(lake, figures, curriculum, runs, now)
    if inputs == context.cursor:
        return dg.SkipReason("nothing changed since the last decisions")
    assessment = assess(lake, figures, curriculum, runs, now, by=name)
    for trouble in assessment.troubles:
        context.log.error(trouble)
    examples = {segment: signals.examples for segment, signals in assessment.signals.items()}
    news = record(lake, list(assessment.decisions.values()), examples, policy=assessment.policy, now=now)
    due = [
        decision for decision in assessment.decisions.values() if decision.outcome == "fire" and kind in decision.kinds
    ]
    claims = _claims(lake, due, figures, by=name, now=now)
    said = ", ".join(f"{n} {outcome.replace('_', ' ')}" for outcome, n in assessment.outcomes.most_common())
    context.log.info(f"{len(assessment.decisions)} segments: {said}; {len(claims)} launched")
    # while a claim waits for its run, or others hold the causes, the next tick must look again
    settled = not assessment.pending and not due
    return dg.SensorResult(
        run_requests=[_request(claim, figures.for_segment(claim.segment)) for claim in claims],
        skip_reason=None if claims else f"{len(assessment.decisions)} segments: {said}",
        dynamic_partitions_requests=_new_segments(context.instance, claims),
        asset_events=_observations(news, assessment, name),
        cursor=inputs if settled else f"{inputs} again",
    )


def retraining_runs(instance: dg.DagsterInstance, job_name: str, now: datetime) -> list[Launch]:
    """The job's runs as the rooms below know them; runs that people launched have no launch."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name, created_after=now - REACH))
    return [
        _launch(record.dagster_run, record.create_timestamp, _status(instance, record.dagster_run))
        for record in records
    ]


def _status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> RunStatus:
    """A run that a person terminated was asked to stop; one that ended with its code server was not, and counts as failed."""
    if run.status in IN_FLIGHT:
        return "running"
    if run.status == dg.DagsterRunStatus.SUCCESS:
        return "succeeded"
    if run.status == dg.DagsterRunStatus.CANCELED:
        asked = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELING, limit=1)
        return "canceled" if asked.records else "failed"
    return "failed"


def _launch(run: dg.DagsterRun, at: datetime, status: RunStatus) -> Launch:
    return Launch(
        launch=run.tags.get(CAUSE, ""),
        attempt=int(run.tags.get(ATTEMPT, "1")),
        segment=run.tags.get(PARTITION, ""),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        status=status,
        causes=tuple(cause for cause in run.tags.get(CAUSES, "").split(",") if cause),
        kinds=tuple(kind for kind in run.tags.get(TRIGGER, "").split(",") if kind),
        run_id=run.run_id,
    )


def _claims(lake: Lake, due: Sequence[Decision], figures: RetrainingFigures, *, by: str, now: datetime) -> list[Claim]:
    launch = figures.launch
    made = (
        make_claim(lake, decision, by=by, now=now, budget=launch.weekly_budget, seconds=launch.claim_seconds)
        for decision in due
    )
    return [claim for claim in made if claim is not None]


def _request(claim: Claim, policy: Policy) -> dg.RunRequest:
    launch = policy.launch
    return dg.RunRequest(
        run_key=f"{claim.launch}:attempt{claim.attempt}",
        partition_key=claim.segment,
        run_config={
            "ops": {
                "adapter": {"config": {"recipe": launch.recipe, "overrides": launch.overrides}},
                "eval_report": {"config": {"max_items": launch.evaluation_items}},
            }
        },
        tags={
            CAUSE: claim.launch,
            ATTEMPT: str(claim.attempt),
            TRIGGER: ",".join(claim.kinds),
            CAUSES: ",".join(claim.causes),
            WHY: claim.says if len(claim.says) <= 200 else f"{claim.says[:199]}…",
        },
    )


def _new_segments(instance: dg.DagsterInstance, claims: Sequence[Claim]) -> list[dg.AddDynamicPartitionsRequest]:
    known = set(instance.get_dynamic_partitions("segments")) if claims else set()
    new = sorted({claim.segment for claim in claims} - known)
    return [SEGMENTS.build_add_request(new)] if new else []


def _observations(news: Sequence[Decision], assessment: Assessment, sensor: str) -> list[dg.AssetObservation]:
    """One observation for each segment with news (what fired first), and one overview."""
    if not news:
        return []
    order = {"fire": 0, "hold": 1}
    shown = sorted(news, key=lambda d: (order.get(d.outcome, 2), not d.causes, d.segment))[:SHOWN_DECISIONS]
    single = [
        dg.AssetObservation(
            SIGNALS,
            partition=decision.segment,
            metadata=decision_metadata(decision, assessment.signals[decision.segment], sensor),
        )
        for decision in shown
    ]
    return [*single, dg.AssetObservation(SIGNALS, metadata=overview_metadata(assessment, sensor))]
