"""Pieces of a readable report: tables, numbers, and texts that were not written by us. Which parts it has stands in `markdown`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

WORDS = {"better": "**better**", "worse": "**worse**", "cannot_tell": "cannot tell"}
"""Verdicts as a report shows them."""
QUOTED = 1200
"""Characters of a text that are shown."""


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; short rows are filled up."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in [*row, *[""] * (len(head) - len(row))]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def number(value: float | None, signed: bool = False) -> str:
    """Three significant digits without exponents, with a sign for differences; a dash for what is not known."""
    if value is None:
        return "–"
    sign = "+" if signed else ""
    size = abs(value)
    if size >= 999.5:
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.3g}" if size >= 0.001 or size == 0 else f"{value:{sign}.4f}"


def difference_with_interval(difference: float | None, low: float | None, high: float | None) -> str:
    """A signed difference with its interval in brackets."""
    return f"{number(difference, True)} [{number(low, True)}, {number(high, True)}]"


def quote(text: str) -> str:
    """A code block that no text can end or turn into mark-up (what a model wrote is not to be trusted)."""
    cut = text if len(text) <= QUOTED else text[:QUOTED] + " …"
    plain = visible(cut or "(empty)")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", plain)), default=0))
    return f"{fence}text\n{plain}\n{fence}"


def code(text: str) -> str:
    """The same within a line: a code span of one line."""
    return f"`{visible(' '.join(text.split())).replace('`', chr(39))}`"


def visible(text: str) -> str:
    """The text without control characters."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
