"""The files: same bytes for the same arguments, whole files only, labels outside the inbox."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from lyo_pipelines.sample.generate import generate
from lyo_pipelines.sample.write import write_sample

END = date(2026, 11, 20)


def _write(folder: Path, **changes) -> list[Path]:
    return write_sample(folder / "inbox", folder / "labels.jsonl", **({"n": 400, "seed": 5, "end": END} | changes))


def _read(path: Path) -> list[dict]:
    # bytes: str.splitlines() would also split at the control characters of a broken encoding
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    once, again = _write(tmp_path / "a"), _write(tmp_path / "b")
    assert [path.name for path in once] == [path.name for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    assert (tmp_path / "a/labels.jsonl").read_bytes() == (tmp_path / "b/labels.jsonl").read_bytes()
    assert [path.read_bytes() for path in _write(tmp_path / "c", seed=6)] != [path.read_bytes() for path in once]


def test_the_files_hold_all_rows_and_nothing_else_lies_in_the_inbox(tmp_path):
    files = _write(tmp_path)
    assert sorted(path.name for path in (tmp_path / "inbox").iterdir()) == sorted(path.name for path in files)
    assert [path.name for path in files] == [
        *(f"interactions-2026-{day}.jsonl" for day in ("09-25", "10-09", "10-23", "11-06")),
        "feedback.jsonl",
    ]
    sample = generate(n=400, seed=5, end=END)
    assert [row for path in files[:-1] for row in _read(path)] == sample.interactions
    assert _read(files[-1]) == sample.feedback
    assert _read(tmp_path / "labels.jsonl") == sample.labels


def test_writing_again_replaces_the_files(tmp_path):
    assert [path.read_bytes() for path in _write(tmp_path)] == [path.read_bytes() for path in _write(tmp_path)]
