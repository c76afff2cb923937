"""Reading a PostgreSQL table or query: one read-only transaction, a cursor on the server, rows as the JSON that PostgreSQL makes.

As JSON every value has a form (infinite times, numbers without bound, bytes): a strange value costs its row and not the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.errors
from psycopg2 import extensions, sql

from lyo_pipelines.config.interactions import TableConfig
from lyo_pipelines.interactions.tables.errors import TableError
from lyo_pipelines.interactions.tables.new_rows import Place
from lyo_pipelines.interactions.tables.watermarks import Watermark, watermark_of

_FIRST_ROWS, _MOST_ROWS = 100, 2_000
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+://")
# settings of libpq, by name
_WAIT: dict[str, Any] = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}

RawRow = tuple[int | None, str | None, str | None, str | None, int]
"""Position (times and numbers), watermark, key, the row as JSON (None when it is too long), its length in bytes."""


@contextmanager
def connect_table(
    table: TableConfig, env: Mapping[str, str], *, patience_seconds: float | None = None
) -> Iterator[Any]:
    """A connection that can only read and sees one state of the database. Raises TableError for whatever goes wrong with it."""
    dsn = env.get(table.dsn_env)
    if not dsn:
        raise TableError(
            f"table {table.name}: the environment variable {table.dsn_env} is not set: "
            "set it to the database's address, postgresql://user:password@host/database"
        )
    try:
        connection = psycopg2.connect(_DRIVER.sub(r"\1://", dsn), application_name="lyo", **_WAIT)
    except psycopg2.OperationalError as error:
        raise TableError(f"table {table.name}: no connection: {_line(error)}") from None
    except psycopg2.Error:  # its message quotes the address, password and all
        raise TableError(
            f"table {table.name}: {table.dsn_env} holds no valid address: expected postgresql://user:password@host/database"
        ) from None
    with closing(connection):
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            connection.set_client_encoding("UTF8")
            with connection.cursor() as cursor:
                cursor.execute("SET TIME ZONE 'UTC'")
                if patience_seconds is not None:
                    cursor.execute(f"SET statement_timeout = {round(patience_seconds * 1000)}")
            yield connection
        except psycopg2.errors.QueryCanceled:
            raise TableError(
                f"table {table.name}: the server ended a statement that took too long: "
                f"an index on ({table.watermark}, {table.key}) makes it quick"
            ) from None
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise TableError(
                f"table {table.name}: the connection was lost ({_line(error)}): what was landed is kept, run again to go on"
            ) from None
        except (psycopg2.Error, UnicodeDecodeError) as error:
            raise TableError(f"table {table.name}: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


@dataclass(frozen=True)
class Source:
    """A table on a connection: what to select from, and the scale of its watermark. newest: its highest usable watermark."""

    connection: Any
    rows: sql.Composable
    key: sql.Composable
    scale: Watermark
    newest: str | None

    @classmethod
    def of(cls, connection: Any, table: TableConfig, known: str) -> Source:
        """Look at a table. known: kind of its watermark in earlier readings, or nothing. Raises TableError."""
        if table.table is not None:
            inner = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.table.split(".")))
        else:
            inner = sql.SQL((table.query or "").strip().rstrip(";"))
        rows = sql.SQL("({}) AS lyo").format(inner)
        column, key = (sql.Identifier("lyo", name) for name in (table.watermark, table.key))
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT {}, {} FROM {} LIMIT 0").format(column, key, rows))
            oid = cursor.description[0].type_code
            draft = watermark_of(table, column, oid, None, "")
            newest = sql.SQL("SELECT {0}::text FROM {1} WHERE {2} ORDER BY {0} DESC LIMIT 1")
            cursor.execute(newest.format(draft.value, rows, draft.marked))
            found = cursor.fetchone()
        mark = found[0] if found else None
        return cls(connection, rows, key, watermark_of(table, column, oid, mark, known), mark)

    def count(self, place: Place | None) -> int:
        """How many rows a reading from a place on would meet."""
        condition = self._met(place)
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(self.rows, condition))
            return cursor.fetchone()[0]

    def any_row(self) -> bool:
        """Whether there is a row at all."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(self.rows))
            return cursor.fetchone()[0]

    def _met(self, place: Place | None) -> sql.Composable:
        return sql.SQL("(NOT {0}) OR ({0} AND {1})").format(self.scale.marked, self.scale.lowest(place))

    def chunks(
        self, place: Place | None, *, chunk_bytes: int, max_row_bytes: int, at_most: int
    ) -> Iterator[list[RawRow]]:
        """The rows from a place on: first those without a usable watermark, then the others in order, in chunks of bounded size."""
        scale = self.scale
        unmarked, in_order = sql.SQL("NOT {}").format(scale.marked), sql.SQL("{}, {}").format(scale.value, self.key)
        marked = sql.SQL("{} AND {}").format(scale.marked, scale.lowest(place))
        yield from self._stream("unmarked", unmarked, self.key, False, chunk_bytes, max_row_bytes, at_most)
        yield from self._stream("marked", marked, in_order, True, chunk_bytes, max_row_bytes, at_most)

    def _stream(
        self,
        name: str,
        condition: sql.Composable,
        order: sql.Composable,
        marked: bool,
        chunk_bytes: int,
        max_row_bytes: int,
        at_most: int,
    ) -> Iterator[list[RawRow]]:
        # made once a row, and not again for its length: that is what OFFSET 0 is for
        statement = sql.SQL(
            "SELECT {position}, {value}::text, {key}::text, CASE WHEN octet_length(made.row) <= {limit} THEN made.row END, "
            "octet_length(made.row) FROM {rows} CROSS JOIN LATERAL (SELECT row_to_json(lyo)::text AS row OFFSET 0) AS made "
            "WHERE {condition} ORDER BY {order}"
        ).format(
            position=self.scale.position if marked else sql.SQL("NULL::bigint"),
            value=self.scale.value if marked else sql.SQL("NULL"),
            key=self.key,
            limit=sql.Literal(max_row_bytes),
            rows=self.rows,
            condition=condition,
            order=order,
        )
        with self.connection.cursor(name=f"lyo_{name}", cursor_factory=extensions.cursor) as cursor:
            cursor.execute(statement)
            rows = min(_FIRST_ROWS, at_most)
            while chunk := cursor.fetchmany(rows):
                yield chunk
                size = sum(row[4] for row in chunk) // len(chunk) + 1
                rows = min(max(chunk_bytes // size, 1), _MOST_ROWS, at_most)
