"""loss.png: training and validation loss over optimizer steps, small enough to stand in a web page (< 30 kB)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lyo_pipelines.json_types import RawRow
from lyo_pipelines.plotting import new_figure, small_png
from lyo_pipelines.storage.whole_files import write_whole


def draw_loss_curve(rows: Sequence[RawRow], path: Path, *, title: str, best_step: int | None) -> None:
    """Draw metrics.jsonl rows. Training loss is drawn pale with a running mean over it; the best validation is marked."""
    train = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    validation = [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row]
    figure = new_figure(6.4, 3.4, dpi=100, layout="constrained")
    axes = figure.add_subplot()
    if train:
        steps, losses = zip(*train, strict=True)
        axes.plot(steps, losses, color="#9db7d5", linewidth=0.9, alpha=0.8)
        axes.plot(steps, _running_mean(losses), color="#2f6db3", linewidth=1.8, label="training (running mean)")
    if validation:
        steps, losses = zip(*validation, strict=True)
        axes.plot(steps, losses, color="#c8553d", linewidth=1.8, marker="o", markersize=4, label="validation")
        best = next(((s, v) for s, v in validation if s == best_step), None)
        if best is not None:
            axes.plot(
                *best, marker="o", markersize=9, markerfacecolor="none", markeredgecolor="#c8553d", linestyle="none"
            )
            axes.annotate(
                f"best {best[1]:.3f}", best, textcoords="offset points", xytext=(0, 9), ha="center", fontsize=8
            )
    axes.set_xlabel("optimizer step", fontsize=9)
    axes.set_ylabel("loss (nats per answer token)", fontsize=9)
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.12)
    if train or validation:
        axes.legend(frameon=False, fontsize=8)
    write_whole(path, small_png(figure, colors=(48, 24)))


def _running_mean(values: Sequence[float], share: float = 0.1) -> list[float]:
    window = max(1, round(len(values) * share))
    return [sum(values[max(0, i - window + 1) : i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))]
