"""Rows of the INTERACTION schema for the tests of this room."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.contract import INTERACTION

DAY = date(2026, 1, 5)
CONFIG = load_config().curation
ANSWER = "Subtract five from both sides first, because we want x alone. Then divide both sides by three, so x is seven."


def config(**changes: Any):
    return CONFIG.model_copy(update=changes)


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    base = {
        "interaction_id": f"i{number}",
        "source": "canonical",
        "occurred_at": datetime(2026, 1, 5, 10, number % 60, tzinfo=UTC),
        "task": "tutoring",
        "language": "en",
        "subject": "math",
        "question": f"How do I solve {number}x + 5 = 26 for x?",
        "answer": ANSWER,
        "source_file": "f",
        "user_pseudonym": "u_1",
    }
    return base | changes


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=INTERACTION)
