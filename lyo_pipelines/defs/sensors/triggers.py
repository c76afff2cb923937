"""The four retraining triggers: volume, quality, performance, business. Thin: retraining/ decides and claims, they launch."""

from typing import Any

import dagster as dg

from lyo_pipelines.config.retraining import Policy
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.monitoring import decision_observations
from lyo_pipelines.defs.checks.retraining import files_check
from lyo_pipelines.defs.jobs import retrain_job
from lyo_pipelines.defs.partitions import new_segments
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.retraining_runs import retraining_runs
from lyo_pipelines.defs.runs import ATTEMPT, CAUSE, CAUSES, TRIGGER, WHY, listed, run_key, why
from lyo_pipelines.retraining.assess import inputs_digest
from lyo_pipelines.retraining.claims import Claim
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.evaluate import Evaluation, evaluate
from lyo_pipelines.retraining.findings import KINDS, Kind
from lyo_pipelines.retraining.ledger import policy_digest

_TOLD = " told "
"""In a cursor, before the digest of the files that the last tick could not read."""
_LAUNCHES = {
    "volume": "there are enough curated examples for a first training, and then every two to four weeks while new data arrives",
    "quality": "ratings, negative feedback, relevance or cultural complaints get worse within the same topics and grades",
    "performance": "answers become slower, more questions are asked again, knowledge gaps show, or answers are in the wrong language",
    "business": "the curriculum gains a subject, language or grade, a new academic year begins, or what was learnt expires",
}


def trigger_sensor(
    kind: Kind, job: Any = retrain_job, *, running: bool | None = None, every_seconds: int = 30
) -> dg.SensorDefinition:
    """The sensor that launches `job` for causes of one kind (a launch names the segment's other causes, too).

    running: whether it runs unless somebody switches it in the UI; None: as LYO_TRIGGERS says.
    """
    runs, name = Settings.from_env().triggers_run if running is None else running, f"{kind}_sensor"

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=(
            f"Retrains a segment when {_LAUNCHES[kind]}. Every new decision, whether it launches a run or holds one back, is an "
            "observation on retraining_signals and a line in the decision ledger."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
        lake, everything, now = store.lake(), store.load_config(), clock.current_time()
        config = everything.retraining
        curriculum = load_curriculum(lake)
        if not lake.days("health"):
            return dg.SkipReason("no day of segment_health yet")
        launched = retraining_runs(context.instance, job.name, now)
        inputs = inputs_digest(lake, config, curriculum, launched, now)
        before, _, told = (context.cursor or "").partition(_TOLD)
        if inputs == before:
            return dg.SkipReason("nothing changed since the last decisions")
        found = evaluate(lake, config, curriculum, launched, kind=kind, by=name, now=now, costs=everything.costs)
        for trouble in found.assessment.troubles:
            context.log.error(trouble)
        said = policy_digest(found.assessment.troubles) if found.assessment.troubles else ""
        checks = [files_check(found.assessment.troubles)] if said != told else []
        context.log.info(f"{found.summary}; {len(found.claims)} launched")
        return dg.SensorResult(
            run_requests=[_request(claim, config.for_segment(claim.segment)) for claim in found.claims],
            skip_reason=None if found.claims else _quiet(found),
            dynamic_partitions_requests=new_segments(context.instance, (claim.segment for claim in found.claims)),
            asset_events=[*decision_observations(found, name), *checks],
            # while a claim waits for its run, or others hold the causes, the next tick must look again
            cursor=f"{inputs if found.settled else f'{inputs} again'}{_TOLD}{said}",
        )

    return sensor


def _quiet(found: Evaluation) -> str:
    """Why nothing is launched: the cause that is nearest first, then the counts."""
    order = {"fire": 0, "hold": 1}
    with_causes = [one for one in found.assessment.decisions.values() if one.causes]
    nearest = min(with_causes, key=lambda one: (order.get(one.outcome, 2), one.segment), default=None)
    if nearest is None:
        return f"no cause for a training ({found.summary})"
    held = "; ".join(nearest.held_by) or "another trigger launches it"
    return f"{nearest.segment} is held: {held} ({found.summary})"


trigger_sensors = [trigger_sensor(kind) for kind in KINDS]


def _request(claim: Claim, policy: Policy) -> dg.RunRequest:
    launch = policy.launch
    return dg.RunRequest(
        run_key=run_key(claim.launch, claim.attempt),
        partition_key=claim.segment,
        run_config={
            "ops": {
                "adapter": {"config": {"recipe": launch.recipe, "overrides": launch.overrides}},
                "eval_report": {"config": {"max_items": launch.evaluation_items}},
            }
        },
        tags={
            WHY: why(claim.says),
            TRIGGER: ",".join(claim.kinds),
            CAUSE: claim.launch,
            ATTEMPT: str(claim.attempt),
            CAUSES: listed(claim.causes),
        },
    )
