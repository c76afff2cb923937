"""loss.png: training and validation loss over optimizer steps, small enough to stand in a web page (< 30 kB)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.plotting import BAD, INK, NEUTRAL, QUIET, SMALL, SOFT, legend, new_panel, small_png
from lyo_pipelines.storage.whole_files import write_whole


def draw_loss_curve(rows: Sequence[RawRow], path: Path, *, title: str, best_step: int | None) -> None:
    """Draw metrics.jsonl rows. Training loss is drawn pale with a running mean over it; the best validation is marked."""
    train = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    validation = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    figure, axes = new_panel(2.7, title, _said(validation, best_step), margins=(0.6, 0.15, 0.62, 0.45), grid="y")
    if train:
        steps, losses = zip(*train, strict=True)
        axes.plot(steps, losses, color=QUIET, linewidth=0.9, alpha=0.8)
        axes.plot(steps, _running_mean(losses), color=NEUTRAL, linewidth=1.8, label="training (running mean)")
    if validation:
        steps, losses = zip(*validation, strict=True)
        axes.plot(steps, losses, color=BAD, linewidth=1.8, marker="o", markersize=4, label="validation")
        best = next(((s, v) for s, v in validation if s == best_step), None)
        if best is not None:
            axes.plot(*best, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=BAD, linestyle="none")
            axes.annotate(
                f"best {best[1]:.3f}",
                best,
                textcoords="offset points",
                xytext=(0, 9),
                ha="center",
                fontsize=SMALL,
                color=INK,
            )
    axes.set_xlabel("optimizer step", fontsize=SMALL, color=SOFT)
    axes.set_ylabel("loss (nats per answer token)", fontsize=SMALL, color=SOFT)
    axes.margins(y=0.12)
    if train or validation:
        legend(axes)
    write_whole(path, small_png(figure, colors=(48, 24)))


def _said(validation: Sequence[tuple[int, float]], best_step: int | None) -> str:
    """What the curve comes to: the validation loss before and at the kept checkpoint."""
    best = next((loss for step, loss in validation if step == best_step), None)
    if best is None or len(validation) < 2:
        return ""
    return f"validation {validation[0][1]:.3f} → {best:.3f} (step {best_step})"


def _running_mean(values: Sequence[float], share: float = 0.1) -> list[float]:
    window = max(1, round(len(values) * share))
    return [sum(values[max(0, i - window + 1) : i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))]
