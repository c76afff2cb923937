"""Documents to read: written into a data directory of their own, or drawn as a PDF."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.documents.contract import SetReport, TextBlock
from lyo_pipelines.storage.lake import Lake

FILES = Path(__file__).parent / "files"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = load_config()
NOTE = """# Soil

## What soil is made of

Soil is made of small stones, sand, clay and the remains of plants and animals. Air and water fill the gaps between them.
Roots need all of this: they hold on to the stones, drink the water and breathe the air between the grains of the ground.

## Why is dark soil fertile?

The dark colour comes from humus, the remains of plants that worms and fungi have broken up. Humus holds water and food for roots.
"""


def put(root: Path, name: str, text: str | bytes, *, mtime: float = 1_770_000_000) -> Path:
    """Write a file below `documents/` of a data directory, as if it had been there for a while."""
    path = root / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (mtime, mtime))
    return path


def build(root: Path, name: str = "notes") -> SetReport:
    """Build one set of a data directory."""
    return build_set(Lake(str(root)), name, CONFIG.documents, CONFIG.curation, now=NOW)


def rows(root: Path, file: str = "examples", name: str = "notes") -> list[dict]:
    """Rows of one of a set's tables."""
    lake = Lake(str(root))
    return lake.read_table(lake.documents(name, file)).to_pylist()


def drawn_pdf(blocks: Iterable[TextBlock], *, header: str = "", pages: int = 1) -> bytes:
    """A PDF with headings in larger letters and lines of at most 80 characters; with a header, page numbers too."""
    import textwrap

    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
    from matplotlib.figure import Figure

    told = list(blocks)
    size = -(-len(told) // pages)
    out = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(out) as document:
        for number in range(pages):
            figure = Figure(figsize=(8.3, 11.7))
            FigureCanvasPdf(figure)
            y = 0.92
            if header:
                figure.text(0.1, 0.97, header, fontsize=8)
                figure.text(0.5, 0.03, f"Page {number + 1} of {pages}", fontsize=8)
            for block in told[number * size : (number + 1) * size]:
                for line in textwrap.wrap(block.text, 80):
                    figure.text(0.1, y, line, fontsize={0: 11, 1: 22}.get(block.level, 16))
                    y -= 0.02 if not block.level else 0.035
                y -= 0.025
            document.savefig(figure)
    return out.getvalue()
