"""A connection that breaks in the middle of a tick: nothing is launched twice, nothing is half done, nothing is forgotten."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType

# private: the data of a sensor's state has no public name
from dagster._core.scheduler.instigation import SensorInstigatorData

from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import PARTITION, SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import IN_FLIGHT
from lyo_pipelines_tests.defs.conftest import KEY, drop, row
from lyo_pipelines_tests.defs.daemon import Daemon, Statements, daemon, watched
from lyo_pipelines_tests.defs.health_days import write_history
from lyo_pipelines_tests.defs.test_data_assets import data_through
from lyo_pipelines_tests.postgres import PostgresServer

WRITES = ("INSERT", "UPDATE", "DELETE")
SCHEMA = ("SELECT pg_catalog", "SELECT 1")
NOT_HIT = "the tick ended before the chosen statement"
LAUNCHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]


@pytest.fixture(autouse=True)
def clock() -> None:
    """The definitions' clock runs: a tick weighs its own moment against those that Dagster's storage stamps."""


@pytest.fixture(autouse=True)
def environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code location reads its store from the environment, as it does in service."""
    for name, value in (("DATA_DIR", store.data_dir), ("PSEUDONYM_KEY", KEY)):
        monkeypatch.setenv(f"LYO_{name}", value)


def losses(statements: list[str], after: bool) -> list[int]:
    """Where to lose the connection: after the last write of each kind, or before the last of all others and the sensor's own."""
    kinds = {text for text in statements if text.startswith(WRITES) is after and not text.startswith(SCHEMA)}
    last = len(statements) - 1
    found = {last - statements[::-1].index(kind) for kind in kinds}
    return sorted(found | {statements.index(kind) for kind in kinds if kind.startswith("SELECT runs")})


def tick_with_loss(served: Daemon, server: PostgresServer, at: int, after: bool) -> tuple[str, bool]:
    """One tick that loses its connection; the statement that was hit, and whether the tick said so."""
    statements = Statements(lambda: server.disconnect(os.environ["LYO_PG_DB"]), at, after)
    try:
        with watched(statements):
            aloud = bool(served.tick())
    except Exception:
        aloud = True
    if len(statements.seen) <= at:
        return NOT_HIT, aloud
    return f"{'after' if after else 'before'} {statements.seen[at]} ({at})", aloud


def forget_runs(instance: dg.DagsterInstance) -> None:
    for run in instance.get_runs():
        instance.delete_run(run.run_id)


def cause(store: Store, number: int) -> None:
    """Something new in the inbox."""
    drop(store, "log.jsonl", [row(n) for n in range(1, number + 1)])


@pytest.mark.parametrize("after", [False, True], ids=["reading", "writing"])
def test_wherever_a_tick_loses_its_connection_the_next_launches_what_is_missing_once(
    after: bool, on_postgres: dg.DagsterInstance, postgres: PostgresServer, store: Store
) -> None:
    with daemon(on_postgres, "INBOX") as served:
        for number in (1, 2):  # the first tick of all makes what later ones find
            forget_runs(on_postgres)
            cause(store, number)
            with watched(Statements()) as undisturbed:
                assert served.tick() == []
            assert len(on_postgres.get_runs()) == 1
        for number, at in enumerate(losses(undisturbed.seen, after), start=3):
            forget_runs(on_postgres)
            cause(store, number)
            where, aloud = tick_with_loss(served, postgres, at, after)
            assert where != NOT_HIT
            assert aloud or on_postgres.get_runs(dg.RunsFilter(statuses=LAUNCHED)), f"{where}: recovered or said so"
            assert served.tick() == [], where
            launched = on_postgres.get_runs(dg.RunsFilter(statuses=IN_FLIGHT))
            assert len(launched) == 1, where
            if launched[0].status == dg.DagsterRunStatus.NOT_STARTED:  # lost between making and queueing it
                served.monitor(later=timedelta(minutes=4))
                assert served.tick() == [], where
                launched = on_postgres.get_runs(dg.RunsFilter(statuses=IN_FLIGHT))
            assert [run.status for run in launched] == [dg.DagsterRunStatus.QUEUED], where


def test_wherever_a_tick_loses_its_connection_partitions_are_added_all_or_none(
    on_postgres: dg.DagsterInstance, postgres: PostgresServer, store: Store
) -> None:
    subjects = ("math", "physics", "biology")
    expected = sorted(f"tutoring.en.{subject}" for subject in subjects)
    drop(store, "log.jsonl", [row(100 * k + n, subject=s) for k, s in enumerate(subjects, 1) for n in range(100)])
    data_through(on_postgres, store)
    with daemon(on_postgres, "SEGMENTS", timedelta(seconds=31)) as served:
        for _ in range(2):
            forget_segments(on_postgres)
            with watched(Statements()) as undisturbed:
                assert served.tick() == []
            assert sorted(on_postgres.get_dynamic_partitions(SEGMENTS.name)) == expected
        insert = undisturbed.seen.index("INSERT INTO dynamic_partitions")
        cursor = len(undisturbed.seen) - 1 - undisturbed.seen[::-1].index("UPDATE jobs SET")
        for at, after in ((insert, False), (insert, True), (cursor, False), (cursor, True)):
            forget_segments(on_postgres)
            where, _ = tick_with_loss(served, postgres, at, after)
            assert where != NOT_HIT
            assert sorted(on_postgres.get_dynamic_partitions(SEGMENTS.name)) in ([], expected), where
            assert served.tick() == [], where
            assert sorted(on_postgres.get_dynamic_partitions(SEGMENTS.name)) == expected, where


def forget_segments(instance: dg.DagsterInstance) -> None:
    """No segment and no cursor, as if the days were new."""
    for key in instance.get_dynamic_partitions(SEGMENTS.name):
        instance.delete_dynamic_partition(SEGMENTS.name, key)
    for state in instance.all_instigator_state():
        data = SensorInstigatorData(min_interval=10, cursor=None)
        instance.update_instigator_state(state.with_data(data))


@pytest.mark.parametrize("after", [False, True], ids=["reading", "writing"])
def test_wherever_a_trigger_loses_its_connection_its_segment_is_launched_once(
    after: bool, on_postgres: dg.DagsterInstance, postgres: PostgresServer, store: Store
) -> None:
    """A claim was made, and nobody knows whether its run was."""
    Path(store.data_dir).mkdir(parents=True)
    Path(store.data_dir, "config.yaml").write_text("retraining: {launch: {claim_seconds: 0.001, weekly_budget: 1000}}")
    with daemon(on_postgres, "VOLUME") as served:
        for segment in ("tutoring.en.first", "tutoring.en.second"):
            write_history(store.lake(), segment, days=3, n=400)
            with watched(Statements()) as undisturbed:
                assert served.tick() == []
            assert [run.status for run in runs_of(on_postgres, segment)] == LAUNCHED[:1]
        points, hit = losses(undisturbed.seen, after), 0
        for number, at in enumerate(points):
            segment = f"tutoring.en.s{number}"
            write_history(store.lake(), segment, days=3, n=400)
            where, aloud = tick_with_loss(served, postgres, at, after)
            hit += where != NOT_HIT  # ticks differ a little in how much there is to observe
            assert aloud or runs_of(on_postgres, segment), f"{where}: recovered or said so"
            assert served.tick() == [], where
            if any(run.status == dg.DagsterRunStatus.NOT_STARTED for run in runs_of(on_postgres, segment)):
                served.monitor(later=timedelta(minutes=4))  # lost between making and queueing it
                assert served.tick() == [], where
            assert [run.status for run in runs_of(on_postgres, segment)] == LAUNCHED[:1], where
            assert segment in on_postgres.get_dynamic_partitions(SEGMENTS.name), where
        assert hit >= len(points) - 2


def runs_of(instance: dg.DagsterInstance, segment: str) -> list[dg.DagsterRun]:
    """A segment's runs that are queued, about to be, or at work. (Dagster writes a run and its tags' index one after the other, so a
    lost connection can leave a run that no filter by tags finds: the triggers read the tags of the run itself.)"""
    return [run for run in instance.get_runs(dg.RunsFilter(statuses=IN_FLIGHT)) if run.tags.get(PARTITION) == segment]


@pytest.mark.parametrize("seconds_away", [0, 1])
def test_a_server_that_restarts_in_the_middle_of_a_tick_delays_one_launch(
    seconds_away: int, on_postgres: dg.DagsterInstance, postgres: PostgresServer, store: Store
) -> None:
    restart = threading.Timer(seconds_away, postgres.start)

    def go_down() -> None:
        postgres.stop()
        restart.start()
        if not seconds_away:
            restart.join()

    with daemon(on_postgres, "INBOX") as served:
        served.tick()
        cause(store, 1)
        with watched(Statements()) as undisturbed:
            served.tick()
        forget_runs(on_postgres)
        cause(store, 2)
        at = undisturbed.seen.index("SELECT runs.id, runs.run_body,")  # the sensor asks what is in flight
        with watched(Statements(go_down, at)) as broken:
            complaints = served.tick()
        restart.join()
        assert len(broken.seen) > at and complaints, "the tick failed aloud"
        assert on_postgres.get_runs() == []
        assert served.tick() == []
        assert served.tick() == []
        assert [run.status for run in on_postgres.get_runs()] == [dg.DagsterRunStatus.QUEUED]


def test_a_run_that_nobody_works_on_any_more_is_failed_after_a_day(instance: dg.DagsterInstance, store: Store) -> None:
    job = build_defs().resolve_job_def("land_inbox")
    cause(store, 1)
    with daemon(instance, "INBOX") as served:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
        instance.report_dagster_event(start_of(run), run.run_id)
        served.monitor(later=timedelta(hours=23))
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTED
        assert served.tick() == [] and len(instance.get_runs()) == 1, "it still holds its place"
        served.monitor(later=timedelta(hours=2))
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
        assert served.tick() == [] and len(instance.get_runs()) == 2


def start_of(run: dg.DagsterRun) -> DagsterEvent:
    """The event with which a run's process says that it is at work."""
    return DagsterEvent(event_type_value=DagsterEventType.RUN_START.value, job_name=run.job_name)
