"""A data directory of its own for each test, with a few canonical rows to drop into its inbox."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.defs.resources import Store

TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def row(number: int, *, days_ago: int = 1, **fields: object) -> dict[str, object]:
    """One clean, well-rated interaction."""
    return {
        "interaction_id": f"i{number}",
        "occurred_at": (TODAY - timedelta(days=days_ago)).isoformat(),
        "task": "tutoring",
        "language": "en",
        "subject": "math",
        "question": f"A shop sells {number} mangoes in the morning and twice as many after lunch. How many does it sell in all?",
        "answer": f"In the morning {number}, after lunch {2 * number}. Together that is {3 * number}. Answer: {3 * number}",
        "rating": 5,
        "user_id": f"pupil-{number}@example.org",
        "conversation_id": f"c{number}",
        **fields,
    }


def drop(store: Store, name: str, rows: list[dict[str, object]], *, age_seconds: float = 60) -> Path:
    """Put a file into the inbox as if it had been there for a while."""
    path = Path(store.data_dir) / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    then = time.time() - age_seconds
    os.utime(path, (then, then))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(data_dir=str(tmp_path / "data"), pseudonym_key="k" * 32)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    with dg.DagsterInstance.ephemeral() as found:
        yield found
