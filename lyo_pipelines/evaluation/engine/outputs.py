"""What the models answered, kept on disk batch by batch: a killed evaluation goes on, and the base answers only once.

One folder for each model and set of questions (`inputs.outputs_key`): `likelihood.jsonl`, `answers.jsonl` (one line
for each finished batch) and `waiting.json`. The folder is a cache: removing it costs time, nothing else.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.storage.whole_files import write_whole

Batch = dict[str, list[Any]]


@dataclass(frozen=True)
class OutputsFolder:
    """One model's outputs on disk."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; another evaluation of the same model waits. Dies with the process."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def batches(self, stage: str) -> list[Batch]:
        """Finished batches of a stage; a line that a kill tore is left out, and cut off before the next is written."""
        path = self.path / f"{stage}.jsonl"
        if not path.exists():
            return []
        good, end = [], 0
        with path.open("rb") as handle:
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                try:
                    good.append(json.loads(line))
                except json.JSONDecodeError:
                    break
                end += len(line)
        if end < path.stat().st_size:
            os.truncate(path, end)
        return good

    def append(self, stage: str, batch: Batch) -> None:
        """Keep one finished batch; on disk when this returns."""
        with (self.path / f"{stage}.jsonl").open("ab") as handle:
            handle.write(json.dumps(batch, ensure_ascii=False).encode("utf-8") + b"\n")
            handle.flush()
            os.fsync(handle.fileno())

    def read(self, name: str) -> Any | None:
        """A JSON value kept by `write`, or None."""
        path = self.path / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def write(self, name: str, value: Any) -> None:
        """Keep a JSON value in one piece."""
        write_whole(self.path / f"{name}.json", json.dumps(value, ensure_ascii=False))


def by_item(batches: list[Batch], names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """item id -> its values of the named columns, over all batches."""
    found: dict[str, tuple[Any, ...]] = {}
    for batch in batches:
        for row, item_id in enumerate(batch["ids"]):
            found[item_id] = tuple(batch[name][row] for name in names)
    return found
