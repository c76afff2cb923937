"""One full sample for all tests of this room: it takes about a second."""

from __future__ import annotations

from datetime import date

import pytest

from lyo_pipelines.sample.generate import SampleLog, generate

END = date(2026, 11, 20)


@pytest.fixture(scope="session")
def end() -> date:
    return END


@pytest.fixture(scope="session")
def sample() -> SampleLog:
    return generate(n=12_000, seed=7, end=END)


@pytest.fixture(scope="session")
def by_id(sample: SampleLog) -> dict[str, dict]:
    return {row["interaction_id"]: row for row in sample.interactions}


@pytest.fixture(scope="session")
def labels(sample: SampleLog) -> dict[str, dict]:
    return {label["interaction_id"]: label for label in sample.labels}


@pytest.fixture(scope="session")
def final_ratings(sample: SampleLog) -> dict[str, int]:
    """Ratings as they stand when the later feedback is in, too."""
    ratings = {row["interaction_id"]: row["rating"] for row in sample.interactions if row["rating"] is not None}
    return ratings | {row["interaction_id"]: row["rating"] for row in sample.feedback if "rating" in row}
