"""How long the chunks are, as a plot (PNG, below 30 kB, so that the UI can show it inline). Counting belongs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lyo_pipelines.plotting import BAD, SERIES, SMALL, SOFT, TEXT, legend, new_panel, small_png


def chunk_lengths_plot(tokens: Mapping[str, Sequence[int]], maximum: int) -> bytes:
    """A histogram of the chunks' tokens, stacked by language (at most five, the largest first), as PNG bytes."""
    ranked = sorted(tokens, key=lambda language: (-len(tokens[language]), language))
    shown = {language: list(tokens[language]) for language in ranked[: len(SERIES) - 1]}
    if rest := [value for language in ranked[len(SERIES) - 1 :] for value in tokens[language]]:
        shown["others"] = rest
    number = sum(len(values) for values in shown.values())
    figure, axes = new_panel(2.3, f"{number:,} chunks", margins=(0.45, 0.95, 0.5, 0.42), grid="y")
    top = max([maximum, *(value for values in shown.values() for value in values)])
    edges = np.linspace(0, top, 33)
    base = np.zeros(len(edges) - 1)
    for (language, values), colour in zip(shown.items(), SERIES, strict=False):
        counts = np.histogram(values, edges)[0]
        label = f"{language}  {len(values):,}"
        axes.bar(edges[:-1], counts, np.diff(edges) * 0.9, base, align="edge", color=colour, label=label)
        base += counts
    axes.axvline(maximum, color=BAD, linewidth=1.2)
    axes.text(maximum, axes.get_ylim()[1], f"budget {maximum} ", color=BAD, fontsize=SMALL, ha="right", va="bottom")
    axes.set_xlabel("tokens of a chunk (estimate)", fontsize=TEXT, color=SOFT)
    if shown:
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return small_png(figure)
