"""Plots as small PNGs in one style: drawn without a display, few colours, below what the metadata of an event may hold.

What a plot shows belongs beside its data. matplotlib is loaded by the first plot, never by an import of this module.

A picture carries its own paper, so that it can be read on a light page and on a dark one; its letters are as large as the text
beside it when it is shown at its own size. WIDTH inches at DPI are what the page of an asset has room for on a screen of 1,440 pixels:
a wider one would be cut there. FILE_DPI is for files, which are shown larger and printed.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, RULE, PAPER = "#1f2933", "#5f6b78", "#dfe5ea", "#ffffff"
"""Letters, less important letters, lines behind the data, and what they stand on."""
GOOD, BAD, ATTENTION, NEUTRAL, QUIET = "#2a7f62", "#c8553d", "#d9a441", "#3d5a80", "#9aa5b1"
"""Better, worse, wants a look, data without a judgement, and data to compare with."""
SERIES = (NEUTRAL, ATTENTION, GOOD, "#8a5a83", SOFT)
"""Several kinds side by side, in this order."""
WIDTH, DPI, FILE_DPI = 4.2, 100, 200
TITLE, TEXT, SMALL = 10.5, 8.5, 8.0
"""Sizes of letters in points."""

MAXIMUM_BYTES = 30_000
"""Metadata is a database row: a larger plot does not belong in it."""

COLORS = (64, 32, 16)
"""Palette sizes, tried until the plot is small enough: lines, bars and letters need no more."""


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty white figure in inches that needs no display (no pyplot: no global state)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=PAPER, **{"dpi": DPI, **options})
    FigureCanvasAgg(figure)
    return figure


Grid = Literal["x", "y", "both", ""]
"""Along which axis lines stand behind the data; "" for none."""


def new_panel(
    height: float,
    title: str,
    says: str = "",
    *,
    margins: tuple[float, float, float, float] = (1.4, 0.2, 0.72, 0.45),
    grid: Grid = "x",
) -> tuple[Figure, Axes]:
    """A figure of WIDTH x height inches with its title, what it says at a glance below it, and axes without a frame.

    margins: left, right, top, bottom of the axes in inches. grid: "x", "y" or "both"; "" for none.
    """
    figure = new_figure(WIDTH, height)
    left, right, top, bottom = margins
    place = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (top + bottom) / height)
    axes = figure.add_axes(place)
    figure.text(0.02, 1 - 0.2 / height, title, fontsize=TITLE, fontweight="bold", color=INK, va="center")
    figure.text(0.02, 1 - 0.42 / height, says, fontsize=SMALL, color=SOFT, va="center")
    plain(axes, grid=grid)
    return figure, axes


def plain(axes: Axes, *, grid: Grid = "x") -> None:
    """Axes in the style of all pictures: no frame, no ticks, lines behind the data along `grid`."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=SOFT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=RULE, linewidth=0.8)


def legend(axes: Axes, **options: Any) -> None:
    """The legend of what carries a label, without a frame."""
    axes.legend(**{"frameon": False, "fontsize": SMALL, "labelcolor": INK, **options})


def png_bytes(figure: Figure, **options: Any) -> bytes:
    """The figure in all its colours. options: those of Figure.savefig (dpi, bbox_inches)."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", **options)
    return drawn.getvalue()


def small_png(
    figure: Figure, *, colors: tuple[int, ...] = COLORS, maximum_bytes: int = MAXIMUM_BYTES, **options: Any
) -> bytes:
    """The figure with the largest of the palettes that keeps it within `maximum_bytes`, else with the smallest palette.

    options: those of Figure.savefig (dpi, bbox_inches).
    """
    from PIL import Image

    with Image.open(io.BytesIO(png_bytes(figure, **options))) as drawn:
        image = drawn.convert("RGB")
    png = b""
    for count in colors:
        packed = io.BytesIO()
        palette = image.quantize(count, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        palette.save(packed, format="png", optimize=True)
        png = packed.getvalue()
        if len(png) <= maximum_bytes:
            break
    return png


def markdown_image(png: bytes, alt: str) -> str:
    """A PNG as Markdown with the image inside it, as the UI shows it on an asset's page."""
    return f"![{alt}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
