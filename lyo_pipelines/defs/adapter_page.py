"""How a finished adapter looks on the page of `adapter`: its loss curve and what it came to first, then how it was made."""

from __future__ import annotations

import dagster as dg

from lyo_pipelines.defs.metadata import Metadata
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.evaluation.report.markdown_reinforcement import reinforcement_part
from lyo_pipelines.telling import rounded, told_size, told_span
from lyo_pipelines.training.plan import LOSS_PLOT, TrainingResult


def adapter_metadata(instance: dg.DagsterInstance, result: TrainingResult) -> Metadata:
    """Everything that the page shows, in order. Figures that stay numbers can be plotted over versions."""
    metrics, manifest = result.metrics, result.manifest
    plot, rewards = result.path / LOSS_PLOT, manifest.reinforcement
    figures: Metadata = {
        "result": _result(result),
        "eval_loss": rounded(metrics.eval_loss),
        "loss": rounded(metrics.loss),
        "took": told_span(metrics.seconds),
        "steps": metrics.steps,
        "trained_tokens": metrics.tokens,
        "tokens_per_s": rounded(metrics.tokens_per_second, 3),
        "peak_memory": None if metrics.peak_memory_bytes is None else told_size(metrics.peak_memory_bytes),
        "cost": f"{manifest.cost.amount:.2f} {manifest.cost.currency}".strip() if manifest.cost.per_hour else None,
        "by_rewards": None if rewards is None else dg.MetadataValue.md(reinforcement_part(rewards)),
        "examples": ", ".join(f"{name} {count:,}" for name, count in manifest.examples.items()) or None,
        "segment": result.segment,
        "version": result.version,
        "dataset": result.dataset_fingerprint,
        "base_model": result.base_model,
        "recipe": dg.MetadataValue.json(manifest.recipe),
        "path": dg.MetadataValue.path(str(result.path)),
    }
    curve: Metadata = {}
    if plot.is_file():
        curve = {"loss_curve": picture(instance, plot.read_bytes(), "training and validation loss")}
    return {**curve, **{name: value for name, value in figures.items() if value is not None}}


def _result(result: TrainingResult) -> str:
    """What the training came to, in a line."""
    metrics = result.metrics
    if (record := result.manifest.reinforcement) is not None:
        reward, ended = record.held[0], ", ended by its guards" if record.stopped else ""
        return (
            f"reward {reward.start:.3f} → {reward.value:.3f} on {reward.n} validation questions at step {record.step} of "
            f"{metrics.steps}{ended}, in {told_span(metrics.seconds)}"
        )
    if metrics.eval_loss is None:
        return f"{metrics.steps} steps in {told_span(metrics.seconds)}; validation loss was not measured"
    before = "" if metrics.first_eval_loss is None else f"{metrics.first_eval_loss:.3f} → "
    kept = "" if metrics.best_step is None else f" at step {metrics.best_step} of {metrics.steps}"
    return f"validation loss {before}{metrics.eval_loss:.3f}{kept}, in {told_span(metrics.seconds)}"
