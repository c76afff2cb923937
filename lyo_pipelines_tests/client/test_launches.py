"""Following what triggers launched: a silent Dagster is asked again, a failure and a missing launch end it with their cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from lyo_pipelines.client.follow import Patience, RunFailedError, Stage
from lyo_pipelines.client.graphql import DagsterRun, GraphQLError
from lyo_pipelines.client.launches import LaunchFollower
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"


def run(status: str, end: float | None = None) -> DagsterRun:
    tags = {"lyo/trigger": "quality,volume", "dagster/partition": SEGMENT}
    return DagsterRun("r1", "retrain", status, 1.0, end, {}, tags)


@dataclass
class Told:
    """A Dagster that answers what it is told to, one answer after the other; the last one again and again."""

    answers: list[Any]
    url: str = "http://127.0.0.1:1"
    asked: list[Any] = field(default_factory=list)

    def runs(self, **filters: Any) -> list[DagsterRun]:
        self.asked.append(filters)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def failure(self, run_id: str) -> str:
        return f"{run_id} ran out of memory"


def follow(*answers: Any, wait_seconds: float = 9) -> dict[str, Stage]:
    client: Any = Told(list(answers))
    follower = LaunchFollower(client, Lake("none"), lambda _: None, 0.0, poll_seconds=0.001)
    follower.until_done([SEGMENT], wait_seconds=wait_seconds)
    return follower.stages


def test_it_ends_when_the_expected_launch_has_run_even_if_dagster_was_silent_for_a_moment() -> None:
    stages = follow(GraphQLError("silent"), [], [run("STARTED")], [run("SUCCESS", 5.0)])
    assert (stages[SEGMENT].state, stages[SEGMENT].seconds) == ("done", 4.0)
    assert stages[SEGMENT].title == f"{SEGMENT} ← quality + volume"


def test_a_failed_run_ends_it_with_its_cause() -> None:
    with pytest.raises(RunFailedError, match="ran out of memory"):
        follow([run("FAILURE", 5.0)])


def test_a_launch_that_never_comes_ends_it_and_says_where_to_look() -> None:
    with pytest.raises(RunFailedError, match="lyo why"):
        follow([], wait_seconds=0)


def test_a_slow_machine_is_waited_for_and_only_a_standstill_ends_it() -> None:
    now = iter([0, 500, 900, 1400, 1501])
    patience = Patience(600, lambda: next(now))
    assert not patience.ended([run("STARTED")]), "a run is active"
    assert not patience.ended([run("SUCCESS", 5.0)]), "it has just ended"
    assert not patience.ended([run("SUCCESS", 5.0)])
    assert patience.ended([run("SUCCESS", 5.0)]), "nothing has moved for 601 seconds"


def test_a_dagster_that_stays_silent_is_an_error() -> None:
    with pytest.raises(GraphQLError):
        follow(GraphQLError("silent"))
