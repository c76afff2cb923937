"""To whom the training speaks: the terminal, and Dagster where it was launched by Dagster Pipes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lyo_pipelines.plotting import markdown_image
from lyo_pipelines.training.plan import LOSS_PICTURE, TrainingResult

EVERY_SECONDS = 10.0
"""Between two progress lines to Dagster: each is a row in its database."""


class Reporter:
    """Sentences for people, and at the end one materialization. Without Dagster it only prints."""

    def __init__(self, pipes: Any = None) -> None:
        self.pipes = pipes
        self._last = 0.0

    @property
    def launched_by_dagster(self) -> bool:
        """Whether a Dagster step started this process and listens."""
        return self.pipes is not None

    def say(self, text: str) -> None:
        """Something that happens once: always shown."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is a command line program
        if self.pipes is not None:
            self.pipes.log.info(text)

    def tell(self, text: str) -> None:
        """Progress: always on the terminal, to Dagster at most every ten seconds."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201
        if self.pipes is not None and time.monotonic() - self._last >= EVERY_SECONDS:
            self._last = time.monotonic()
            self.pipes.log.info(text)

    def fail(self, text: str) -> None:
        """Why there is no adapter."""
        print(f"training failed: {text}", file=sys.stderr, flush=True)  # noqa: T201
        if self.pipes is not None:
            self.pipes.log.error(text)

    def materialize(self, result: TrainingResult) -> None:
        """Report the finished adapter; its version is the data version."""
        if self.pipes is not None:
            self.pipes.report_asset_materialization(metadata=adapter_metadata(result), data_version=result.version)


@contextmanager
def reporter() -> Iterator[Reporter]:
    """A reporter; opens Dagster Pipes only when its environment variables are there."""
    if "DAGSTER_PIPES_CONTEXT" not in os.environ:
        yield Reporter()
        return
    import dagster_pipes

    with dagster_pipes.open_dagster_pipes() as pipes:
        yield Reporter(pipes)


def adapter_metadata(result: TrainingResult) -> dict[str, Any]:
    """Metadata of a finished adapter in the shape that Dagster Pipes takes: {name: {raw_value, type}}."""
    metrics, manifest = result.metrics, result.manifest
    values: dict[str, tuple[Any, str]] = {
        "loss_curve": (loss_curve(result.path), "md"),
        "segment": (result.segment, "text"),
        "version": (result.version, "text"),
        "dataset_fingerprint": (result.dataset_fingerprint, "text"),
        "base_model": (result.base_model, "text"),
        "path": (str(result.path), "path"),
        "loss": (metrics.get("loss"), "float"),
        "eval_loss": (metrics.get("eval_loss"), "float"),
        "steps": (metrics.get("steps"), "int"),
        "trained_tokens": (metrics.get("tokens"), "int"),
        "tokens_per_second": (metrics.get("tokens_per_second"), "float"),
        "seconds": (metrics.get("seconds"), "float"),
        "peak_memory_bytes": (metrics.get("peak_memory_bytes"), "int"),
        "cost": (manifest["cost"]["amount"], "float"),
        "cost_currency": (manifest["cost"]["currency"], "text"),
        "recipe": (manifest["recipe"], "json"),
    }
    return {
        name: {"raw_value": round(value, 4) if isinstance(value, float) else value, "type": kind}
        for name, (value, kind) in values.items()
        if value is not None
    }


def loss_curve(folder: Path) -> str | None:
    """The loss picture as Markdown that shows in the Dagster UI, or None when there is none."""
    picture = folder / LOSS_PICTURE
    if not picture.is_file():
        return None
    return markdown_image(picture.read_bytes(), "training and validation loss")
