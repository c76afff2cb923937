"""How long the chunks are, as a plot (PNG, below 30 kB, so that the UI can show it inline). Counting belongs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lyo_pipelines.plotting import new_figure, small_png

_INK, _SOFT, _LIMIT = "#1f2933", "#6b7785", "#c8553d"
_COLOURS = ("#3d5a80", "#d9a441", "#2a7f62", "#8a5a83", "#6b7785")


def chunk_lengths_plot(tokens: Mapping[str, Sequence[int]], maximum: int) -> bytes:
    """A histogram of the chunks' tokens, stacked by language (at most five, the largest first), as PNG bytes."""
    ranked = sorted(tokens, key=lambda language: (-len(tokens[language]), language))
    shown = {language: list(tokens[language]) for language in ranked[: len(_COLOURS) - 1]}
    if rest := [value for language in ranked[len(_COLOURS) - 1 :] for value in tokens[language]]:
        shown["others"] = rest
    figure = new_figure(8.4, 2.8, dpi=100)
    axes = figure.add_axes((0.07, 0.2, 0.78, 0.62))
    top = max([maximum, *(value for values in shown.values() for value in values)])
    edges = np.linspace(0, top, 33)
    base = np.zeros(len(edges) - 1)
    for (language, values), colour in zip(shown.items(), _COLOURS, strict=False):
        counts = np.histogram(values, edges)[0]
        label = f"{language}  {len(values):,}"
        axes.bar(edges[:-1], counts, np.diff(edges) * 0.9, base, align="edge", color=colour, label=label)
        base += counts
    axes.axvline(maximum, color=_LIMIT, linewidth=1.2)
    axes.text(maximum, axes.get_ylim()[1], f"budget {maximum} ", color=_LIMIT, fontsize=8.5, ha="right", va="bottom")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_SOFT, labelsize=8.5, length=0)
    axes.set_xlabel("tokens of a chunk (estimate)", fontsize=9, color=_SOFT)
    if shown:
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0), labelcolor=_INK)
    number = sum(len(values) for values in shown.values())
    figure.text(0.012, 0.92, f"{number:,} chunks", fontsize=12, fontweight="bold", color=_INK, va="center")
    return small_png(figure)
