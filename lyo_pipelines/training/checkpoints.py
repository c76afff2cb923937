"""Which checkpoint is whole: a marker with hashes, written last, decides; nothing here knows what a checkpoint holds.

The Trainer's checkpoints are not atomic: a killed run leaves half of one, and resuming from it fails or, worse, goes on
silently without its optimizer. So every file is flushed to the disk and hashed before the marker appears, and resuming
verifies the hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

MARKER = "complete.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_complete(folder: Path) -> None:
    """Flush and hash every file of a checkpoint, then write its marker by rename."""
    hashes: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MARKER:
            hashes[path.relative_to(folder).as_posix()] = _flushed_hash(path)
    temporary = folder / f".{MARKER}.tmp"
    with temporary.open("w", encoding="utf-8") as handle:
        json.dump({"step": step_of(folder), "files": hashes}, handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(folder / MARKER)
    for directory in (folder, folder.parent):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_marked(folder: Path) -> bool:
    """Whether the checkpoint was finished; its files are not looked at (see `fault`)."""
    return (folder / MARKER).is_file()


def checkpoint_fault(folder: Path) -> str | None:
    """None when the checkpoint is whole, else what is wrong with it."""
    marker = folder / MARKER
    try:
        files: dict[str, str] = json.loads(marker.read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return "it was not finished"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"its marker is broken ({type(error).__name__})"
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        with path.open("rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != expected:
                return f"{name} is corrupted"
    return None


def newest_complete(parent: Path, say: Callable[[str], None]) -> Path | None:
    """The newest whole checkpoint below `parent`; every newer one that is not whole is said aloud and skipped."""
    for folder in sorted(_checkpoints(parent), key=step_of, reverse=True):
        wrong = checkpoint_fault(folder)
        if wrong is None:
            return folder
        say(f"checkpoint {folder.name} is skipped: {wrong}")
    return None


def rotate_checkpoints(parent: Path, keep: int, protected: set[int]) -> None:
    """Remove all but the `keep` newest marked checkpoints and the protected steps; unmarked ones older than the newest go too."""
    folders = sorted(_checkpoints(parent), key=step_of, reverse=True)
    marked = [folder for folder in folders if is_marked(folder)]
    for folder in folders:
        newer_exists = bool(marked) and step_of(folder) < step_of(marked[0])
        if folder in marked[:keep] or step_of(folder) in protected or not newer_exists:
            continue
        (folder / MARKER).unlink(missing_ok=True)  # first, so that a kill now leaves nothing that looks whole
        shutil.rmtree(folder, ignore_errors=True)


def step_of(folder: Path) -> int:
    """The optimizer step that a checkpoint folder is named after."""
    match = _NAME.fullmatch(folder.name)
    return int(match.group(1)) if match else -1


def _checkpoints(parent: Path) -> list[Path]:
    return [path for path in parent.glob("checkpoint-*") if path.is_dir() and step_of(path) >= 0]


def _flushed_hash(path: Path) -> str:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        return hashlib.file_digest(handle, "sha256").hexdigest()
