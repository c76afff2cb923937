"""Files and folders that a person names to a command. What is done with them belongs to the commands."""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.errors import LyoError


class MissingPathError(LyoError):
    """There is no such file or folder."""


def require_path(path: Path) -> None:
    """Raises MissingPathError unless the file or folder is there."""
    if not path.exists():
        hint = "" if path.is_absolute() else f"It was looked for in {Path.cwd()}."
        raise MissingPathError(f"{path}: no such file or folder", hint=hint)
