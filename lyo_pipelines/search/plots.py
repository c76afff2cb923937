"""Pictures of a search: its trials in the order in which they ran, and which figures mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lyo_pipelines.plotting import BAD, GOOD, INK, NEUTRAL, QUIET, SMALL, SOFT, legend, new_panel, small_png
from lyo_pipelines.search.record import TrialRecord, best_of

HISTORY, IMPORTANCE = "history.png", "importance.png"


def draw_history(records: Sequence[TrialRecord], says: str) -> bytes:
    """Validation loss of each trial, the best so far, and the recipe's own figures, as a PNG."""
    figure, axes = new_panel(2.6, "trials of the search", says, margins=(0.6, 0.15, 0.62, 0.45), grid="y")
    complete = [(one.number, one.loss) for one in records if one.state == "complete" and one.loss is not None]
    given_up = [
        (one.number, min(one.values)) for one in records if one.state in {"pruned", "unfinished"} and one.values
    ]
    if given_up:
        axes.plot(*zip(*given_up, strict=True), "x", color=QUIET, markersize=5, label="given up (best until then)")
    if complete:
        numbers, losses = zip(*complete, strict=True)
        axes.plot(numbers, losses, "o", color=NEUTRAL, markersize=4.5, label="complete")
        best_so_far = [min(losses[: i + 1]) for i in range(len(losses))]
        axes.step(numbers, best_so_far, where="post", color=GOOD, linewidth=1.4, label="best so far")
    if complete and complete[0][0] == 0:
        axes.axhline(complete[0][1], color=BAD, linewidth=1, linestyle="--", label="the recipe's own figures")
    best = best_of(records)
    if best is not None and best.loss is not None:
        axes.annotate(
            f"{best.loss:.3f}", (best.number, best.loss), textcoords="offset points", xytext=(0, -11), ha="center",
            fontsize=SMALL, color=INK,
        )  # fmt: skip
    axes.set_xlabel("trial", fontsize=SMALL, color=SOFT)
    axes.set_ylabel("validation loss", fontsize=SMALL, color=SOFT)
    axes.margins(y=0.18)
    if complete or given_up:
        legend(axes, loc="upper right")
    return small_png(figure)


def draw_importance(importance: Mapping[str, float]) -> bytes:
    """Bars: the share of each figure in how the trials differ (fANOVA, Hutter et al. 2014), as a PNG."""
    names = list(importance)[::-1]
    figure, axes = new_panel(
        0.9 + 0.26 * max(1, len(names)), "what made the difference", "share of the variance between trials",
        margins=(1.8, 0.45, 0.62, 0.2), grid="",
    )  # fmt: skip
    axes.barh(names, [importance[name] for name in names], color=NEUTRAL, height=0.6)
    for row, name in enumerate(names):
        axes.text(importance[name] + 0.01, row, f"{importance[name]:.0%}", va="center", fontsize=SMALL, color=INK)
    axes.set_xlim(0, max([1e-9, *importance.values()]) * 1.15)
    axes.set_xticks([])
    return small_png(figure)
