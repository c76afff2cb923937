"""Turns files and run states into the lines of the live display. It only reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.client.graphql import Client, DagsterRun, GraphQLError
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import PROGRESS, REPORT_TAG
from lyo_pipelines.external_process.json_lines import last_json_line
from lyo_pipelines.search.command import SEARCH_TAG, search_dir
from lyo_pipelines.search.record import best_of, read_records, trial_output
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import working_folder
from lyo_pipelines.training.plan import ADAPTER_TAG, METRICS

STAGES = {
    "landed_files": "inbox → landed files",
    "raw_interactions": "raw interactions by day",
    "filtered_examples": "filtered examples by day",
    "document_chunks": "documents → chunks and examples",
    "segment_health": "health of segments by day",
    "dataset_splits": "train / validation / test split",
    "adapter": "LoRA adapter",
    "preference_data": "preferences out of ratings",
    "preference_adapter": "adapter tuned on preferences",
    "eval_report": "evaluation report",
    "hyperparameter_search": "trials of the search",
}


DATA_JOBS = ("land_inbox", "daily_data")
"""Jobs that bring the days up to date."""


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
            if stage.state == "waiting":
                stage.detail = ""  # what it waited for
            stage.state = "running"
        if start is not None:
            stage.seconds = (end or now) - start


def training_detail(lake: Lake, run: DagsterRun, now: float | None = None) -> str:
    """Steps, loss, speed and time left of the adapter version that the run trains."""
    version = run.tags.get(ADAPTER_TAG)
    path = working_folder(lake, lake.adapter_dir(run.segment, version or "")) / METRICS
    row = last_json_line(path) if version else {}
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
    parts += _left(row.get("eta_seconds"), path, now)
    return " · ".join(parts)


def evaluation_detail(lake: Lake, run: DagsterRun, now: float | None = None) -> str:
    """Model, items and time left of the report that the run writes."""
    version = run.tags.get(REPORT_TAG)
    path = working_folder(lake, lake.report_dir(run.segment, version or "")) / PROGRESS
    row = last_json_line(path) if version else {}
    if not row:
        return "starting"
    parts = [str(row.get("stage", "evaluating")), str(row.get("model", ""))]
    if row.get("total"):
        parts.append(f"{row.get('done', 0)}/{row['total']}")
    parts += _left(row.get("eta_seconds"), path, now)
    return " · ".join(part for part in parts if part)


def search_detail(lake: Lake, run: DagsterRun) -> str:
    """How many trials the run's search has had, the best loss so far, and where the one that runs stands."""
    place = run.tags.get(SEARCH_TAG, "")
    if len(parts := place.split("/")) != 3:
        return "starting"
    folder = lake.local(search_dir(lake, *parts))
    records = read_records(folder)
    if not records:
        return "starting"
    best, row = best_of(records), last_json_line(trial_output(folder, records[-1].number) / METRICS)
    said = [f"trial {records[-1].number}"]
    if row.get("steps"):
        said.append(f"step {row.get('step', 0)}/{row['steps']}")
    if best is not None and best.loss is not None:
        said.append(f"best {best.loss:.3f} (trial {best.number})")
    return " · ".join(said)


def _left(eta: object, path: Path, now: float | None) -> list[str]:
    """The time left when the line was written, less the time since then: it counts down between two lines."""
    if not isinstance(eta, int | float):
        return []
    try:
        since = max(0.0, (time.time() if now is None else now) - path.stat().st_mtime)
    except OSError:
        since = 0.0
    left = round(eta - since)
    return [f"{clock(left)} left" if left > 0 else "any moment"]


def clock(seconds: float) -> str:
    """`m:ss`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def poll_until_ready(
    fetch: Callable[[], list[DagsterRun]], seconds: float, on_silence: Callable[[float], None] = lambda seconds: None
) -> Iterator[list[DagsterRun]]:
    """Ask again and again; a Dagster that is silent for a moment is asked later, one that stays silent is an error.

    on_silence: told for how long it has been silent, after each question in vain.
    """
    errors, heard = 0, time.monotonic()
    while True:
        try:
            runs = fetch()
        except GraphQLError:
            errors += 1
            if errors > 15:
                raise
            on_silence(time.monotonic() - heard)
        else:
            errors, heard = 0, time.monotonic()
            yield runs
        time.sleep(seconds)


_DETAILS = {
    "adapter": training_detail,
    "preference_adapter": training_detail,
    "eval_report": evaluation_detail,
    "hyperparameter_search": search_detail,
}


def named_runs(runs: Sequence[DagsterRun], now: float | None = None) -> str:
    """Runs in a few words: job, segment, and for how long."""
    now = time.time() if now is None else now
    said = [
        f"{run.job} {run.segment}".rstrip() + (f" (running {clock(now - run.start)})" if run.start else " (waiting)")
        for run in runs[:4]
    ]
    return ", ".join(said) + (f" and {len(runs) - 4} more" if len(runs) > 4 else "")


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
            if run and run[0].start is None:
                self._say_what_it_waits_for(run_id)
        raise AssertionError("polling never ends by itself")

    def _say_what_it_waits_for(self, run_id: str) -> None:
        """A queued run stands behind others (one training at a time, four runs in all): which."""
        first = next(iter(self.stages.values()))
        others = [run for run in self.client.active_runs() if run.run_id != run_id]
        first.detail = f"waits for {named_runs(others)}" if others else "waits for its process"
        self.show(self.stages)

    def until(
        self, reached: Callable[[], bool], *, wait_seconds: float, what: str, jobs: Collection[str] = DATA_JOBS
    ) -> None:
        """Follow what the sensors launch until `reached` and no run of these jobs works any more: none is cut off by a closed server.

        A failed run of these jobs is an error, and so many seconds without any movement.
        """
        patience = Patience(wait_seconds)
        for runs in self._polls(lambda: self.client.runs(limit=25)):
            mine = [run for run in runs if run.job in jobs and (run.start or run.end or self.since) >= self.since]
            active = any(run.active for run in mine)
            # one that never started and is older was left by a Dagster that died: this one cleans it up, and it is nobody's failure
            failed = [run for run in mine if run.failed and (run.start or run.created or self.since) >= self.since]
            if failed and not active:
                raise RunFailedError(f"{failed[0].job}: {self.client.failure(failed[0].run_id)}")
            if not active and reached():
                return
            if patience.ended(mine):
                raise RunFailedError(
                    f"{what} did not happen, and no run moved for {clock(wait_seconds)}; "
                    f"look at the sensors' ticks at {self.client.url}/automation"
                )

    def _polls(self, fetch: Callable[[], list[DagsterRun]]) -> Iterator[list[DagsterRun]]:
        def silent(seconds: float) -> None:
            for stage in self.stages.values():
                if stage.state == "running":
                    stage.detail = f"Dagster has not answered for {clock(seconds)}"
            self.show(self.stages)

        for runs in poll_until_ready(fetch, self.poll_seconds, silent):
            now = time.time()
            for run in sorted(runs, key=lambda run: run.start or 0.0):
                if (run.start or 0.0) >= self.since:
                    apply_run(self.stages, run, now)
                    for key in _DETAILS.keys() & run.steps.keys() & self.stages.keys():
                        if (stage := self.stages[key]).state == "running":
                            stage.detail = _DETAILS[key](self.lake, run)
            self.show(self.stages)
            yield runs
