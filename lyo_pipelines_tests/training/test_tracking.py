"""Trackers get the numbers of metrics.jsonl and nothing else, and a training never waits for one."""

from __future__ import annotations

import getpass
import json
import platform
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lyo_pipelines.contracts.adapter import NOTE, TrainingNote
from lyo_pipelines.training import tracking
from lyo_pipelines.training.metrics_log import MetricsLog, read_metrics
from lyo_pipelines.training.recipe_loading import load_recipe

SECRET = "a-secret-of-the-environment"


def made_training(tmp_path: Path, kind: str, steps: int = 3, uri: str | None = None) -> Path:
    """The folder of a training that has ended."""
    output = tmp_path / "data/lake/adapters/tutoring.en.math/owner-0123456789ab"
    output.mkdir(parents=True, exist_ok=True)
    recipe = load_recipe("owner", {"logging.tracking": kind, "logging.tracking_uri": uri, "base_model": str(tmp_path)})
    note = TrainingNote(
        segment="tutoring.en.math", version="owner-0123456789ab", dataset_fingerprint="feed", recipe=recipe.model_dump(mode="json")
    )  # fmt: skip
    (output / NOTE).write_text(note.to_json())
    log = MetricsLog(output / "metrics.jsonl", resume_step=10**9)
    for step in range(1, steps + 1):
        log.write(
            "training", step=step, steps=steps, loss=4 / step, learning_rate=1e-4, tokens=100 * step, seconds=0.5 * step
        )
    log.write("validating", step=steps, steps=steps, eval_loss=1.25, tokens=100 * steps, seconds=9.0)
    log.write("done", step=steps, steps=steps, tokens=100 * steps, loss=1.0)
    return output


def send(output: Path) -> subprocess.CompletedProcess[str]:
    """The process that sends what a training has left."""
    tracked = str(output.parents[3])
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(output), "LYO_DATA_DIR": tracked, "AWS_SECRET": SECRET}
    environment["PYTHONPATH"] = ":".join(sys.path)
    return subprocess.run(
        [sys.executable, "-m", "lyo_pipelines.training.tracking", str(output)], env=environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def told_nothing_else(folder: Path, tmp_path: Path) -> None:
    """Nothing of this machine, this account or this environment is in any file of the folder."""
    found = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert found
    hidden = {SECRET, socket.gethostname(), platform.node(), str(tmp_path), sys.executable}
    hidden |= {getpass.getuser()} - {"root"}
    assert not [word for word in hidden if len(word) > 3 and word.encode() in found]


class ListSink:
    """Keeps what it gets; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[tuple[int, dict[str, float]]] = []
        self.failures, self.closed = failures, ""

    def send(self, step: int, values: dict[str, float], at_ms: int) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no route")
        self.got.append((step, values))

    def close(self, *, failed: bool) -> None:
        self.closed = "failed" if failed else "finished"


def test_the_numbers_are_those_of_the_log_and_a_server_that_comes_back_gets_them_all(tmp_path):
    output, sink = made_training(tmp_path, "mlflow"), ListSink(failures=2)
    assert tracking.follow(output, lambda: False, opens=lambda *_: sink, poll_seconds=0)
    rows = [row for row in read_metrics(output / "metrics.jsonl") if row["stage"] != "done"]
    assert sink.got == [(row["step"], {k: row[k] for k in tracking.MEASURES if k in row}) for row in rows]
    assert sink.closed == "finished"


def test_a_training_that_goes_on_sends_nothing_twice(tmp_path):
    output, first, second = made_training(tmp_path, "mlflow", 3), ListSink(), ListSink()
    tracking.follow(output, lambda: False, opens=lambda *_: first, poll_seconds=0)
    MetricsLog(output / "metrics.jsonl", resume_step=2)
    made_training(tmp_path, "mlflow", 5)
    tracking.follow(output, lambda: False, opens=lambda *_: second, poll_seconds=0)
    assert [step for step, values in first.got if "loss" in values] == [1, 2, 3]
    assert [step for step, values in second.got if "loss" in values] == [4, 5]


def test_a_dead_server_ends_the_sender_and_keeps_what_was_not_sent(tmp_path):
    output, sink = made_training(tmp_path, "mlflow"), ListSink(failures=10**6)
    assert not tracking.follow(output, lambda: False, opens=lambda *_: sink, poll_seconds=0, after_seconds=0.05)
    assert not (output / tracking.STATE).exists()


def test_starting_a_tracker_takes_no_time_and_gives_it_no_environment(tmp_path, monkeypatch):
    output = made_training(tmp_path, "mlflow", uri="http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET", SECRET)
    started = []
    monkeypatch.setattr(tracking.subprocess, "Popen", lambda command, **options: started.append((command, options)))
    tracking.start_tracking(output)
    ((command, options),) = started
    assert SECRET not in json.dumps([command, options["env"]])
    assert options["start_new_session"]


def test_mlflow_keeps_the_run_in_sqlite(tmp_path):
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    output = made_training(tmp_path, "mlflow")
    sent = send(output)
    assert sent.returncode == 0, sent.stderr
    import sqlite3

    with sqlite3.connect(tmp_path / "data/tracking/mlflow.db") as database:
        rows = database.execute("select key, value, step from metrics").fetchall()
        tags = {key for (key,) in database.execute("select key from tags")}
        parameters = dict(database.execute("select key, value from params").fetchall())
    assert {(key, step): value for key, value, step in rows if key == "loss"} == {("loss", n): 4 / n for n in (1, 2, 3)}
    assert ("eval_loss", 1.25, 3) in rows
    assert parameters["optimizer.learning_rate"] == "0.0002"
    assert tags <= {"lyo.version", "lyo.segment", "lyo.dataset", "mlflow.runName"}
    told_nothing_else(tmp_path / "data/tracking", tmp_path / "data")


def test_wandb_keeps_an_offline_run(tmp_path):
    pytest.importorskip("wandb", reason="the extra `wandb` is not installed")
    output = made_training(tmp_path, "wandb")
    began = time.monotonic()
    sent = send(output)
    assert sent.returncode == 0, sent.stderr
    assert time.monotonic() - began < 300
    (run,) = (tmp_path / "data/tracking").rglob("*.wandb")
    content = run.read_bytes()
    assert b"eval_loss" in content
    assert b"1.25" in content
    (run.parent / "logs").rename(tmp_path / "logs")  # its own log of this machine is no part of what `wandb sync` sends
    assert not list((run.parent / "files").glob("requirements*"))
    told_nothing_else(run.parent, tmp_path / "data")
