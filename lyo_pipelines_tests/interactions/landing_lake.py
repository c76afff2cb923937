"""A small world for the tests of this room: lakes, rows, files, and what stands in the lake in the end."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.land_file import LandingReport, land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

CONFIG = load_config().interactions
PSEUDONYMS = Pseudonyms("a key for the tests")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 10, 1, 9, tzinfo=UTC)
WRITTEN = NOW - timedelta(days=1)
_SECONDS = count()


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A good canonical row; four turns a conversation, one conversation every six hours."""
    at = START + timedelta(hours=6 * (number // 4), minutes=number % 4)
    result = {
        "interaction_id": f"i{number}",
        "occurred_at": at.isoformat(),
        "task": "tutoring",
        "language": "en",
        "subject": "math",
        "question": f"What is {number} plus {number}?",
        "answer": f"It is {2 * number}.",
        "user_id": f"student-{number % 7}@example.org",
        "conversation_id": f"c{number // 4}",
        "turn": number % 4,
        "history": [{"role": "user", "content": "hello"}],
        "metadata": {"app": "web", "build": 3},
        "response_time_ms": 12.5,
    }
    return result | changes


def conversation(raw_id: str) -> str:
    """A conversation's id as the lake shows it."""
    return PSEUDONYMS.join_id("c", raw_id)


def exercise(raw_id: str) -> str:
    """An exercise's id as the lake shows it."""
    return PSEUDONYMS.join_id("q", raw_id)


def rating(target: str, value: float, at: datetime = START + timedelta(days=9), **changes: Any) -> dict[str, Any]:
    """A canonical feedback row for an interaction."""
    return {"interaction_id": target, "rating": value, "feedback_at": at.isoformat()} | changes


def lake_at(path: Path) -> Lake:
    """A fresh lake with an empty inbox."""
    (path / "inbox").mkdir(parents=True, exist_ok=True)
    return Lake(str(path))


def dated(path: Path, at: datetime | None = None) -> Path:
    """Let a file have been written before NOW, whatever this machine's clock says; each a second after the one before it."""
    written = (at or WRITTEN + timedelta(seconds=next(_SECONDS))).timestamp()
    os.utime(path, (written, written))
    return path


def jsonl(path: Path, rows: Iterable[Any]) -> Path:
    """Write rows as JSON lines; bytes are written as they are."""
    lines = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return dated(path)


def as_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as CSV, nested values as JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, names)
        writer.writeheader()
        writer.writerows(
            {k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in row.items()} for row in rows
        )
    return dated(path)


def as_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as Parquet."""
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return dated(path)


def land(lake: Lake, path: Path, **options: Any) -> LandingReport:
    """Land a file and check what must hold for every file; a local one is from WRITTEN, however it came about."""
    if "://" not in str(path) and Path(path).is_file():
        dated(Path(path), WRITTEN)
    report = land_file(lake, str(path), **({"pseudonyms": PSEUDONYMS, "config": CONFIG, "now": NOW} | options))
    assert report.conserved
    assert sum(report.rejected_by_reason.values()) == report.rejected
    return report


def build(lake: Lake) -> pa.Table:
    """Bring every stale day up to date and return raw_interactions of all days, by id."""
    for day in stale_days(lake):
        build_day(lake, day)
    assert stale_days(lake) == []
    return raw(lake)


def raw(lake: Lake) -> pa.Table:
    """raw_interactions as it is."""
    tables = [lake.read_table(lake.interactions(day)) for day in lake.days("interactions")]
    return pa.concat_tables([INTERACTION.empty_table(), *tables]).sort_by("interaction_id")


def facts(table: pa.Table) -> list[dict[str, Any]]:
    """Rows without the place they came from."""
    return table.drop_columns(["source_file", "source_line", "source"]).to_pylist()


def rejected(lake: Lake) -> list[dict[str, Any]]:
    """All rejected rows, by line."""
    folder = lake.path("rejected")
    rows = [row for name in lake.names(folder) for row in lake.read_table(f"{folder}/{name}").to_pylist()]
    return sorted(rows, key=lambda item: (item["file_hash"], item["line"]))


def everything_written(lake: Lake) -> str:
    """All that the lake holds, decoded: names, text files, and every value and metadata of every Parquet file."""
    parts = []
    for path in sorted(Path(lake.path()).rglob("*")):
        parts.append(str(path.relative_to(lake.path())))
        if path.suffix == ".parquet":
            table = pq.read_table(path, partitioning=None)  # pyright: ignore[reportArgumentType]
            parts += [str(table.schema.metadata), json.dumps(table.to_pylist(), default=str, ensure_ascii=False)]
        elif path.is_file():
            parts.append(path.read_text(errors="replace"))
    return "\n".join(parts)


def day_of(number: int) -> date:
    """The day of `row(number)`."""
    return (START + timedelta(hours=6 * (number // 4))).date()
