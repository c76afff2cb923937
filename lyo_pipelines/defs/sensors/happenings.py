"""What Dagster and the lake know that is worth telling: finished runs, checks, fired triggers, data that stands still.

Every stream is read on from a position, so many records at a time. No message of an exception or of a check is passed on: such
texts may quote a user. (A `dg.Failure` is written for people by this project, so its description is.)
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote

import dagster as dg
from dagster import DagsterEventType

from lyo_pipelines.alerts.alert import Alert, Resolved, one_line
from lyo_pipelines.alerts.position import Position, Record, page_size, read_on
from lyo_pipelines.alerts.state import ChannelState
from lyo_pipelines.config.alerts import AlertFigures
from lyo_pipelines.defs.partitions import RANGE_END, RANGE_START
from lyo_pipelines.defs.sensors.runs import CAUSE, PARTITION, TRIGGER, WHY
from lyo_pipelines.storage.lake import Lake

ROOT_RUN = "dagster/root_run_id"
PAGE = 100
"""Records of each stream that one tick reads; the next tick goes on."""
CHECK_LOOK_BACK = 10_000
"""Events among which a new channel looks for recent checks."""

Seen = Alert | Resolved


@dataclass(frozen=True)
class Watch:
    """Reads what happened for one channel."""

    instance: dg.DagsterInstance
    lake: Lake
    figures: AlertFigures
    now: datetime

    def since(self, state: ChannelState) -> tuple[list[Seen], ChannelState]:
        """What happened behind a channel's positions, and its state with the positions moved on."""
        runs, finished = read_on(state.finished, self._finished(state.finished), self.now)
        launched, created = read_on(state.created, self._created(state.created), self.now)
        events, checks = read_on(state.checks, self._checks(state.checks), self.now)
        seen = [self._run(record.what, record.at) for record in runs]
        seen += [alert for record in launched for alert in self._trigger(record.what, record.at)]
        recent = [record for record in events if record.at >= state.since]
        partitions = self._partitions_of_runs({record.what.run_id for record in recent})
        seen += [one for record in recent for one in self._check(record.what, record.at, partitions)]
        seen += self._stalled()
        return seen, state.model_copy(update={"finished": finished, "created": created, "checks": checks})

    # -- streams -----------------------------------------------------------------------------------------------
    def _finished(self, position: Position) -> list[Record[dg.RunRecord]]:
        """Runs that succeeded or failed, by the time of their last update (canceled ones are people's doing)."""
        wanted = dg.RunsFilter(
            statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS], updated_after=_just_before(position)
        )
        found = self.instance.get_run_records(
            wanted, limit=page_size(position, PAGE), order_by="update_timestamp", ascending=True
        )
        return [_run_record(run, run.update_timestamp) for run in found]

    def _created(self, position: Position) -> list[Record[dg.RunRecord]]:
        """Runs by the time of their creation. (Tags are filtered here: storage finds values of tags, not their presence.)"""
        found = self.instance.get_run_records(
            dg.RunsFilter(created_after=_just_before(position)),
            limit=page_size(position, PAGE),
            order_by="create_timestamp",
            ascending=True,
        )
        return [_run_record(run, run.create_timestamp) for run in found]

    def _checks(self, position: Position) -> list[Record[dg.EventLogEntry]]:
        """Evaluations of checks by their place in the log (with SQLite they are mirrored into one file, as with PostgreSQL)."""
        found = self.instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            after_cursor=max(int(position.after) - 1, -1),
            dagster_event_type=DagsterEventType.ASSET_CHECK_EVALUATION,
            limit=page_size(position, PAGE),
        )
        return [Record(str(n), n, datetime.fromtimestamp(e.timestamp, UTC), e) for n, e in found.items()]

    # -- what they mean ----------------------------------------------------------------------------------------
    def _run(self, record: dg.RunRecord, at: datetime) -> Seen:
        run = record.dagster_run
        key = f"run:{run.job_name}:{_subject(run)}"
        if run.status == dg.DagsterRunStatus.SUCCESS:
            return Resolved(key, at)
        job = "assets" if run.job_name.startswith("__") else run.job_name
        detail = ", ".join(filter(None, [_partition(run), self._reason(run.run_id)]))
        return Alert("run_failed", key, f"run of {job} failed", detail, self._link("runs", run.run_id), at)

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

    def _trigger(self, record: dg.RunRecord, at: datetime) -> Iterator[Alert]:
        run = record.dagster_run
        kinds = ", ".join(sorted(kind.strip() for kind in run.tags.get(TRIGGER, "").split(",") if kind.strip()))
        if kinds:
            detail = ": ".join(filter(None, [_partition(run), run.tags.get(WHY, "")]))
            url = self._link("runs", run.run_id)
            yield Alert("trigger_fired", f"trigger:{run.run_id}", f"{run.job_name} by {kinds}", detail, url, at)

    def _check(self, entry: dg.EventLogEntry, at: datetime, of_run: dict[str, str]) -> Iterator[Seen]:
        """A failed check is told; an evaluation with another outcome resolves what was told before."""
        event = entry.dagster_event
        found = event.asset_check_evaluation_data if event else None
        if found is None:
            return
        partition = found.partition or of_run.get(entry.run_id, "")
        about = f"{found.asset_key.to_user_string()}:{found.check_name}:{partition}"
        failed = "check_failed" if found.severity == dg.AssetCheckSeverity.ERROR else "check_warned"
        for kind in ("check_failed", "check_warned"):
            if found.passed or kind != failed:
                yield Resolved(f"{kind}:{about}", at)
                continue
            title = f"{found.check_name} of {found.asset_key.to_user_string()}"
            detail = ", ".join(filter(None, [partition, "nothing after it runs" if found.blocking else ""]))
            url = f"{self._link('assets', *found.asset_key.path)}?view=checks&checkDetail={quote(found.check_name)}"
            yield Alert(kind, f"{kind}:{about}", title, detail, url, at)

    def _partitions_of_runs(self, run_ids: set[str]) -> dict[str, str]:
        """What each run was about, for checks that do not say it themselves."""
        ids = sorted(run_ids - {""})
        found = self.instance.get_run_records(dg.RunsFilter(run_ids=ids)) if ids else []
        return {record.dagster_run.run_id: record.dagster_run.tags.get(PARTITION, "") for record in found}

    def _stalled(self) -> Iterator[Seen]:
        """Daily data stands still when its newest day ended, and was last built, too long ago."""
        day = _newest_day(self.lake)
        if day is None:
            return
        wanted = dg.AssetRecordsFilter(dg.AssetKey("raw_interactions"), asset_partitions=[day.isoformat()])
        built = self.instance.fetch_materializations(wanted, limit=1).records
        ended = datetime.combine(day + timedelta(days=1), time(), UTC)
        last = max([ended, *(datetime.fromtimestamp(record.timestamp, UTC) for record in built)])
        hours = (self.now - last) / timedelta(hours=1)
        key = "data_stalled:interactions"
        if hours <= self.figures.stalled_after_hours:
            yield Resolved(key, self.now)
            return
        detail = f"the newest day is {day}, and nothing came for {hours:,.0f} hours"
        url = self._link("assets", "raw_interactions")
        yield Alert("data_stalled", key, "raw_interactions stands still", detail, url, self.now)

    def _link(self, *parts: str) -> str:
        return "/".join([self.figures.ui_url.rstrip("/"), *(quote(part, safe="") for part in parts)])


def first_check(instance: dg.DagsterInstance) -> float:
    """The place in the log from which a new channel reads checks."""
    return max((instance.event_log_storage.get_maximum_record_id() or 0) - CHECK_LOOK_BACK, 0)


def _newest_day(lake: Lake) -> date | None:
    """The newest day that holds interactions; looked for from the end, as a lake may hold years."""
    for name in reversed(lake.names(lake.path("interactions"))):
        with suppress(ValueError):  # a folder that somebody else put there
            day = date.fromisoformat(name.removeprefix("date="))
            if lake.exists(lake.interactions(day)):
                return day
    return None


def _run_record(run: dg.RunRecord, at: datetime) -> Record[dg.RunRecord]:
    return Record(run.dagster_run.run_id, at.timestamp(), at, run)


def _just_before(position: Position) -> datetime:
    return datetime.fromtimestamp(position.after, UTC) - timedelta(microseconds=1)


def _partition(run: dg.DagsterRun) -> str:
    first, last = run.tags.get(RANGE_START, ""), run.tags.get(RANGE_END, "")
    between = first if first == last else f"{first} to {last}"
    return run.tags.get(PARTITION) or between


def _subject(run: dg.DagsterRun) -> str:
    """What a run was about: attempts at one cause, and runs of one partition, are one thing that fails or is well."""
    return run.tags.get(CAUSE) or _partition(run) or run.tags.get(ROOT_RUN) or run.run_id
