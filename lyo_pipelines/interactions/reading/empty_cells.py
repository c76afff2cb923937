"""Words for nothing, as databases, pandas and spreadsheets write them into the cells of a CSV.

Only in a CSV, which has no other way to say it, and only where the word is all that stands in the cell. In JSON and Parquet, "None" is
a text: they have null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lyo_pipelines.json_types import RawRow

WORDS = frozenset(
    (
        *("NULL", "Null", "null", "(null)", "<null>", "NIL", "\\N", "\\\\N"),
        *("None", "NaN", "nan", "-nan", "NaT", "<NA>"),
        *("N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "#NULL!", "#VALUE!", "#REF!", "#NAME?", "#DIV/0!", "#NUM!"),
    )
)
_LONGEST = max(map(len, WORDS)) + 4


def row_of_cells(names: Sequence[str], cells: Sequence[str], found: Counter[str]) -> RawRow:
    """A row of a CSV; empty cells and words for nothing are None, the latter counted in `found`."""
    row: RawRow = {}
    for name, cell in zip(names, cells, strict=True):
        if not cell:
            row[name] = None
        elif len(cell) <= _LONGEST and (word := cell.strip()) in WORDS:
            row[name] = None
            found[f"a cell {word} says nothing"] += 1
        else:
            row[name] = cell
    return row
