"""Curated days in a lake: rated answers as curation leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE, REMOVED
from lyo_pipelines.interactions.contract import INTERACTION
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"


def row(number: int, rating: float | None, *, segment: str = SEGMENT, **more: Any) -> dict[str, Any]:
    task, language, subject = segment.split(".")
    return {
        "example_id": f"e{number}", "interaction_id": f"i{number}", "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "segment": segment, "task": task, "language": language, "subject": subject, "question": f"What is {number} plus {number}?",
        "answer": f"It is {2 * number}.", "rating": rating, "weight": 1.0, "user_pseudonym": f"u{number % 7}", "source": "canonical",
        "conversation_id": f"c{number}", "source_file": "f",
    } | more  # fmt: skip


def curated_day(
    lake: Lake, day: date, kept: Sequence[dict[str, Any]], low: Sequence[dict[str, Any]] = (), broken=()
) -> None:
    """kept: examples; low: rows that went by their rating; broken: rows that another rule removed."""
    lake.write_table(pa.Table.from_pylist(list(kept), schema=EXAMPLE), lake.examples(day))
    gone = [{**entry, "rule": "rated_low"} for entry in low] + [{**entry, "rule": "broken_text"} for entry in broken]
    removed = [{name: entry.get(name) for name in ("interaction_id", "segment", "rule")} for entry in gone]
    lake.write_table(pa.Table.from_pylist(removed, schema=REMOVED), lake.examples(day, "removed"))
    lake.write_table(
        pa.Table.from_pylist([*kept, *low, *broken], schema=pa.schema(INTERACTION)), lake.interactions(day)
    )


def lake_in(folder: Path) -> Lake:
    return Lake(str(folder))
