"""metrics.jsonl: one line per step of progress, appended and flushed, the same after a kill as without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import orjson

Stage = Literal["loading", "training", "validating", "saving", "done", "interrupted"]


class MetricsLog:
    """Appends lines; on resume it first drops what a killed process wrote beyond the checkpoint it resumes from."""

    def __init__(self, path: Path, resume_step: int = 0) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.seconds_before = self._trim(resume_step)
        self._handle = path.open("ab")

    def write(self, stage: Stage, **values: Any) -> None:
        """Append one line and flush it to the operating system, so that a reader sees it now and a kill loses none."""
        line = {"stage": stage, **{k: v for k, v in values.items() if v is not None}}
        self._handle.write(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))
        self._handle.flush()

    def close(self) -> None:
        """Flush to the disk and close."""
        os.fsync(self._handle.fileno())
        self._handle.close()

    def _trim(self, step: int) -> float:
        # only steps up to the checkpoint are part of the training's history; the seconds they took count on
        kept = [
            row
            for row in read_metrics(self.path)
            if row.get("step", 0) <= step and row["stage"] in {"training", "validating"}
        ]
        temporary = self.path.with_name(f".tmp-{os.getpid()}-{self.path.name}")
        temporary.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in kept))
        temporary.replace(self.path)
        return max((row.get("seconds", 0.0) for row in kept), default=0.0)


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """All whole lines so far, oldest first; empty when there is no file. A half-written last line is left out."""
    file = Path(path)
    if not file.is_file():
        return []
    rows = []
    for line in file.read_bytes().splitlines():
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict) and "stage" in row:
            rows.append(row)
    return rows
