"""A checkpoint that is not whole is skipped and said aloud; the newest whole one is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyo_pipelines.training.checkpoints import (
    MARKER,
    checkpoint_fault,
    mark_complete,
    newest_complete,
    rotate_checkpoints,
)


def checkpoint(parent: Path, step: int, complete: bool = True) -> Path:
    folder = parent / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes([step % 256]) * 100)
    (folder / "optimizer.pt").write_bytes(b"o" * 50)
    if complete:
        mark_complete(folder)
    return folder


def test_the_newest_whole_checkpoint_is_chosen_by_number_not_by_name(tmp_path):
    for step in (2, 10, 9):
        checkpoint(tmp_path, step)
    assert newest_complete(tmp_path, pytest.fail) == tmp_path / "checkpoint-10"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / MARKER).unlink(), "not finished"),
        (lambda f: (f / MARKER).write_text("{half"), "marker is broken"),
        (lambda f: (f / "optimizer.pt").unlink(), "optimizer.pt is missing"),
        (lambda f: (f / "optimizer.pt").write_bytes(b"o" * 49 + b"x"), "optimizer.pt is corrupted"),
        (lambda f: (f / "weights.bin").write_bytes(b""), "weights.bin is corrupted"),
    ],
)
def test_a_damaged_one_is_skipped_aloud(tmp_path, damage, said):
    checkpoint(tmp_path, 1)
    damage(checkpoint(tmp_path, 2))
    lines: list[str] = []
    assert newest_complete(tmp_path, lines.append) == tmp_path / "checkpoint-1"
    assert len(lines) == 1
    assert "checkpoint-2 is skipped" in lines[0]
    assert said in lines[0]


def test_no_whole_checkpoint_is_none(tmp_path):
    assert newest_complete(tmp_path / "absent", lambda _: None) is None
    checkpoint(tmp_path, 1, complete=False)
    assert newest_complete(tmp_path, lambda _: None) is None


def test_rotation_keeps_the_newest_and_the_best_and_never_the_only_whole_one(tmp_path):
    for step in (1, 2, 3, 4):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 5, complete=False)
    rotate_checkpoints(tmp_path, keep=1, protected={2})
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-2", "checkpoint-4", "checkpoint-5"}
    assert checkpoint_fault(tmp_path / "checkpoint-2") is None
    rotate_checkpoints(tmp_path, keep=1, protected=set())
    assert checkpoint_fault(tmp_path / "checkpoint-4") is None


def test_a_stranger_in_the_folder_is_left_alone(tmp_path):
    (tmp_path / "checkpoint-notes").mkdir()
    checkpoint(tmp_path, 1)
    rotate_checkpoints(tmp_path, keep=1, protected=set())
    assert (tmp_path / "checkpoint-notes").is_dir()
