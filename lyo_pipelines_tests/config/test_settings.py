"""Everything that comes from the environment comes through one class; the key is made once and never silently replaced."""

from __future__ import annotations

import re
import stat
from datetime import date
from pathlib import Path

import pytest

from lyo_pipelines.config.settings import (
    PROJECT_ROOT,
    MissingPseudonymKeyError,
    Settings,
    SettingsError,
    make_key_file,
    traceback_wanted,
    variable,
)

VARIABLES = {variable(field) for field in Settings.model_fields}
WRITES = {"commands/demo.py"}
"""Where a variable is set for a process that this one starts; nothing is read there."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_default_is_the_data_folder_of_the_project(monkeypatch):
    monkeypatch.setenv("LYO_PSEUDONYM_KEY", "k")
    settings = Settings.from_env()
    assert settings.data_dir == str(PROJECT_ROOT / "data")
    assert settings.require_pseudonym_key() == "k"


def test_the_environment_moves_everything(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("{}")
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    settings = Settings.from_env()
    assert settings.data_dir == str(tmp_path)
    assert settings.config_path == str(tmp_path / "config.yaml")
    monkeypatch.setenv("LYO_CONFIG", "mine.yaml")
    assert Settings.from_env().config_path == "mine.yaml"
    monkeypatch.setenv("LYO_CONFIG", "")
    remote = Settings.from_env(data_dir="s3://bucket/x")
    assert (remote.data_dir, remote.config_path, remote.known_pseudonym_key) == ("s3://bucket/x", None, None)


def test_what_is_given_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LYO_DATA_DIR", "/elsewhere")
    monkeypatch.setenv("LYO_CONFIG", "mine.yaml")
    settings = Settings.from_env(data_dir=str(tmp_path), config="")
    assert (settings.data_dir, settings.config_path) == (str(tmp_path), None)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LYO_TRIGGERS", "onn", "'on' or 'off'"),
        ("LYO_TRAINING_WAIT_SECONDS", "soon", "valid number"),
        ("LYO_TRAINING_WAIT_SECONDS", "-1", "greater than or equal to 0"),
        ("LYO_FIRST_DAY", "2026-02-30", "date"),
        ("LYO_TRACEBACK", "perhaps", "boolean"),
    ],
)
def test_a_value_that_does_not_fit_is_told_by_the_name_of_its_variable(name, value, said, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}: .*{said}"):
        Settings.from_env()
    assert traceback_wanted() is False


def test_a_value_that_fits_is_read_as_what_it_means(monkeypatch):
    for name, value in (("TRIGGERS", " On "), ("FIRST_DAY", "2024-09-01"), ("TRACEBACK", "1"), ("LOCK_DIR", "/x")):
        monkeypatch.setenv(f"LYO_{name}", value)
    settings = Settings.from_env()
    assert (settings.triggers_run, settings.first_day, settings.lock_dir) == (True, date(2024, 9, 1), Path("/x"))
    assert traceback_wanted() is True


def test_without_a_key_the_message_says_how_to_get_one(tmp_path):
    with pytest.raises(MissingPseudonymKeyError, match="LYO_PSEUDONYM_KEY"):
        Settings.from_env(data_dir=str(tmp_path)).require_pseudonym_key()


def test_the_demo_makes_its_own_key_once(tmp_path, monkeypatch):
    key = make_key_file(str(tmp_path))
    assert len(key) == 64
    assert make_key_file(str(tmp_path)) == key
    assert Settings.from_env(data_dir=str(tmp_path)).require_pseudonym_key() == key
    assert stat.S_IMODE((tmp_path / ".secrets" / "pseudonym.key").stat().st_mode) == 0o600
    monkeypatch.setenv("LYO_PSEUDONYM_KEY", "mine")
    assert Settings.from_env(data_dir=str(tmp_path)).require_pseudonym_key() == "mine"


def test_of_two_that_make_a_key_at_once_one_wins(tmp_path, monkeypatch):
    key = make_key_file(str(tmp_path))
    from lyo_pipelines.config import settings

    monkeypatch.setattr(settings, "_key_file", lambda data_dir: None)  # both looked before either had written
    assert make_key_file(str(tmp_path)) == key


def test_every_variable_stands_in_the_table_of_the_documentation_and_no_other():
    pages = [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").glob("*.md"))]
    tables = [page.read_text(encoding="utf-8").partition("| variable |")[2].partition("\n\n")[0] for page in pages]
    named = [re.findall(r"`(LYO_[A-Z_]+)`", line.split("|")[1]) for table in tables for line in table.splitlines()[2:]]
    assert sorted(name for names in named for name in names) == sorted(VARIABLES)


def test_no_other_module_reads_these_variables():
    package = PROJECT_ROOT / "lyo_pipelines"
    reading = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"(environ|getenv)\b[^\n]*LYO_", path.read_text(encoding="utf-8"))
    }
    assert reading == WRITES
