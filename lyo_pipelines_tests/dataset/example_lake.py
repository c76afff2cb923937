"""Made-up curated examples, and lakes that hold them in day files as curation leaves them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.contract import EXAMPLE, FUNNEL
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
START = datetime(2026, 9, 1, 8, tzinfo=UTC)
_CONFIG = load_config()
CONFIG: DatasetConfig = _CONFIG.dataset.model_copy(update={"minimum_groups": 3})
CURATION: CurationConfig = _CONFIG.curation.model_copy(update={"segment_minimum_interactions": 1, "user_cap": 0})


def question(number: int) -> str:
    """A question with enough content, unlike all others."""
    words = random.Random(number)
    made = " ".join("".join(words.choices("abcdefghijklmnoprstuvwyz", k=words.randint(3, 9))) for _ in range(12))
    return f"{made} {number}?"


def example(number: int, **fields: Any) -> dict[str, Any]:
    """One example of its own group; `fields` replaces what a test is about."""
    row: dict[str, Any] = {
        "interaction_id": f"int-{number}",
        "occurred_at": START + timedelta(hours=number),
        "segment": SEGMENT,
        "task": "tutoring",
        "language": "en",
        "subject": "math",
        "topic": ("algebra", "geometry")[number % 2],
        "grade": str(6 + number % 3),
        "history": [],
        "question": question(number),
        "answer": f"The answer to number {number} is worked out like this, step by step.",
        "conversation_id": f"conv-{number}",
        "turn": 0,
        "rating": 5.0,
        "weight": 1.0,
        "user_pseudonym": f"u_{number % 7}",
        "source": "test",
        **fields,
    }
    row.setdefault(
        "example_id", sha256(repr((row["interaction_id"], row["question"], row["answer"])).encode()).hexdigest()[:16]
    )
    return row


def examples(*numbers: int | range, **fields: Any) -> list[dict[str, Any]]:
    """Several independent examples."""
    flat = [n for number in numbers for n in (number if isinstance(number, range) else [number])]
    return [example(number, **fields) for number in flat]


def lake_with(folder: Path | str, rows: Iterable[dict[str, Any]]) -> Lake:
    """A lake that holds exactly these examples (earlier day files go), each day's rows in the order given."""
    lake = Lake(str(folder))
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["occurred_at"].date(), []).append(row)
    for day in lake.days("examples"):
        if day not in days:
            lake.fs.rm(lake.path("examples", f"date={day.isoformat()}"), recursive=True)
    for day, members in days.items():
        lake.write_table(pa.Table.from_pylist(members, schema=EXAMPLE), lake.examples(day))
        counts: dict[str, int] = {}
        for member in members:
            counts[member["segment"]] = counts.get(member["segment"], 0) + 1
        funnel = [
            {"segment": key, "rule": "any", "order": 0, "removed": 0, "remaining": n} for key, n in counts.items()
        ]
        lake.write_table(pa.Table.from_pylist(funnel, schema=FUNNEL), lake.examples(day, "funnel"))
    return lake
