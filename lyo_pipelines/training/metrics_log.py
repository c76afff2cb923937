"""metrics.jsonl: one line per step of progress, appended and flushed, the same after a kill as without one."""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import orjson

from lyo_pipelines.external_process.json_lines import append_json_line, read_json_lines
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.storage.whole_files import write_whole

Stage = Literal["loading", "training", "validating", "saving", "done", "interrupted", "diverged"]


class MetricsLog:
    """Appends lines; on resume it first drops what a killed process wrote beyond the checkpoint it resumes from."""

    def __init__(self, path: Path, resume_step: int = 0) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.seconds_before = self._trim(resume_step)

    def write(self, stage: Stage, **values: Any) -> None:
        """Append one line; a reader sees it now. A value that is not known, or no number, is left out."""
        known = {k: v for k, v in values.items() if v is not None and not (isinstance(v, float) and not isfinite(v))}
        append_json_line(self.path, {"stage": stage, **known})

    def close(self) -> None:
        """Flush to the disk."""
        with self.path.open("rb") as handle:
            os.fsync(handle.fileno())

    def _trim(self, step: int) -> float:
        # only steps up to the checkpoint are part of the training's history; the seconds they took count on
        kept = [
            row
            for row in read_metrics(self.path)
            if row.get("step", 0) <= step and row["stage"] in {"training", "validating"}
        ]
        write_whole(self.path, b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in kept))
        return max((row.get("seconds", 0.0) for row in kept), default=0.0)


class MutedLog(MetricsLog):
    """Of a process that trains beside the one that writes: nothing is written."""

    def __init__(self, path: Path) -> None:
        self.path, self.seconds_before = path, 0.0

    def write(self, stage: Stage, **values: Any) -> None:
        """Nothing: the first process writes it."""

    def close(self) -> None:
        """There is nothing to flush."""


def read_metrics(path: str | Path) -> list[RawRow]:
    """All whole lines so far, oldest first; empty when there is no file. A half-written last line is left out."""
    return [row for row in read_json_lines(Path(path)) if "stage" in row]
