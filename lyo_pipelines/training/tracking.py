"""Metrics of a training to MLflow or Weights & Biases, by a process of its own that reads metrics.jsonl beside the training.

The training never waits for it: a server that is slow or dead costs the training nothing, and this process ends by itself a bounded
time after the training. What was not sent is sent by a later one (`python -m lyo_pipelines.training.tracking OUTPUT`). Numbers leave,
and names of segment, version and dataset; no texts, no environment, no code, no names of hosts, users or folders.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.adapter import NOTE, TrainingNote
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import WORKING_DIRECTORY, module_command
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import METRICS
from lyo_pipelines.training.recipes import Recipe

STATE, LOG = "tracking.json", "tracking.log"
"""In the output folder: what was sent, and why something was not."""
MEASURES = (
    "loss", "eval_loss", "learning_rate", "epoch", "tokens", "tokens_per_second", "seconds", "memory_bytes",
)  # fmt: skip
"""Fields of metrics.jsonl that are sent, under their own names."""
_POLL_SECONDS = 2.0
AFTER_SECONDS = 60.0
"""How long it goes on sending after the training has ended."""
_INHERITED = (
    "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "LYO_DATA_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "WANDB_API_KEY",
)  # fmt: skip
"""All that the process knows of our environment."""
_QUIET = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true", "WANDB_ERROR_REPORTING": "false",
}  # fmt: skip
"""Tries of the libraries are short, and they tell their makers nothing."""


class TrackingError(LyoError):
    """There is nothing to track in a folder; the message says why."""


class Sink(Protocol):
    """Where numbers go."""

    def send(self, step: int, values: dict[str, float], at_ms: int) -> None:
        """Send what was measured at one step."""
        ...

    def close(self, *, failed: bool) -> None:
        """The training has ended."""
        ...


def start_tracking(output: Path) -> None:
    """Start the process that follows the training of a folder; it is never waited for."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    place = tracking_place(output)
    place.mkdir(parents=True, exist_ok=True)
    environment |= {"HOME": str(place), **_QUIET}  # libraries look for settings of a person in HOME
    command = module_command("lyo_pipelines.training.tracking", str(output), options={"--follow": os.getpid()})
    with (output / LOG).open("ab") as log:
        subprocess.Popen(
            command, cwd=WORKING_DIRECTORY, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def sent_values(row: RawRow) -> dict[str, float]:
    """What of a line of metrics.jsonl is sent."""
    return {name: float(row[name]) for name in MEASURES if isinstance(row.get(name), int | float)}


def recipe_figures(recipe: Recipe) -> dict[str, str]:
    """Every figure of a recipe by its dotted key; of a base model in a folder its last name only, and no address."""
    found = dict(_flat(recipe.model_dump(mode="json")))
    found.pop("logging.tracking_uri", None)
    found["base_model"] = recipe.base_model.rstrip("/").rpartition("/")[2] if _is_path(recipe) else recipe.base_model
    return found


def _is_path(recipe: Recipe) -> bool:
    return recipe.base_model.startswith((".", "/", "~")) or Path(recipe.base_model).expanduser().exists()


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)


def tracking_place(output: Path) -> Path:
    """Where local trackers keep their files: `tracking/` beside the lake, or the output folder where the lake is remote."""
    root = Settings.from_env().data_dir
    place = output if "://" in root else Path(root)
    return place / "tracking"


def open_sink(output: Path, note: TrainingNote, recipe: Recipe) -> Sink:
    """The sink that the recipe names. Raises what its library raises."""
    from lyo_pipelines.training.tracking_sinks import MlflowSink, WandbSink

    kind = {"mlflow": MlflowSink, "wandb": WandbSink}.get(recipe.logging.tracking)
    if kind is None:
        raise TrackingError(f"{output} is not tracked by a server: its logging.tracking is {recipe.logging.tracking}.")
    return kind(tracking_place(output), recipe.logging.tracking_uri, note, recipe_figures(recipe))


class Sender:
    """Sends what was not sent yet; what was is remembered, so that a resumed training sends nothing twice."""

    def __init__(self, output: Path, sink: Sink) -> None:
        self.output, self.sink = output, sink
        self.sent = _read_state(output)

    def send_new(self) -> str:
        """Send new lines; returns the stage of the last line. Raises what the sink raises; the rest is then not sent yet."""
        path = self.output / METRICS
        rows = read_metrics(path)
        at_ms = int(path.stat().st_mtime * 1000) if rows else 0
        for row in rows:
            kind, step = "eval" if "eval_loss" in row else "loss" if "loss" in row else "", int(row.get("step", 0))
            if kind and step > self.sent.get(kind, 0):
                self.sink.send(step, sent_values(row), at_ms)
                self.sent[kind] = step
                write_whole(self.output / STATE, json.dumps(self.sent))
        return str(rows[-1]["stage"]) if rows else ""


def follow(
    output: Path,
    training_runs: Callable[[], bool],
    *,
    opens: Callable[[Path, TrainingNote, Recipe], Sink] = open_sink,
    poll_seconds: float = _POLL_SECONDS,
    after_seconds: float = AFTER_SECONDS,
) -> bool:
    """Send until the training has ended, and then until all is sent or the time is over; whether everything was sent.

    A server's error is written down and tried again. The moment at which a library that hangs is given up is the caller's.
    """
    note = TrainingNote.read(output / NOTE)
    recipe = Recipe.model_validate(note.recipe)
    sender, over = None, None
    while True:
        runs = training_runs()  # asked first: what was written before it ended is still read
        if not runs:
            over = over or time.monotonic() + after_seconds
        try:
            sender = sender or Sender(output, opens(output, note, recipe))
            stage = sender.send_new()
            if not runs:
                sender.sink.close(failed=stage != "done")
                return True
        except LyoError:
            raise
        except Exception as error:  # a tracker's library raises anything; the training knows nothing of it
            sys.stderr.write(f"not sent yet: {type(error).__name__}: {str(error)[:300]}\n")
            if over is not None and time.monotonic() >= over:
                return False
        time.sleep(poll_seconds)


def _end_at_last(seconds: float) -> None:
    """End this process so many seconds from now, whatever a library waits for."""
    timer = threading.Timer(seconds, lambda: os._exit(1))
    timer.daemon = True
    timer.start()


def _training_runs(parent: int) -> Callable[[], bool]:
    """Whether the process that started this one is there; from when it is not, this one has AFTER_SECONDS and a little."""
    ended = threading.Event()

    def runs() -> bool:
        there = os.getppid() == parent
        if not there and not ended.is_set():
            ended.set()
            _end_at_last(AFTER_SECONDS + 5)
        return there

    def watch() -> None:
        while runs():
            time.sleep(_POLL_SECONDS)

    # beside the sending: a library that hangs must not keep this process
    threading.Thread(target=watch, name="training-watch", daemon=True).start()
    return runs


def _read_state(output: Path) -> dict[str, int]:
    with contextlib.suppress(OSError, ValueError):
        return {name: int(step) for name, step in json.loads((output / STATE).read_text(encoding="utf-8")).items()}
    return {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow a training, or send what one has left; returns 0 when all was sent."""
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.training.tracking", description=__doc__)
    parser.add_argument("output", help="folder of an adapter")
    parser.add_argument("--follow", type=int, metavar="PID", help="the training's process; without it: send and end")
    options = parser.parse_args(arguments)
    output = Path(options.output).absolute()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with FileLock(output / f".{STATE}.lock", timeout=AFTER_SECONDS):  # the one of a killed training may still send
        return _send(output, options.follow)


def _send(output: Path, parent: int | None) -> int:
    if parent is None:
        _end_at_last(10 * AFTER_SECONDS)
        return 0 if follow(output, lambda: False, after_seconds=0) else 1
    return 0 if follow(output, _training_runs(parent)) else 1


if __name__ == "__main__":
    sys.exit(main())
