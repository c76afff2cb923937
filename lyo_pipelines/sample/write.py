"""Write the sample as the files that a team would drop: a few JSONL files of interactions, and one of later feedback."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import orjson

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.sample.generate import generate
from lyo_pipelines.sample.rows import Row
from lyo_pipelines.storage.whole_files import whole_file

WEEKS = 8
WEEKS_PER_FILE = 2


def write_sample(
    inbox: Path, labels_path: Path, *, n: int = 12_000, seed: int = 7, end: date, stories: bool = False
) -> list[Path]:
    """Write interactions-<first day>.jsonl (two weeks each) and feedback.jsonl into `inbox`, the labels to `labels_path`.

    The same arguments give the same bytes. Labels stay out of the inbox: they say what was planted and are no log.
    Returns the files in the inbox.
    """
    sample = generate(n=n, seed=seed, end=end, weeks=WEEKS, stories=stories)
    written = []
    for first in (end - timedelta(weeks=back) for back in range(WEEKS, 0, -WEEKS_PER_FILE)):
        last = first + timedelta(weeks=WEEKS_PER_FILE)
        rows = [row for row in sample.interactions if first.isoformat() <= row["occurred_at"][:10] < last.isoformat()]
        written.append(write_jsonl(inbox / f"interactions-{first.isoformat()}.jsonl", rows))
    written.append(write_jsonl(inbox / "feedback.jsonl", sample.feedback))
    write_jsonl(labels_path, sample.labels)
    return written


def write_jsonl(path: Path, rows: Iterable[Row | JsonObject]) -> Path:
    """Write one JSON object a line, under a temporary name first, so that a sensor never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary, temporary.open("wb") as handle:
        for row in rows:
            handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return path
