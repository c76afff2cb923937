"""A Dagster that a command started is not closed under the runs of others, and those who wait are told for whom."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lyo_pipelines.client import closing, follow, server
from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.follow import Follower, RunFailedError, named_runs, new_stages
from lyo_pipelines.client.graphql import Client, DagsterRun, GraphQLError
from lyo_pipelines.client.server import Server
from lyo_pipelines.storage.lake import Lake


class FakeServer(Server):
    """A server that only notes when it is stopped."""

    def stop(self, grace_seconds: float = 15.0) -> None:
        stopped.append(self.url)


stopped: list[str] = []


def run(status: str, job: str = "retrain", segment: str = "tutoring.hi.math", start: float | None = 1.0) -> DagsterRun:
    return DagsterRun(f"{job}-{segment}", job, status, start, None, {}, {"dagster/partition": segment})


def close(monkeypatch: pytest.MonkeyPatch, *answers: Any, owned: bool = True, patience: float = 60) -> str:
    """Close a Dagster that answers so, one answer after the other; what was said meanwhile."""
    left = list(answers)

    def active(self: Client) -> list[DagsterRun]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr(closing.Client, "active_runs", active)
    console = Console(record=True, width=200)
    stopped.clear()
    fake = FakeServer("http://127.0.0.1:9", 1, Path("log"), owned=owned)
    close_when_idle(fake, console, poll_seconds=0.001, patience_seconds=patience)
    assert len(left) == 1 or isinstance(answers[0], BaseException) or not owned
    return console.export_text()


def test_runs_of_others_end_before_it_is_closed_and_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = close(monkeypatch, [run("STARTED")], [run("QUEUED", start=None)], [])
    assert stopped == ["http://127.0.0.1:9"]
    assert said.count("stays open") == 1 and "retrain tutoring.hi.math" in said


def test_without_runs_it_is_closed_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert close(monkeypatch, []) == ""
    assert stopped


def test_one_that_was_joined_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    close(monkeypatch, [run("STARTED")], owned=False)
    assert not stopped


@pytest.mark.parametrize("end", [KeyboardInterrupt(), GraphQLError("gone")])
def test_it_is_closed_when_somebody_says_so_or_it_is_gone(monkeypatch: pytest.MonkeyPatch, end: BaseException) -> None:
    close(monkeypatch, end)
    assert stopped


def test_what_only_waits_and_never_moves_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow.Patience, "ended", lambda self, runs: True)
    said = close(monkeypatch, [run("QUEUED", start=None)])
    assert stopped and "waits there for the next `lyo ui`" in said


def test_runs_are_named_with_how_long_they_run() -> None:
    runs = [run("STARTED", start=10.0), run("QUEUED", "daily_data", "", None), *[run("QUEUED")] * 4]
    said = named_runs(runs, now=75)
    assert said.startswith("retrain tutoring.hi.math (running 1:05), daily_data (waiting)")
    assert said.endswith("and 2 more")


class Told:
    """A client whose runs are told one answer after the other."""

    url = "http://127.0.0.1:9"

    def __init__(self, *answers: list[DagsterRun]) -> None:
        self.left = list(answers)

    def runs(self, **_: Any) -> list[DagsterRun]:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def failure(self, run_id: str) -> str:
        return f"{run_id} has no room"


def until(*answers: list[DagsterRun], since: float = 0.0) -> Told:
    client: Any = Told(*answers)
    follower = Follower(client, Lake("none"), new_stages("raw_interactions"), lambda _: None, since, poll_seconds=0.001)
    follower.until(lambda: True, wait_seconds=9, what="it")
    return client


def test_data_is_waited_for_until_its_run_has_ended_also_when_the_files_are_there() -> None:
    client = until([run("STARTED", "daily_data", "")], [run("SUCCESS", "daily_data", "")])
    assert len(client.left) == 1


def test_a_failed_run_of_others_is_not_ours_and_ours_is_told() -> None:
    until([run("FAILURE"), run("STARTED", "retrain", "a.b")])
    with pytest.raises(RunFailedError, match="has no room"):
        until([run("FAILURE", "daily_data", "")])


def test_a_run_that_a_dead_dagster_left_in_the_queue_is_cleaned_up_and_no_failure_of_ours() -> None:
    left = replace(run("FAILURE", "daily_data", "", start=None), created=50.0, end=120.0)
    until([left], since=100.0)
    with pytest.raises(RunFailedError, match="has no room"):
        until([replace(left, created=110.0)], since=100.0)


def test_a_server_whose_process_runs_and_that_does_not_answer_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert server.silent_server() is None
    state = {"url": "http://127.0.0.1:9", "pid": os.getpid(), "log": "dev.log"}
    (tmp_path / server.STATE_FILE).write_text(json.dumps(state))
    found = server.silent_server()
    assert found is not None and found.pid == os.getpid() and not found.owned
    assert server.find_server() is None
    (tmp_path / server.STATE_FILE).write_text(json.dumps(state | {"pid": 2**22 + 1}))
    assert server.silent_server() is None, "what is left of one that was killed is none"
