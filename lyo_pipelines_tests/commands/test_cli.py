"""The `lyo` command as a person meets it: wrong input is one clear line that says what to do, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyo_pipelines.commands.doctor import CHECKS
from lyo_pipelines.config.settings import PROJECT_ROOT


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LYO_DATA_DIR": str(tmp_path / "data"),
        "DAGSTER_HOME": str(tmp_path / "home"),
        "LYO_PSEUDONYM_KEY": "k" * 32,
        "COLUMNS": "200",
    }


def lyo(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [f"{sys.prefix}/bin/lyo", *arguments]
    return subprocess.run(
        command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["report", "non/sense"], "expected <task>.<language>"),
        (["report", "tutoring.en.math"], "lyo train tutoring.en.math"),
        (["train", "tutoring.en.math", "--recipe", "ownr"], "Did you mean 'owner'"),
        (["ingest", "missing.jsonl"], "no such file"),
    ],
)
def test_wrong_input_is_one_clear_line(environment: dict[str, str], arguments: list[str], says: str) -> None:
    done = lyo(environment, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_ingest_says_what_became_of_every_row(environment: dict[str, str], tmp_path: Path) -> None:
    rows = [
        {"occurred_at": "2026-01-05T10:00:00Z", "task": "tutoring", "language": "en", "question": f"q{n}?"}
        for n in range(3)
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\nthis is no JSON\n")
    done = lyo(environment, "ingest", str(path), "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if "log.jsonl" in line)
    assert [cell.strip() for cell in line.split("│")[2:6]] == ["canonical", "4", "3", "1"]
    assert "1 days wait" in done.stdout
    again = lyo(environment, "ingest", str(path), "--no-build")
    assert "already read" in again.stdout


def test_without_a_key_nothing_is_read(environment: dict[str, str], tmp_path: Path) -> None:
    environment.pop("LYO_PSEUDONYM_KEY")
    path = tmp_path / "log.jsonl"
    path.write_text("{}\n")
    done = lyo(environment, "ingest", str(path))
    assert done.returncode == 1
    assert "LYO_PSEUDONYM_KEY" in done.stderr
    assert not (tmp_path / "data" / "lake").exists()


def test_a_wrong_figure_is_refused_by_name(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("curation: {minimum_ratng: 4}\n")
    done = lyo({**environment, "LYO_CONFIG": str(config)}, "ingest", str(config))
    assert done.returncode == 1
    assert "curation.minimum_ratng" in done.stderr


def test_two_demos_at_once_are_told_apart(environment: dict[str, str], tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "data").mkdir()
    with FileLock(tmp_path / "data" / ".demo.lock"):
        done = lyo(environment, "demo")
    assert done.returncode == 1
    assert "another demo is running" in done.stderr


def test_doctor_finds_this_environment_well(environment: dict[str, str]) -> None:
    done = lyo(environment, "doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✓") >= len(CHECKS)


def test_a_dry_run_shows_the_rows_and_writes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    row = {
        "occurred_at": "2026-01-05T10:00:00Z",
        "task": "tutoring",
        "language": "en",
        "question": "Why is [bold] a word?",
    }
    path = tmp_path / "logs" / "log.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"question": ""}) + "\n")
    (path.parent / "log.bin").write_bytes(bytes(range(256)))
    (path.parent / "unfinished.part").write_text("{}")
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    done = lyo(environment, "ingest", str(path.parent), "--dry-run", "--show", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows: 1 accepted, 1 rejected" in done.stdout
    assert "Why is [bold] a word?" in done.stdout
    assert "missing_question" in done.stdout
    assert "not read:" in done.stdout and "unfinished" not in done.stdout
    assert "the 1 of 2 files that can be read land" in done.stdout
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    assert not (tmp_path / "data" / "lake").exists()


def test_a_drafted_mapping_is_written_and_looked_at(environment: dict[str, str], tmp_path: Path) -> None:
    path, draft = tmp_path / "rows.jsonl", tmp_path / "draft.yaml"
    rows = [
        {"sent at": f"2026-01-0{n}T10:00:00Z", "asked": f"Why is {n} a number?", "reply": "It counts."}
        for n in range(1, 5)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    environment.pop("LYO_PSEUDONYM_KEY")
    shown = lyo(environment, "mapping", "draft", str(path))
    assert "# guess:" in shown.stdout, shown.stderr
    done = lyo(environment, "mapping", "draft", str(path), "--out", str(draft))
    assert done.returncode == 0, done.stderr
    assert draft.read_text() == shown.stdout
    again = lyo(environment, "mapping", "draft", str(path), "--out", str(draft))
    assert again.returncode == 1 and "is there already" in again.stderr
    environment["LYO_PSEUDONYM_KEY"] = "a key for the tests, long enough"
    looked = lyo(environment, "ingest", str(path), "--mapping", str(draft), "--dry-run")
    assert "4 rows: 4 accepted" in looked.stdout, looked.stdout + looked.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--show", "3"], "--dry-run only"),
        (["--mapping", "litelm"], "did you mean litellm"),
        (["--format", "canonicl"], "unknown format"),
    ],
)
def test_options_of_ingest_that_do_not_fit_are_told(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], says: str
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("{}\n")
    done = lyo(environment, "ingest", str(path), "--no-build", *arguments)
    assert says in " ".join((done.stdout + done.stderr).split())
