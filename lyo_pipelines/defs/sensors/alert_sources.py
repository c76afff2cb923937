"""Reads from Dagster what alerts are made of: finished runs, checks, fired triggers, freshness. What they mean: alerts/news.py.

Every stream is read on from a position, so many records at a time. No message of an exception or of a check is passed on: such
texts may quote a user. (A `dg.Failure` is written for people by this project, so its description is.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType

from lyo_pipelines.alerts import news
from lyo_pipelines.alerts.alert import one_line
from lyo_pipelines.alerts.news import News
from lyo_pipelines.alerts.position import StreamPosition, StreamRecord, page_size, read_on
from lyo_pipelines.alerts.state import ChannelState
from lyo_pipelines.defs.partitions import PARTITION, RANGE_END, RANGE_START
from lyo_pipelines.defs.runs import CAUSE, TRIGGER, WHY

DAILY = dg.AssetKey("raw_interactions")
"""The first daily asset: when it is stale, those behind it are, too, and one alert is enough."""
ROOT_RUN = "dagster/root_run_id"
PAGE = 100
"""Records of each stream that one tick reads; the next tick goes on."""
CHECK_LOOK_BACK = 10_000
"""Events among which a new channel looks for recent checks."""


@dataclass(frozen=True)
class AlertSources:
    """Reads what happened for one channel."""

    instance: dg.DagsterInstance
    ui_url: str
    now: datetime

    def since(self, state: ChannelState) -> tuple[list[News], ChannelState]:
        """What happened behind a channel's positions, and its state with the positions moved on."""
        runs, finished = read_on(state.finished, self._finished(state.finished), self.now)
        launched, created = read_on(state.created, self._created(state.created), self.now)
        events, checks = read_on(state.checks, self._checks(state.checks), self.now)
        seen = [self._run(record.what, record.at) for record in runs]
        for record in launched:
            tags = record.what.dagster_run.tags
            run = _run(record.what.dagster_run, record.at)
            seen += news.fired(run, tags.get(TRIGGER, ""), tags.get(WHY, ""), self.ui_url)
        recent = [record for record in events if record.at >= state.since]
        partitions = self._partitions_of_runs({record.what.run_id for record in recent})
        seen += [one for record in recent for one in self._check(record.what, record.at, partitions)]
        seen += self._freshness()
        return seen, state.model_copy(update={"finished": finished, "created": created, "checks": checks})

    # -- streams -----------------------------------------------------------------------------------------------
    def _finished(self, position: StreamPosition) -> list[StreamRecord[dg.RunRecord]]:
        """Runs that succeeded or failed, by the time of their last update (canceled ones are people's doing)."""
        wanted = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS], updated_after=_just_before(position)
        )
        found = self.instance.get_run_records(
            wanted, limit=page_size(position, PAGE), order_by="update_timestamp", ascending=True
        )
        return [_run_record(run, run.update_timestamp) for run in found]

    def _created(self, position: StreamPosition) -> list[StreamRecord[dg.RunRecord]]:
        """Runs by the time of their creation. (Tags are filtered here: storage finds values of tags, not their presence.)"""
        found = self.instance.get_run_records(
            dg.RunsFilter(created_after=_just_before(position)),
            limit=page_size(position, PAGE),
            order_by="create_timestamp",
            ascending=True,
        )
        return [_run_record(run, run.create_timestamp) for run in found]

    def _checks(self, position: StreamPosition) -> list[StreamRecord[dg.EventLogEntry]]:
        """Evaluations of checks by their place in the log (with SQLite they are mirrored into one file, as with PostgreSQL).

        The storage is asked itself: the instance has no reader of all checks but `get_event_records`, which is deprecated.
        """
        found = self.instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            after_cursor=max(int(position.after) - 1, -1),
            dagster_event_type=DagsterEventType.ASSET_CHECK_EVALUATION,
            limit=page_size(position, PAGE),
        )
        return [StreamRecord(str(n), n, datetime.fromtimestamp(e.timestamp, UTC), e) for n, e in found.items()]

    # -- what is read of each record ---------------------------------------------------------------------------
    def _run(self, record: dg.RunRecord, at: datetime) -> News:
        run = _run(record.dagster_run, at)
        if record.dagster_run.status == dg.DagsterRunStatus.SUCCESS:
            return news.succeeded(run)
        return news.failed(run, self._reason(run.run_id), self.ui_url)

    def _reason(self, run_id: str) -> str:
        """The step that failed first and the name of what it raised."""
        found = self.instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE, limit=1).records
        event = found[0].event_log_entry.dagster_event if found else None
        if event is None:
            return "no step failed: the run itself ended"
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            return f"{event.step_key}: {one_line(data.user_failure_data.description, 180)}"
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        return f"{event.step_key}: {(error.cls_name if error else None) or 'failed'}"

    def _check(self, entry: dg.EventLogEntry, at: datetime, of_run: dict[str, str]) -> Iterator[News]:
        event = entry.dagster_event
        found = event.asset_check_evaluation_data if event else None
        if found is not None:
            partition = found.partition or of_run.get(entry.run_id, "")
            is_error = found.severity == dg.AssetCheckSeverity.ERROR
            check = news.Check(
                tuple(found.asset_key.path),
                found.check_name,
                partition,
                found.passed,
                is_error,
                bool(found.blocking),
                at,
            )
            yield from news.checked(check, self.ui_url)

    def _partitions_of_runs(self, run_ids: set[str]) -> dict[str, str]:
        """What each run was about, for checks that do not say it themselves."""
        ids = sorted(run_ids - {""})
        found = self.instance.get_run_records(dg.RunsFilter(run_ids=ids)) if ids else []
        return {record.dagster_run.run_id: record.dagster_run.tags.get(PARTITION, "") for record in found}

    def _freshness(self) -> Iterator[News]:
        """What Dagster's freshness daemon found last about the daily data; nothing before it was ever materialized."""
        found = self.instance.get_freshness_state_records([DAILY]).get(DAILY)
        state = found.freshness_state.value if found else "UNKNOWN"
        if state not in ("PASS", "WARN", "FAIL"):
            return
        last = self.instance.get_latest_materialization_event(DAILY) if state == "FAIL" else None
        built = datetime.fromtimestamp(last.timestamp, UTC) if last else None
        yield news.freshness(
            DAILY.to_user_string(), stale=state == "FAIL", built=built, now=self.now, ui_url=self.ui_url
        )


def first_check(instance: dg.DagsterInstance) -> float:
    """The place in the log from which a new channel reads checks."""
    return max((instance.event_log_storage.get_maximum_record_id() or 0) - CHECK_LOOK_BACK, 0)


def _run(run: dg.DagsterRun, at: datetime) -> news.Run:
    partition = _partition(run)
    subject = run.tags.get(CAUSE) or partition or run.tags.get(ROOT_RUN) or run.run_id
    return news.Run(run.run_id, run.job_name, partition, subject, at)


def _run_record(run: dg.RunRecord, at: datetime) -> StreamRecord[dg.RunRecord]:
    return StreamRecord(run.dagster_run.run_id, at.timestamp(), at, run)


def _just_before(position: StreamPosition) -> datetime:
    return datetime.fromtimestamp(position.after, UTC) - timedelta(microseconds=1)


def _partition(run: dg.DagsterRun) -> str:
    first, last = run.tags.get(RANGE_START, ""), run.tags.get(RANGE_END, "")
    between = first if first == last else f"{first} to {last}"
    return run.tags.get(PARTITION) or between
