"""What Dagster shows of a finished adapter: the metadata of its asset, with the loss curve in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyo_pipelines.plotting import markdown_image
from lyo_pipelines.training.plan import LOSS_PLOT, TrainingResult


def adapter_metadata(result: TrainingResult) -> dict[str, object]:
    """Metadata of a finished adapter in the shape that Dagster Pipes takes: {name: {raw_value, type}}."""
    metrics, manifest = result.metrics, result.manifest
    values: dict[str, tuple[Any, str]] = {
        "loss_curve": (loss_curve(result.path), "md"),
        "segment": (result.segment, "text"),
        "version": (result.version, "text"),
        "dataset_fingerprint": (result.dataset_fingerprint, "text"),
        "base_model": (result.base_model, "text"),
        "path": (str(result.path), "path"),
        "loss": (metrics.loss, "float"),
        "eval_loss": (metrics.eval_loss, "float"),
        "steps": (metrics.steps, "int"),
        "trained_tokens": (metrics.tokens, "int"),
        "tokens_per_second": (metrics.tokens_per_second, "float"),
        "seconds": (metrics.seconds, "float"),
        "peak_memory_bytes": (metrics.peak_memory_bytes, "int"),
        "cost": (manifest.cost.amount, "float"),
        "cost_currency": (manifest.cost.currency, "text"),
        "recipe": (manifest.recipe, "json"),
    }
    return {
        name: {"raw_value": round(value, 4) if isinstance(value, float) else value, "type": kind}
        for name, (value, kind) in values.items()
        if value is not None
    }


def loss_curve(folder: Path) -> str | None:
    """The loss curve as Markdown that shows in the Dagster UI, or None when there is none."""
    plot = folder / LOSS_PLOT
    if not plot.is_file():
        return None
    return markdown_image(plot.read_bytes(), "training and validation loss")
