"""The rollout sensor: shows what every release does and launches its next step. Thin: rollout/ looks, decides and sends back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg

from lyo_pipelines.config.loading import Config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.release import RELEASE, event_metadata, look_metadata
from lyo_pipelines.defs.checks.release import obstruction_check, told_check, untainted_check
from lyo_pipelines.defs.checks.reported import make_room
from lyo_pipelines.defs.jobs import release_job
from lyo_pipelines.defs.partitions import new_segments
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import WHY, run_for_cause, why
from lyo_pipelines.defs.step_up import JOB, step_up_job
from lyo_pipelines.registry.events import Who
from lyo_pipelines.rollout.after_erasure import settle_tainted
from lyo_pipelines.rollout.attempts import next_attempt
from lyo_pipelines.rollout.findings import told_time
from lyo_pipelines.rollout.rounds import Cursor, Round, go_round, told
from lyo_pipelines.rollout.start import waiting_adapters
from lyo_pipelines.training.plan import TrainingResult

NAME = "rollout_sensor"


def rollout_sensor_for(*, running: bool | None = None, every_seconds: int = 60) -> dg.SensorDefinition:
    """The sensor; running: whether it runs unless somebody switches it in the UI (None: as LYO_TRIGGERS says)."""
    runs = Settings.from_env().triggers_run if running is None else running

    @dg.sensor(
        name=NAME,
        jobs=[step_up_job, release_job],
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Compares every adapter in canary with what it would replace, by what users say of both. Sends a harmful one back within "
            "its own tick, launches `step_up` when the next stage is due, and waits while the evidence is not clear. Every event is "
            "an observation on release."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
        lake, config, now = store.lake(), store.load_config(), clock.current_time()
        cursor = Cursor.read(context.cursor)
        settled = settle_tainted(lake, config.release.after_erasure, now=now, who=Who(NAME))
        found = go_round(lake, config.rollout, cursor, now=now, who=Who(NAME))
        waiting, unread = waiting_adapters(lake) if config.release.automatic else ([], {})
        requests, stuck = _requests(context.instance, found, waiting, cursor, now)
        for segment, trouble in {**unread, **found.troubles, **settled.troubles}.items():
            error = trouble if isinstance(trouble, Exception) else None
            context.log.error(f"{segment or 'every release'}: {trouble}", exc_info=error)
        unread_told = {key: told(one) for key, one in {**unread, **settled.troubles}.items()}
        obstructed = {**unread_told, **stuck, **found.held}
        events = [*_events(context.instance, found, stuck, config, now), *_obstructions(obstructed, cursor)]
        events += _tainted(settled.says, cursor)
        make_room(context.instance, events)
        said = [*(f"{key}: {says}" for key, says in obstructed.items() if key not in found.held), found.summary]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "; ".join(said),
            dynamic_partitions_requests=new_segments(context.instance, (str(one.partition_key) for one in requests)),
            asset_events=events,
            cursor=cursor.text(),
        )

    return sensor


rollout_sensor = rollout_sensor_for()


def _events(
    instance: dg.DagsterInstance, found: Round, stuck: dict[str, str], config: Config, now: datetime
) -> Iterator[Any]:
    """Observations of looks that found something new and of events that were not shown yet, and what these mean for the check."""
    for visit in found.visits:
        segment = visit.look.release.segment
        if visit.news:
            blocked = {"blocked": stuck[segment]} if segment in stuck else {}
            metadata = {
                **look_metadata(instance, visit.look, visit.history, config, now),
                **blocked,
                "decided_by": NAME,
            }
            yield dg.AssetObservation(RELEASE, partition=segment, metadata=metadata)
    for history, events in found.shown:
        segment = history.release.segment
        for event in events:
            yield dg.AssetObservation(
                RELEASE, partition=segment, metadata=event_metadata(instance, event, history, config, now)
            )
        yield told_check(events[-1], segment)


def _obstructions(obstructed: dict[str, str], cursor: Cursor) -> Iterator[dg.AssetCheckEvaluation]:
    """What holds segments besides evidence, each once, and that it is over: the check turns red and green, and alerts follow it."""
    for segment, says in obstructed.items():
        if cursor.said.get(segment) != says:
            yield obstruction_check(segment, says)
    for segment in cursor.said.keys() - obstructed.keys():
        yield obstruction_check(segment, "")
    cursor.said = dict(obstructed)


def _tainted(serving: dict[str, str], cursor: Cursor) -> Iterator[dg.AssetCheckEvaluation]:
    """What serves and learnt from erased people, each once, and that it is over."""
    for segment, says in serving.items():
        if cursor.tainted.get(segment) != says:
            yield untainted_check(segment, says)
    for segment in cursor.tainted.keys() - serving.keys():
        yield untainted_check(segment, "")
    cursor.tainted = dict(serving)


def _requests(
    instance: dg.DagsterInstance, found: Round, waiting: list[TrainingResult], cursor: Cursor, now: datetime
) -> tuple[list[dg.RunRequest], dict[str, str]]:
    """Runs of steps that are due, and of releases of adapters that wait for theirs, one for each cause; and by segment, why a run
    that failed is not tried again now.
    """
    requests, stuck, causes = list[dg.RunRequest](), dict[str, str](), set[str]()
    due = [
        ((JOB, one.release.segment, one.release.sequence), JOB, one.release.segment, one.summary)
        for one in (visit.look for visit in found.visits)
        if one.step_up_due
    ]
    due += [
        (("release", new.segment, new.version), release_job.name, new.segment, f"{new.version} has a report")
        for new in waiting
    ]
    for cause, job_name, segment, reason in due:

        def held_by(name: str, failed: int, job_name: str = job_name, segment: str = segment) -> str | None:
            causes.add(name)
            at = next_attempt(failed, now, cursor.failed, name)
            if at is None:
                return None
            runs = "its run" if failed == 1 else f"{failed} runs"
            stuck[segment] = (
                f"it is due, but {runs} of {job_name} failed, so it stays where it is. Their pages say why: mend it, then re-execute "
                f"the last one; the next attempt by itself is at {told_time(at)}"
            )
            return stuck[segment]

        tags = {WHY: why(reason)}
        found_run = run_for_cause(
            instance, *cause, tags=tags, job_name=job_name, partition_key=segment, held_by=held_by
        )
        if isinstance(found_run, dg.RunRequest):
            requests.append(found_run)
    cursor.failed = {name: kept for name, kept in cursor.failed.items() if name in causes}
    return requests, stuck
