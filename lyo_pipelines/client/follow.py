"""Turns files and run states into the lines of the live display. It only reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lyo_pipelines.client.graphql import Client, DagsterRun, GraphQLError
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import PROGRESS, REPORT_TAG
from lyo_pipelines.external_process.json_lines import last_json_line
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import ADAPTER_TAG, METRICS

STAGES = {
    "landed_files": "inbox → landed files",
    "raw_interactions": "raw interactions by day",
    "filtered_examples": "filtered examples by day",
    "segment_health": "health of segments by day",
    "dataset_splits": "train / validation / test split",
    "adapter": "LoRA adapter",
    "preference_data": "preferences out of ratings",
    "preference_adapter": "adapter tuned on preferences",
    "eval_report": "evaluation report",
}


@dataclass
class Stage:
    """One line of the display."""

    key: str
    title: str
    state: str = "waiting"
    detail: str = ""
    seconds: float | None = None


class RunFailedError(LyoError):
    """A run failed; the message is its cause."""


def new_stages(*keys: str) -> dict[str, Stage]:
    """The named stages, waiting."""
    return {key: Stage(key, STAGES[key]) for key in keys}


def apply_run(stages: dict[str, Stage], run: DagsterRun, now: float) -> None:
    """Carry one run's step states over to the stages."""
    for key, (status, start, end) in run.steps.items():
        stage = stages.get(key)
        if stage is None:
            continue
        if status == "SUCCESS":
            stage.state = "done"
        elif status in {"FAILURE", "SKIPPED"}:
            stage.state = "failed"
        elif start is not None:
            stage.state = "running"
        if start is not None:
            stage.seconds = (end or now) - start


def training_detail(lake: Lake, run: DagsterRun) -> str:
    """Steps, loss, speed and time left of the adapter version that the run trains."""
    version = run.tags.get(ADAPTER_TAG)
    row = last_json_line(lake.local(lake.adapter_dir(run.segment, version)) / METRICS) if version else {}
    if not row:
        return "starting"
    parts = [str(row.get("stage", "training"))]
    if row.get("steps"):
        parts.append(f"step {row.get('step', 0)}/{row['steps']}")
    for key, text in (
        ("loss", "loss {:.3f}"),
        ("eval_loss", "validation {:.3f}"),
        ("tokens_per_second", "{:,.0f} tokens/s"),
    ):
        if isinstance(row.get(key), int | float):
            parts.append(text.format(row[key]))
    if isinstance(row.get("eta_seconds"), int | float):
        parts.append(f"{clock(row['eta_seconds'])} left")
    return " · ".join(parts)


def evaluation_detail(lake: Lake, run: DagsterRun) -> str:
    """Model, items and time left of the report that the run writes."""
    version = run.tags.get(REPORT_TAG)
    row = last_json_line(lake.local(lake.report_dir(run.segment, version)) / PROGRESS) if version else {}
    if not row:
        return "starting"
    parts = [str(row.get("stage", "evaluating")), str(row.get("model", ""))]
    if row.get("total"):
        parts.append(f"{row.get('done', 0)}/{row['total']}")
    if isinstance(row.get("eta_seconds"), int | float):
        parts.append(f"{clock(row['eta_seconds'])} left")
    return " · ".join(part for part in parts if part)


def clock(seconds: float) -> str:
    """`m:ss`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def poll_until_ready(fetch: Callable[[], list[DagsterRun]], seconds: float) -> Iterator[list[DagsterRun]]:
    """Ask again and again; a Dagster that is silent for a moment is asked later, one that stays silent is an error."""
    errors = 0
    while True:
        try:
            runs = fetch()
        except GraphQLError:
            errors += 1
            if errors > 15:
                raise
        else:
            errors = 0
            yield runs
        time.sleep(seconds)


_DETAILS = {"adapter": training_detail, "preference_adapter": training_detail, "eval_report": evaluation_detail}


class Patience:
    """How long nothing has moved. A slow machine is waited for: only a standstill is an error."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._seen = seconds, set[tuple[str, str, int]]()
        self._now, self._since = monotonic, monotonic()

    def ended(self, runs: list[DagsterRun]) -> bool:
        """Whether for so many seconds no run was active and none has come or changed."""
        now = self._now()
        seen = {(run.run_id, run.status, len(run.steps)) for run in runs}
        if seen != self._seen or any(run.active for run in runs):
            self._seen, self._since = seen, now
        return now - self._since >= self._seconds


@dataclass
class Follower:
    """Follows the runs of one demo until a condition holds."""

    client: Client
    lake: Lake
    stages: dict[str, Stage]
    show: Callable[[dict[str, Stage]], None]
    since: float
    poll_seconds: float = 2.0

    def until_run_ends(self, run_id: str) -> DagsterRun:
        """Follow one run to its end. Raises RunFailedError with the cause when it does not succeed."""
        for run in self._polls(lambda: self.client.runs(runIds=[run_id])):
            if run and not run[0].active:
                if run[0].failed:
                    raise RunFailedError(self.client.failure(run_id))
                return run[0]
        raise AssertionError("polling never ends by itself")

    def until(self, reached: Callable[[], bool], *, wait_seconds: float, what: str) -> None:
        """Follow what the sensors launch until `reached`; a failed run is an error, and so many seconds without any movement."""
        patience = Patience(wait_seconds)
        for runs in self._polls(lambda: self.client.runs(limit=10)):
            mine = [run for run in runs if (run.start or run.end or self.since) >= self.since]
            failed = [run for run in mine if run.failed]
            if failed and not any(run.active for run in mine):
                raise RunFailedError(f"{failed[0].job}: {self.client.failure(failed[0].run_id)}")
            if reached():
                return
            if patience.ended(mine):
                raise RunFailedError(
                    f"{what} did not happen, and no run moved for {clock(wait_seconds)}; "
                    f"look at the sensors' ticks at {self.client.url}/automation"
                )

    def _polls(self, fetch: Callable[[], list[DagsterRun]]) -> Iterator[list[DagsterRun]]:
        for runs in poll_until_ready(fetch, self.poll_seconds):
            now = time.time()
            for run in sorted(runs, key=lambda run: run.start or 0.0):
                if (run.start or 0.0) >= self.since:
                    apply_run(self.stages, run, now)
                    for key in _DETAILS.keys() & run.steps.keys() & self.stages.keys():
                        if (stage := self.stages[key]).state == "running":
                            stage.detail = _DETAILS[key](self.lake, run)
            self.show(self.stages)
            yield runs
