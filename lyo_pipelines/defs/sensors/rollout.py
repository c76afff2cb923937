"""The rollout sensor: looks at every release, sends back at once, launches steps up, and tells every event. Thin: rollout/ decides."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from lyo_pipelines.config.figures import Figures
from lyo_pipelines.config.settings import triggers_run
from lyo_pipelines.defs.assets.release import RELEASE, event_metadata, finding_metadata, release_metadata
from lyo_pipelines.defs.checks.release import told_check
from lyo_pipelines.defs.jobs import release_job
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.sensors.runs import CAUSE, WHY, cause_hash, next_attempt
from lyo_pipelines.defs.step_up import JOB, step_up_job
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import History, read_all, read_history
from lyo_pipelines.rollout.begin import waiting
from lyo_pipelines.rollout.routing import Routing, refresh
from lyo_pipelines.rollout.watch import Look, evidence, inputs, look
from lyo_pipelines.storage.lake import Lake

NAME = "rollout_sensor"
TOLD_AT_ONCE = 20
"""Events of one segment that one tick shows; the next tick goes on."""


class ReleaseUnreadableError(LyoError):
    """Some segment could not be looked at; the others were."""


@dataclass
class Cursor:
    """What earlier ticks told and saw, by segment: the last event, the inputs of the last look, what was found then."""

    told: dict[str, int] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """An empty one where there is none; what was told already is then told again, nothing is done twice."""
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"told": self.told, "seen": self.seen, "found": self.found}, sort_keys=True)


def rollout_sensor_for(*, running: bool | None = None, every_seconds: int = 60) -> dg.SensorDefinition:
    """The sensor; running: whether it runs unless somebody switches it in the UI (None: as LYO_TRIGGERS says)."""
    runs = triggers_run() if running is None else running

    @dg.sensor(
        name=NAME,
        jobs=[step_up_job, release_job],
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if runs else dg.DefaultSensorStatus.STOPPED,
        description=(
            "Reads what users say of every candidate and of what it would replace. Sends back at once, within its tick; launches "
            "`step_up` when a step is due; holds where nothing is shown. Every event is an observation on release."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
        return _tick(context, store)

    return sensor


rollout_sensor = rollout_sensor_for()


def current_time() -> datetime:
    """The clock of the sensor."""
    return datetime.now(UTC)


def _tick(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult:
    lake, figures, now = store.lake(), store.figures(), current_time()
    cursor, routing = Cursor.read(context.cursor), refresh(lake)
    histories, troubles = read_all(lake)
    requests, events, said = list[dg.RunRequest](), list[Any](), list[str]()
    for segment, history in list(histories.items()):
        if not history.release.in_canary:
            continue
        try:
            looked = _looked(lake, history, routing, figures, cursor, now)
        except Exception as error:  # one release that cannot be read must not keep another from falling back
            context.log.exception(f"{segment} could not be looked at")
            troubles[segment] = str(error)
            continue
        if looked is None:
            continue
        if looked.fell_back:
            histories[segment] = read_history(lake, segment)
        said.append(f"{segment}: {looked.says}")
        requests += _step_up(context.instance, looked)
        events += _found(looked, history, figures, cursor, now)
    for history in histories.values():
        events += _told(history, figures, cursor, now)
    if figures.release.automatic:
        requests += _begun(context.instance, lake)
    if troubles and not (events or requests):
        raise ReleaseUnreadableError("; ".join(troubles.values()))
    for trouble in troubles.values():
        context.log.error(trouble)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _skipped(histories, said, told=len(events)),
        dynamic_partitions_requests=_new_segments(context.instance, requests),
        asset_events=events,
        cursor=cursor.text(),
    )


def _skipped(histories: Mapping[str, History], said: list[str], *, told: int) -> str:
    if said:
        return "; ".join(said)
    canaries = sum(history.release.in_canary for history in histories.values())
    if told:
        return f"told {told} events"
    return f"nothing new about {canaries} releases" if canaries else "no release in canary"


def _looked(
    lake: Lake, history: History, routing: Routing, figures: Figures, cursor: Cursor, now: datetime
) -> Look | None:
    """A look, unless the last one saw the same."""
    release = history.release
    digest = inputs(lake, release, figures.rollout, now=now)
    if cursor.seen.get(release.segment) == digest:
        return None
    found = look(lake, release, routing, figures.rollout, now=now, who=Who(NAME))
    if found is not None and not found.step_up_due:
        cursor.seen[release.segment] = digest  # a step that is due is looked at until its run took it
    return found


def _step_up(instance: dg.DagsterInstance, looked: Look) -> Iterator[dg.RunRequest]:
    """The run of a step that is due, unless one is in flight or three failed."""
    if not looked.step_up_due:
        return
    segment, sequence = looked.release.segment, looked.release.sequence
    cause = cause_hash(JOB, segment, sequence)
    if run_key := next_attempt(instance, cause).run_key:
        why = looked.says if len(looked.says) <= 200 else f"{looked.says[:199]}…"
        yield dg.RunRequest(run_key, job_name=JOB, partition_key=segment, tags={CAUSE: cause, WHY: why})


def _begun(instance: dg.DagsterInstance, lake: Lake) -> Iterator[dg.RunRequest]:
    """Runs that begin releases of new reports, where the figures say so."""
    for trained in waiting(lake):
        cause = cause_hash("release", trained.segment, trained.version)
        if run_key := next_attempt(instance, cause).run_key:
            tags = {CAUSE: cause, WHY: f"{trained.version} has a report"}
            yield dg.RunRequest(run_key, job_name=release_job.name, partition_key=trained.segment, tags=tags)


def _found(looked: Look, history: History, figures: Figures, cursor: Cursor, now: datetime) -> Iterator[Any]:
    """An observation of a look that holds or lets go up, when it found another thing than the last one, and once a day."""
    segment = looked.release.segment
    outcomes = [(finding.rule, finding.outcome) for finding in looked.decision.reasons]
    digest = cause_hash(looked.release.sequence, looked.decision.action, outcomes, now.date())
    if looked.fell_back or cursor.found.get(segment) == digest:
        return
    cursor.found[segment] = digest
    seen = evidence(looked.decision, looked.collected, figures.rollout)
    days = looked.decision.until_known_days
    yield dg.AssetObservation(
        RELEASE,
        partition=segment,
        metadata={
            "decision": looked.decision.action.replace("_", " "),
            "why": looked.says,
            "until_known_days": "not in sight" if days is None else round(days, 1),
            "mismatched_rows": looked.collected.mismatched,
            **finding_metadata(seen),
            **release_metadata(history, figures, now),
            "decided_by": NAME,
        },
    )


def _told(history: History, figures: Figures, cursor: Cursor, now: datetime) -> Iterator[Any]:
    """Observations of the events that no tick told yet, whoever appended them, and what they mean for the check."""
    segment = history.release.segment
    new = [event for event in history.events if event.sequence > cursor.told.get(segment, 0)][:TOLD_AT_ONCE]
    for event in new:
        yield dg.AssetObservation(RELEASE, partition=segment, metadata=event_metadata(event, history, figures, now))
    if new:
        cursor.told[segment] = new[-1].sequence
        yield told_check(new[-1], segment)


def _new_segments(instance: dg.DagsterInstance, requests: list[dg.RunRequest]) -> list[dg.AddDynamicPartitionsRequest]:
    known = set(instance.get_dynamic_partitions("segments")) if requests else set()
    new = sorted({str(request.partition_key) for request in requests} - known)
    return [SEGMENTS.build_add_request(new)] if new else []
