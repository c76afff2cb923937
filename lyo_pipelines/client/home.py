"""Where Dagster keeps its own state: the folder, the storage that its dagster.yaml names, and whether that answers.

One setting chooses: PostgreSQL when LYO_PG_HOST is set, SQLite when it is not. Starting Dagster there is server.py's work.

Two questions are put to Dagster's own tables in SQL. Asking Dagster would import it (two seconds at each start of `lyo`), and opening
its instance creates the tables, where `lyo doctor` must only look.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from lyo_pipelines.config.settings import PROJECT_ROOT, Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.private_files import narrow_folder

ANSWER_SECONDS = 3
_MEND_POSTGRES = "Start that server, or mend the LYO_PG_* variables; without LYO_PG_HOST the state is kept in SQLite."
_MEND_SQLITE = "Restore it, or move it away to start anew."
_SQLITE_FILES = {"runs": "history/runs.db", "concurrency_limits": "history/runs/index.db",
                 "dynamic_partitions": "history/runs/index.db"}  # fmt: skip


class StorageError(LyoError):
    """Dagster's storage does not answer, or not as it should; the message never holds the password."""


@dataclass(frozen=True)
class Storage:
    """The storage that a home's dagster.yaml names.

    kind: SQLite, PostgreSQL, or "other" for one that only Dagster itself can open.
    place: the folder, or user@host:port/database.
    connection: what psycopg2 needs (PostgreSQL only).
    """

    kind: str
    place: str
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def runs(self) -> int | None:
        """How many runs it knows; None when it is new. Raises StorageError when it does not answer."""
        found = self._first("runs", "select count(*) from runs")
        return None if found is None else int(found)

    def knows_pool(self, pool: str) -> bool:
        """Whether the pool has a limit of its own. Raises StorageError when the storage does not answer."""
        assert pool.isidentifier(), pool
        query = f"select 1 from concurrency_limits where concurrency_key = '{pool}'"
        return self._first("concurrency_limits", query) is not None

    def partitions(self, name: str) -> frozenset[str] | None:
        """Keys of dynamic partitions; None for a storage that only Dagster can open. Raises StorageError when it does not answer."""
        assert name.isidentifier(), name
        if self.kind == "other":
            return None
        join = {"SQLite": "group_concat(partition, char(10))", "PostgreSQL": "string_agg(partition, chr(10))"}[
            self.kind
        ]
        query = f"select {join} from dynamic_partitions where partitions_def_name = '{name}'"
        return frozenset(filter(None, (self._first("dynamic_partitions", query) or "").split("\n")))

    def _first(self, table: str, query: str) -> Any:
        """First value of the first row; None where there is no row, or not yet the table."""
        ask = {"SQLite": self._ask_sqlite, "PostgreSQL": self._ask_postgres}.get(self.kind)
        return ask(table, query) if ask else None

    def _ask_sqlite(self, table: str, query: str) -> Any:
        path = Path(self.place, _SQLITE_FILES[table])
        if not path.exists():
            return None
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=ANSWER_SECONDS)) as connection:
                if not connection.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone():
                    return None
                row = connection.execute(query).fetchone()
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}", hint=_MEND_SQLITE) from None
        return row[0] if row else None

    def _ask_postgres(self, table: str, query: str) -> Any:
        import psycopg2

        try:
            with closing(psycopg2.connect(**self.connection, connect_timeout=ANSWER_SECONDS)) as connection:
                cursor = connection.cursor()
                cursor.execute(f"set statement_timeout = {ANSWER_SECONDS * 1000}")
                cursor.execute("select to_regclass(%s)", (table,))
                if cursor.fetchone() == (None,):
                    return None
                cursor.execute(query)
                row = cursor.fetchone()
        except psycopg2.Error as error:
            reason = " ".join(hide_password(str(error), self.connection["password"]).split())
            raise StorageError(f"PostgreSQL at {self.place} does not answer: {reason}", hint=_MEND_POSTGRES) from None
        return row[0] if row else None


def shipped_home() -> Path:
    """The project's own home for the storage that the environment asks for."""
    home = PROJECT_ROOT / "dagster_home"
    return home / "postgres" if Settings.from_env().pg_host else home


def dagster_home() -> Path:
    """DAGSTER_HOME, or the project's own folder; one without a dagster.yaml gets a copy of the project's."""
    home = Path(os.environ.get("DAGSTER_HOME") or shipped_home()).expanduser().resolve()
    home.mkdir(parents=True, exist_ok=True)
    narrow_folder(home, group=Settings.from_env().group_reads)
    if not (home / "dagster.yaml").exists():
        shipped = (shipped_home() / "dagster.yaml").read_text(encoding="utf-8")
        (home / "dagster.yaml").write_text(shipped, encoding="utf-8")
    return home


def dagster_environment(home: Path) -> dict[str, str]:
    """The environment in which a Dagster of this home is started."""
    return {**os.environ, **Settings.from_env().postgres_environment(), "DAGSTER_HOME": str(home)}


def find_storage(home: Path) -> Storage:
    """The storage that dagster.yaml in `home` names. Raises StorageError when the file or a variable is amiss."""
    file = home / "dagster.yaml"
    try:
        named = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("storage")
    except (OSError, yaml.YAMLError, AttributeError) as error:
        # only the kind of the error: its text quotes the file, where somebody may keep a password
        hint = f"Mend it, or copy {shipped_home() / file.name}."
        raise StorageError(f"{file} cannot be read ({type(error).__name__})", hint=hint) from None
    if named is None:
        return Storage("SQLite", str(home))
    database = (named.get("postgres") or {}).get("postgres_db") if isinstance(named, dict) else None
    if not database:
        return Storage("other", f"as {file} says")
    names = {"host": "hostname", "port": "port", "user": "username", "password": "password", "dbname": "db_name"}
    connection = {ours: _value(database.get(theirs, "")) for ours, theirs in names.items()}
    host, port = (hide_password(connection[name], connection["password"]) for name in ("host", "port"))
    place = f"{connection['user']}@{host}:{port}/{connection['dbname']}"
    extra = {name: str(value) for name, value in (database.get("params") or {}).items()}
    return Storage("PostgreSQL", place, {**connection, **extra})


def hide_password(text: str, password: str = "") -> str:
    """`text` without the password, as it is or as it stands in an address."""
    for secret in {password, _variable("LYO_PG_PASSWORD")} - {""}:
        for form in (secret, quote(secret), quote(secret, safe="")):
            text = text.replace(form, "•••")
    return text


def _value(value: Any) -> str:
    """A setting of dagster.yaml, or what the variable that it names holds."""
    return _variable(value["env"]) if isinstance(value, dict) else str(value)


def _variable(name: str) -> str:
    """What a variable that dagster.yaml names holds, or its default; an empty one counts as not set."""
    ours = Settings.from_env().postgres_environment()
    found = ours[name] if name in ours else os.environ.get(name) or None
    if found is None:
        raise StorageError(f"{name} is not set, and dagster.yaml asks for it", hint=f"Set {name}.")
    return found
