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
