"""Each test has a data directory and a Dagster of its own, on SQLite and on PostgreSQL, and rows to drop into the inbox."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.defs import clock as definitions_clock
from lyo_pipelines.defs.resources import Store
from lyo_pipelines_tests.postgres import TEMPLATE, PostgresServer


@dataclass
class Clock:
    """What the definitions' clock shows; a test moves it on."""

    now: datetime


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The definitions' clock stands where the test begins: test and product have one day, however late it is.

    (Dagster's own storage stamps what it keeps by the machine's clock, so the moment is a real one and no constant.)
    """
    stands = Clock(definitions_clock.current_time())
    monkeypatch.setattr(definitions_clock, "current_time", lambda: stands.now)
    return stands


def today() -> datetime:
    """Noon of the day that the definitions' clock shows."""
    return definitions_clock.current_time().replace(hour=12, minute=0, second=0, microsecond=0)


def row(number: int, *, days_ago: int = 1, **fields: object) -> dict[str, object]:
    """One clean, well-rated interaction."""
    return {
        "interaction_id": f"i{number}",
        "occurred_at": (today() - timedelta(days=days_ago)).isoformat(),
        "task": "tutoring",
        "language": "en",
        "subject": "math",
        "question": f"A shop sells {number} mangoes in the morning and twice as many after lunch. How many does it sell in all?",
        "answer": f"In the morning {number}, after lunch {2 * number}. Together that is {3 * number}. Answer: {3 * number}",
        "rating": 5,
        "user_id": f"pupil-{number}@example.org",
        "conversation_id": f"c{number}",
        **fields,
    }


def drop(store: Store, name: str, rows: list[dict[str, object]], *, age_seconds: float = 60) -> Path:
    """Put a file into the inbox as if it had been there for a while."""
    path = Path(store.data_dir) / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    then = definitions_clock.current_time().timestamp() - age_seconds
    os.utime(path, (then, then))
    return path


KEY = "k" * 32


@pytest.fixture(scope="package", autouse=True)
def _pseudonym_key() -> Iterator[None]:
    """The key comes from the environment alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LYO_PSEUDONYM_KEY", KEY)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(data_dir=str(tmp_path / "data"))


def make_home(home: Path, storage: str) -> Path:
    """A DAGSTER_HOME with the shipped configuration of that storage."""
    shipped = PROJECT_ROOT / "dagster_home" / {"sqlite": "", "postgres": "postgres"}[storage] / "dagster.yaml"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(shipped, home)
    return home


@pytest.fixture(scope="session")
def sqlite_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose SQLite files have their tables: a copy costs a tenth of new ones."""
    home = make_home(tmp_path_factory.mktemp("sqlite") / "home", "sqlite")
    with dg.DagsterInstance.from_config(str(home)) as made:
        made.get_run_records(limit=1)
    return home


@pytest.fixture(scope="session")
def postgres_with_tables(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    """The server, its template holding Dagster's tables: made once, by the shipped configuration itself."""
    home = make_home(tmp_path_factory.mktemp("postgres"), "postgres")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in postgres.environment(TEMPLATE).items():
            patch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(home)) as made:
            made.get_run_records(limit=1)
    return postgres


@pytest.fixture
def on_sqlite(sqlite_home: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A fresh instance on SQLite files."""
    home = shutil.copytree(sqlite_home, tmp_path / "dagster_home")
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


@pytest.fixture
def on_postgres(
    postgres_with_tables: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """A fresh instance on a real PostgreSQL."""
    home = make_home(tmp_path / "dagster_home", "postgres")
    with postgres_with_tables.database() as database:
        for name, value in postgres_with_tables.environment(database).items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(home)) as found:
            yield found


@pytest.fixture(params=["sqlite", "postgres"])
def instance(request: pytest.FixtureRequest) -> dg.DagsterInstance:
    """A fresh instance with the shipped configuration, on each storage."""
    return request.getfixturevalue(f"on_{request.param}")
