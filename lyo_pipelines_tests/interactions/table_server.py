"""Real tables on a real PostgreSQL for the tests of this room, and what pulling them into a lake does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg2

from lyo_pipelines.config.interactions import TableConfig
from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.tables.pull import pull_table
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, NOW, PSEUDONYMS
from lyo_pipelines_tests.postgres import HOST, PASSWORD, USER, PostgresServer

DSN_ENV = "TUTOR_LOG_DSN"
CREATE = (
    "create table tutor_log (id bigint primary key, happened_at timestamptz not null default '2026-10-01 09:00+00', "
    "question text default 'Why?', answer text default 'Because.', student text, rating double precision, {watermark})"
)
COLUMNS = (
    "id, happened_at as occurred_at, question, answer, student as user_id, rating, changed_at, "
    "'tutoring' as task, 'en' as language"
)


@dataclass(frozen=True)
class Served:
    """A database of our own on a server that may stop and start."""

    server: PostgresServer
    name: str

    @property
    def env(self) -> dict[str, str]:
        """The variable with the address, the password quoted as a URL wants it."""
        return {DSN_ENV: f"postgresql://{USER}:{quote(PASSWORD, safe='')}@{HOST}:{self.server.port}/{self.name}"}

    def run(self, statement: str, values: Any = None) -> None:
        """Run a statement and commit it."""
        with closing(psycopg2.connect(self.env[DSN_ENV])) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)

    def create(self, watermark: str = "changed_at timestamptz") -> None:
        """Make the empty table."""
        self.run(CREATE.format(watermark=watermark))

    def pull(self, lake: Lake, table: TableConfig | None = None, **options: Any) -> LandingReport:
        """Pull into a lake and check what must hold for every landing."""
        given = {"pseudonyms": PSEUDONYMS, "config": CONFIG, "now": NOW, "env": self.env} | options
        report = pull_table(lake, table or log_table(), **given)
        assert report.conserved
        assert sum(report.rejected_by_reason.values()) == report.rejected
        return report


def log_table(**changes: Any) -> TableConfig:
    """The configuration of the table."""
    given = {
        "name": "tutor_log",
        "dsn_env": DSN_ENV,
        "query": f"select {COLUMNS} from tutor_log",
        "watermark": "changed_at",
        "key": "id",
    }
    return lay_over({"interactions": {"tables": [{**given, **changes}]}}).interactions.tables[0]


@contextmanager
def served_database(server: PostgresServer) -> Iterator[Served]:
    """An empty database, gone afterwards."""
    with server.database(empty=True) as name:
        yield Served(server, name)
