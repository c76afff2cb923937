"""A block of rows as every container reader yields it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lyo_pipelines.json_types import RawRow


@dataclass
class BadRow:
    """A row that could not even be parsed; `raw` are its bytes as far as they were kept, `size` its full length."""

    line: int
    reason: str
    detail: str
    raw: bytes
    size: int


@dataclass
class RowBlock:
    """Parsed rows (field -> value) with their 1-based positions, and the rows that could not be parsed.

    notes: what a person should know of how the container was read: a sentence -> how often it is true.
    """

    rows: list[RawRow] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """How many rows of the input this block stands for."""
        return len(self.rows) + len(self.bad)
