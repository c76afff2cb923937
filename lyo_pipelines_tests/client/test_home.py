"""One setting moves Dagster's state to PostgreSQL; what is amiss there is said with what to do, and never with the password."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import yaml
from rich.console import Console

from lyo_pipelines.client import server
from lyo_pipelines.client.home import StorageError, dagster_environment, dagster_home, find_storage, hide_password
from lyo_pipelines.commands.doctor import check_machine
from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines_tests.postgres import PASSWORD, PostgresServer

SHIPPED = PROJECT_ROOT / "dagster_home"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOST", "PORT", "USER", "PASSWORD", "DB"):
        monkeypatch.delenv(f"LYO_PG_{name}", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The variables of a fresh database that knows nothing of Dagster."""
    with postgres.database(empty=True) as name:
        for variable, value in postgres.environment(name).items():
            monkeypatch.setenv(variable, value)
        yield name


def doctor() -> str:
    """What `lyo doctor` says about Dagster."""
    output = io.StringIO()
    check_machine(Console(file=output, width=400))
    said = output.getvalue()
    return said[said.index("Dagster's state") - 2 :]


def test_the_two_configurations_differ_in_their_storage_only() -> None:
    sqlite, postgres = (
        yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (SHIPPED, SHIPPED / "postgres")
    )
    storage = postgres.pop("storage")
    assert postgres == sqlite
    values = storage["postgres"]["postgres_db"]
    variables = [value["env"] for key, value in values.items() if key != "scheme"]
    assert sorted(variables) == ["LYO_PG_DB", "LYO_PG_HOST", "LYO_PG_PASSWORD", "LYO_PG_PORT", "LYO_PG_USER"]


def test_one_variable_chooses_the_storage_and_dagster_home_goes_before_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    assert dagster_home() == SHIPPED
    monkeypatch.setenv("LYO_PG_HOST", "db.example.org")
    assert dagster_home() == SHIPPED / "postgres"
    assert find_storage(dagster_home()).place == "dagster@db.example.org:5432/dagster"
    assert dagster_environment(SHIPPED / "postgres")["LYO_PG_PORT"] == "5432"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert dagster_home() == home
    assert find_storage(home).kind == "PostgreSQL", "an empty home gets the configuration that the setting asks for"
    monkeypatch.delenv("LYO_PG_HOST")
    assert dagster_home() == home
    with pytest.raises(StorageError, match="LYO_PG_HOST is not set"):
        find_storage(home)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "other"))
    assert find_storage(dagster_home()).kind == "SQLite"


def test_a_home_of_ones_own_is_left_as_it_is(home: Path) -> None:
    home.mkdir()
    own = "storage: {mysql: {mysql_url: {env: MY_URL}}}\n"
    (home / "dagster.yaml").write_text(own)
    assert find_storage(dagster_home()).kind == "other"
    assert (home / "dagster.yaml").read_text() == own
    assert "other" in doctor()


@pytest.mark.parametrize("storage", ["SQLite", "PostgreSQL"])
def test_the_limit_of_the_gpu_pool_belongs_to_the_database(
    storage: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if storage == "PostgreSQL":
        request.getfixturevalue("database")
    home = dagster_home()
    found = find_storage(home)
    assert (found.kind, found.runs(), found.knows_pool("gpu")) == (storage, None, False)
    assert f"✓ Dagster's state: {storage}" in doctor() and "(new)" in doctor()
    server._set_gpu_pool(home)
    assert (found.runs(), found.knows_pool("gpu"), found.knows_pool("cpu")) == (0, True, False)
    assert "(0 runs)" in doctor()
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("the pool is set once"))
    server._set_gpu_pool(home)


def test_what_is_amiss_is_said_without_the_password(
    database: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for variable, value in (
        ("LYO_PG_PASSWORD", "wr0ng/p@ss"),
        ("LYO_PG_DB", "nowhere"),
        ("LYO_PG_PORT", "1"),
        ("LYO_PG_PORT", f"no port but {PASSWORD}"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            said.append(doctor())
            assert "✗ Dagster's state" in said[-1] and "→" in said[-1] and "LYO_PG_" in said[-1], value
            with pytest.raises(server.ServerError, match=r"does not answer.* Start that server") as refused:
                server.start_server(0)
            said.append(str(refused.value))
    for text in said:
        assert PASSWORD not in text and "wr0ng" not in text, text
    assert "password authentication failed" in said[0]


def test_a_database_that_hangs_is_given_up(
    database: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lyo_pipelines.client.home.ANSWER_SECONDS", 1)
    place = find_storage(dagster_home())
    with closing(psycopg2.connect(**place.connection)) as holding:
        holding.cursor().execute("create table runs (id int)")
        holding.commit()
        assert place.runs() == 0
        holding.cursor().execute("lock table runs in access exclusive mode")
        with pytest.raises(StorageError, match="statement timeout"):
            place.runs()


def test_a_password_is_hidden_in_any_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LYO_PG_PASSWORD", "a/b c")
    shown = hide_password("x a/b c y a/b%20c z a%2Fb%20c and other", "other")
    assert shown == "x ••• y ••• z ••• and •••"


def test_the_doctor_says_when_the_setting_is_not_at_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dagster_home()
    monkeypatch.setenv("LYO_PG_HOST", "db.example.org")
    assert "though LYO_PG_HOST is set" in doctor() and "unset DAGSTER_HOME" in doctor()


def test_a_configuration_that_cannot_be_read_is_said_without_what_stands_in_it(home: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text(f"storage: {{postgres: {{password: '{PASSWORD}'")
    assert "dagster.yaml cannot be read" in doctor() and PASSWORD not in doctor()


def test_a_broken_state_is_said(home: Path) -> None:
    dagster_home()
    (home / "history").mkdir()
    (home / "history" / "runs.db").write_text("no database at all, but long enough to be looked at" * 50)
    assert "✗ Dagster's state" in doctor() and "move it away" in doctor()
