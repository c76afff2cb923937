"""Follows the trainings that triggers launched, one line each, until what was expected has run. It launches nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lyo_pipelines.client.follow import (
    Patience,
    RunFailedError,
    Stage,
    clock,
    evaluation_detail,
    poll_until_ready,
    training_detail,
)
from lyo_pipelines.client.graphql import Client, DagsterRun
from lyo_pipelines.storage.lake import Lake

_STEPS = {"dataset_splits": "splits", "adapter": "adapter", "eval_report": "report"}


@dataclass
class LaunchFollower:
    """Shows the runs of `retrain` that carry a trigger's tags; `since`: epoch seconds, older runs do not count."""

    client: Client
    lake: Lake
    show: Callable[[dict[str, Stage]], None]
    since: float
    poll_seconds: float = 2.0
    stages: dict[str, Stage] = field(default_factory=dict)

    def until_done(self, expected: Iterable[str], *, wait_seconds: float) -> list[DagsterRun]:
        """Follow until each expected segment has been launched and nothing runs any more; return the runs.

        Raises RunFailedError when a run fails, or when not all are launched and for `wait_seconds` no run has moved.
        """
        wanted, patience = set(expected), Patience(wait_seconds)
        for found in poll_until_ready(lambda: self.client.runs(limit=50, pipelineName="retrain"), self.poll_seconds):
            runs = [run for run in found if run.tags.get("lyo/trigger")]
            self._update(runs)
            failed = [run for run in runs if run.failed and (run.end or 0) >= self.since]
            if failed:
                raise RunFailedError(f"{failed[0].segment}: {self.client.failure(failed[0].run_id)}")
            missing = wanted - {run.segment for run in runs}
            if not missing and not any(run.active for run in runs):
                return runs
            if patience.ended(runs):
                raise RunFailedError(
                    f"not launched, and no run moved for {clock(wait_seconds)}: {', '.join(sorted(missing))}. "
                    f"`lyo why SEGMENT` says why; the sensors' ticks are at {self.client.url}/automation"
                )
        raise AssertionError("polling never ends by itself")

    def _update(self, runs: list[DagsterRun]) -> None:
        now = time.time()
        for run in sorted(runs, key=lambda run: run.start or now):
            kinds = run.tags["lyo/trigger"].replace(",", " + ")
            stage = self.stages.setdefault(run.segment, Stage(run.segment, f"{run.segment} ← {kinds}"))
            stage.state = (
                "failed"
                if run.failed
                else "running"
                if run.active and run.start
                else "waiting"
                if run.active
                else "done"
            )
            if run.start:
                stage.seconds = (run.end or now) - run.start
            if stage.state == "running":
                stage.detail = self._detail(run)
        self.show(self.stages)

    def _detail(self, run: DagsterRun) -> str:
        current = next((key for key in reversed(_STEPS) if run.steps.get(key, ("", None, None))[1] is not None), None)
        if current == "adapter":
            return f"adapter · {training_detail(self.lake, run)}"
        if current == "eval_report":
            return f"report · {evaluation_detail(self.lake, run)}"
        return _STEPS.get(current or "", "starting")
