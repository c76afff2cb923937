"""Many files of the data directory replaced or removed as one: killed at any write, either nothing happened or it is finished later.

What is to stand there is staged below `lake/rewriting/`, then `plan.json` is written, which is the one moment that decides; then every
file is put into its place. Doing that again changes nothing, so whoever comes next finishes it (`finish_rewriting`).
"""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lyo_pipelines.json_types import is_dict
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

_FOLDER, _PLAN = "rewriting", "plan.json"


class Rewriting:
    """Collects what is to happen; nothing has, until `commit`. Paths are those of the lake's file system, below its base."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._steps: dict[str, str | None] = {}
        if lake.exists(_folder(lake)):  # of one that was killed before its plan was written
            lake.fs.rm(_folder(lake), recursive=True)

    def __len__(self) -> int:
        return len(self._steps)

    def __contains__(self, path: str) -> bool:
        """Whether a file will be replaced, made or removed."""
        return self._below(path) in self._steps

    def replace(self, path: str, write: Callable[[str], None]) -> str:
        """`path` will hold what `write` writes to the path that it is given; where that lies until then."""
        name = f"{len(self._steps):06d}"
        self._lake.make_folder(_folder(self._lake))
        with self._lake.replacing(f"{_folder(self._lake)}/{name}") as temporary:
            write(temporary)
        self._steps[self._below(path)] = name
        return f"{_folder(self._lake)}/{name}"

    def replace_bytes(self, path: str, content: str | bytes) -> str:
        """`path` will hold this (text as UTF-8, bytes that are none as they were); where it lies until then."""
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")

        def write(temporary: str) -> None:
            with self._lake.fs.open(temporary, "wb") as handle:
                handle.write(data)

        return self.replace(path, write)

    def replace_table(self, path: str, table: pa.Table, *, rows: int = 0) -> str:
        """`path` will hold this table, with the metadata of its schema; where it lies until then.

        rows: of a row group (0: as usual).
        """
        return self.replace(path, lambda temporary: self._lake.write_table_at(table, temporary, rows=rows))

    def remove(self, path: str) -> None:
        """`path` (a file or a folder) will be gone."""
        self._steps[self._below(path)] = None

    def commit(self) -> int:
        """Let it happen; how many files were replaced, made or removed."""
        if not self._steps:
            return 0
        self._lake.write_json({"steps": self._steps}, f"{_folder(self._lake)}/{_PLAN}")
        finish_rewriting(self._lake)
        return len(self._steps)

    def _below(self, path: str) -> str:
        return path.removeprefix(self._lake.base).lstrip("/")


def rewriting_unfinished(lake: Lake) -> bool:
    """Whether a rewriting was decided and is not finished."""
    return lake.exists(f"{_folder(lake)}/{_PLAN}")


def finish_rewriting(lake: Lake) -> int:
    """Finish a rewriting that was decided; how many steps it has (0: there was none). Raises DamagedFileError."""
    plan = f"{_folder(lake)}/{_PLAN}"
    if not lake.exists(plan):
        return 0
    told: Any = lake.read_json(plan)
    steps = told.get("steps") if is_dict(told) else None
    if not is_dict(steps):
        raise DamagedFileError(f"{plan} is damaged: it names no steps", hint="Restore it from a backup.")
    for path, name in steps.items():
        target = f"{lake.base}/{path}"
        if name is None:
            if lake.exists(target):
                lake.fs.rm(target, recursive=True)
        elif lake.exists(staged := f"{_folder(lake)}/{name}"):
            lake.move(staged, target)
    lake.fs.rm(_folder(lake), recursive=True)
    return len(steps)


def _folder(lake: Lake) -> str:
    return lake.path(_FOLDER)
