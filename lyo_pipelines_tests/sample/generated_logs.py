"""Logs with stories for the tests of this room, as their rows stand when all feedback is in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from statistics import mean

import pytest

from lyo_pipelines.sample.generate import SampleLog, generate
from lyo_pipelines.sample.stories import STORIES

END = date(2026, 11, 20)
RECENT, LAUNCH = ((END - timedelta(days=days)).isoformat() for days in (21, 21))
SEGMENTS = {story.name: story.segment for story in STORIES}
SEEDS = (7, 8, 11)
seeds = pytest.mark.parametrize("seed", SEEDS)


@cache
def told_log(seed: int) -> SampleLog:
    return generate(n=8_000, seed=seed, end=END, stories=True)


@cache
def rows_of(seed: int) -> list[dict]:
    """Rows as they stand when all feedback is in, with their segment and what was planted in them."""
    sample = told_log(seed)
    late = {row["interaction_id"]: row for row in sample.feedback}
    planted = {label["interaction_id"]: label["planted"] for label in sample.labels}
    return [
        row
        | late.get(row["interaction_id"], {})
        | {
            "segment": f"{row['task']}.{row['language']}.{row['subject']}",
            "planted": planted.get(row["interaction_id"], []),
            "is_recent": row["occurred_at"] >= RECENT,
        }
        for row in sample.interactions
    ]


def story_rows(seed: int, name: str) -> list[dict]:
    return [row for row in rows_of(seed) if row["segment"] == SEGMENTS[name]]


def ratings_of(rows: Iterable[dict], *, recent: bool) -> list[int]:
    return [row["rating"] for row in rows if row["is_recent"] == recent and row["rating"] is not None]


def fall(rows: Iterable[dict]) -> float:
    rows = list(rows)
    return mean(ratings_of(rows, recent=False)) - mean(ratings_of(rows, recent=True))


def grouped(rows: Iterable[dict], name: str) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def story_kinds(planted: list[str]) -> set[str]:
    return {kind.removeprefix("story_") for kind in planted if kind.startswith("story_")}
