"""A trial as a process: the very engine that `lyo train` and the adapter asset start, asked after each line whether to go on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from lyo_pipelines.external_process.command import WORKING_DIRECTORY, environment_of_part
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.search.study import Ended, Line, Train, TrialRun
from lyo_pipelines.training.divergence import DivergedError, require_not_diverged
from lyo_pipelines.training.metrics_log import read_metrics
from lyo_pipelines.training.plan import METRICS, is_complete, read_adapter, training_command
from lyo_pipelines.training.recipe_loading import write_recipe
from lyo_pipelines.training.recipes import Recipe

QUESTION, GO_ON = b"?", b"go\n"
"""As the engine's asking.py says them."""
_STOPPING_SECONDS = 120.0
_FAULT = 70
_TOLD = 400


class TrialFaultError(Exception):
    """The training process ended by a fault of ours, with its report."""


def training_starter(dataset_dir: Path, models_dir: Path, log: Callable[[str], None]) -> Train:
    """How a search starts its trials. log: gets what they print."""

    @contextmanager
    def train(recipe: Recipe, output: Path) -> Iterator[TrialRun]:
        output.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, output / "recipe.yaml")
        command = training_command(output / "recipe.yaml", dataset_dir, output, models_dir)
        with (output / "said.txt").open("ab") as said:
            process = subprocess.Popen(
                [*command, "--ask", "--stop-with-parent"],
                cwd=WORKING_DIRECTORY, env=environment_of_part(), bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
            )  # fmt: skip
        run = TrainingRun(process, output, log)
        try:
            yield run
        finally:
            run.stop()

    return train


@dataclass
class TrainingRun:
    """A started engine; see study.TrialRun."""

    process: subprocess.Popen[bytes]
    output: Path
    log: Callable[[str], None]
    _read: int = field(default=0)

    def lines(self) -> Iterator[Line]:
        """Every line of metrics.jsonl; the engine waits while one is looked at."""
        assert self.process.stdout is not None
        for mark in self.process.stdout:
            if mark.strip() == QUESTION:
                yield from self._new_lines()
                self._answer(GO_ON)
        self.process.wait()
        yield from self._new_lines()

    def stop(self) -> Line | None:
        """Close the engine's questions: no answer is a no; it writes a checkpoint and ends."""
        if self.process.poll() is None:
            self._answer(b"stop\n")
            self.process.terminate()
            try:
                self.process.wait(_STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        rows = [row for row in read_metrics(self.output / METRICS) if "tokens" in row]
        return _line(rows[-1]) if rows else None

    def ended(self) -> Ended:
        """By its exit code, its note of divergence, and its manifest. Raises TrialFaultError for a fault of ours."""
        code = self.process.wait()
        if code == 0 and is_complete(self.output):
            return Ended("complete", read_adapter(self.output).metrics.eval_loss)
        try:
            require_not_diverged(self.output)
        except DivergedError as error:
            return Ended("diverged", reason=error.message)
        said = _last_said(self.output / "said.txt")
        if code == 1:
            return Ended("failed", reason=said)
        if code == _FAULT:
            raise TrialFaultError(f"the training in {self.output} ended by a fault: {said}")
        return Ended("running", reason=said)  # it was killed: the next search goes on with it

    def _new_lines(self) -> Iterator[Line]:
        """Whole lines since the last time; the engine trims its file before its first question, never after."""
        path = self.output / METRICS
        if not path.is_file():
            return
        with path.open("rb") as handle:
            handle.seek(self._read)
            found = handle.read()
        whole = found[: found.rfind(b"\n") + 1]
        self._read += len(whole)
        for text in whole.splitlines():
            row: RawRow = orjson.loads(text)
            if "tokens" in row:
                yield _line(row)

    def _answer(self, word: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(word)
        except BrokenPipeError:  # it ended meanwhile
            self.log("a trial ended before its answer came")


def _line(row: RawRow) -> Line:
    return Line(
        tokens=int(row["tokens"]),
        seconds=float(row.get("seconds", 0.0)),
        eval_loss=row.get("eval_loss"),
        last=row.get("step", 0) >= row.get("steps", 0),
    )


def _last_said(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][-_TOLD:] if lines else ""
