"""Plots as small PNGs: drawn without a display, few colours, below what the metadata of an event may hold.

What a plot shows belongs beside its data. matplotlib is loaded by the first plot, never by an import of this module.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAXIMUM_BYTES = 30_000
"""Metadata is a database row: a larger plot does not belong in it."""

COLORS = (64, 32, 16)
"""Palette sizes, tried until the plot is small enough: lines, bars and letters need no more."""


def new_figure(width: float, height: float, **options: Any) -> Figure:
    """An empty white figure in inches that needs no display (no pyplot: no global state)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure


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
