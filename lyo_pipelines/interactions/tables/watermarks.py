"""Kinds of watermark: how they are ordered and compared in SQL, and how far the overlap reaches back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from psycopg2 import sql

from lyo_pipelines.config.interactions import TableConfig
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.new_rows import Place

Kind = Literal["time", "number", "uuid7", "text"]
_TIMES = {1184: "timestamptz", 1114: "timestamp", 1082: "timestamp"}  # a date counts from its beginning
_NUMBERS = {20, 21, 23}
_TEXTS = {25, 1043}
_UUID = 2950
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NO_POSITION = sql.SQL("NULL::bigint")


@dataclass(frozen=True)
class Watermark:
    """The watermark of one table.

    value: SQL to order and compare by. position: SQL of its place as a whole number, for times and numbers. marked: SQL condition of
    rows that can be read in order; the others (null, infinite, in the future) must not say how far a table was read, or all that
    comes after them would be missed. overlap: how far back to read, in positions.
    """

    kind: Kind
    value: sql.Composable
    position: sql.Composable
    marked: sql.Composable
    overlap: int
    cast: str

    def positions(self, marks: list[str], place: Place | None) -> list[int]:
        """Places of text watermarks that come in order: milliseconds of a UUIDv7, else a count of different values."""
        mark, position = (place.mark, place.position) if place else (None, 0)
        result = []
        for value in marks:
            if self.kind == "uuid7" and _UUID7.fullmatch(value):
                position = int(value[:8] + value[9:13], 16)
            elif self.kind == "text" and value != mark:
                position += 1
            mark = value
            result.append(position)
        return result

    def lowest(self, place: Place | None) -> sql.Composable:
        """SQL condition of the marked rows that the next reading meets."""
        if place is None:
            return sql.SQL("true")
        return sql.SQL("{} >= {}").format(self.value, self._lowest_value(place))

    def _lowest_value(self, place: Place) -> sql.Composable:
        if self.kind == "time":
            back = sql.Literal(self.overlap / 1_000_000)
            mark = sql.Literal(place.mark)
            return sql.SQL("{}::{} - make_interval(secs => {})").format(mark, sql.SQL(self.cast), back)
        if self.kind == "number":
            return sql.Literal(max(place.position - self.overlap, -(2**63)))
        mark = place.mark
        if self.kind == "uuid7":
            digits = f"{max(place.position - self.overlap, 0):012x}"
            mark = f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"
            mark = mark.upper() if place.mark.isupper() else mark
        return sql.SQL("{}::{}").format(sql.Literal(mark), sql.SQL(self.cast))


def watermark_of(table: TableConfig, column: sql.Composable, oid: int, newest: str | None, known: str) -> Watermark:
    """The scale of a watermark column of a PostgreSQL type. newest: its highest value, if any; known: the kind of earlier readings.

    Raises TableError for a type that cannot be one, or another kind than before.
    """
    kind = kind_of(oid, newest, known)
    if kind is None:
        raise TableError(
            f"table {table.name}: its watermark {table.watermark} is of a type that is none: expected timestamptz, timestamp, date, "
            "bigint, integer, uuid or text. Use a query that casts it."
        )
    if known and known != kind:
        raise TableError(
            f"table {table.name}: its watermark was of kind {known} and is of kind {kind} now: what was reached cannot be compared. "
            f"`lyo ingest --table {table.name} --again` takes back what was read and reads anew."
        )
    if kind == "time":
        return _time_scale(table, column, _TIMES[oid])
    if kind == "number":
        position = sql.SQL("{}::bigint").format(column)
        return Watermark(kind, column, position, _there(column), table.overlap_numbers, "bigint")
    if oid == _UUID:
        value, cast = column, "uuid"
    else:
        value, cast = sql.SQL('({}::text COLLATE "C")').format(column), "text"
    overlap = round(table.overlap_seconds * 1000) if kind == "uuid7" else 0
    return Watermark(kind, value, _NO_POSITION, _there(column), overlap, cast)


def kind_of(oid: int, newest: str | None, known: str) -> Kind | None:
    """The kind of watermark that a type is, or None. Of a UUID or text its highest value decides, the first time."""
    if oid in _TIMES:
        return "time"
    if oid in _NUMBERS:
        return "number"
    if oid not in _TEXTS and oid != _UUID:
        return None
    if known in ("uuid7", "text"):
        return "uuid7" if known == "uuid7" else "text"
    return "uuid7" if newest is not None and _UUID7.fullmatch(newest) else "text"


def _there(column: sql.Composable) -> sql.Composable:
    return sql.SQL("{} IS NOT NULL").format(column)


def _time_scale(table: TableConfig, column: sql.Composable, cast: str) -> Watermark:
    value = sql.SQL("{}::{}").format(column, sql.SQL(cast))
    now = sql.SQL("now()" if cast == "timestamptz" else "(now() AT TIME ZONE 'UTC')")
    marked = sql.SQL("coalesce(isfinite({0}) AND {0} <= {1}, false)").format(value, now)
    position = sql.SQL("(extract(epoch FROM {}) * 1000000)::bigint").format(value)
    return Watermark("time", value, position, marked, round(table.overlap_seconds * 1_000_000), cast)
