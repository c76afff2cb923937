"""The one form every format has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from lyo_pipelines.json_types import RawRow

Row = RawRow
"""A row of a source, or the canonical row that was made of it."""


@dataclass(frozen=True)
class RowFormat:
    """A format of rows.

    name: what `source` and the report say. rows: interactions or feedback.
    convert: source row -> canonical row, raising RowError; None when rows are canonical already.
    user: source row -> raw user id, also of a row that is not acceptable.
    expand: one parsed line -> the rows it stands for (itself when it is one); None when every line is one row.
    language: of rows that neither say theirs nor show it by their text; None: they are rejected.
    """

    name: str
    rows: Literal["interactions", "feedback"]
    convert: Callable[[Row], Row] | None
    user: Callable[[Row], Any]
    expand: Callable[[Row], list[Row]] | None = None
    language: str | None = None
