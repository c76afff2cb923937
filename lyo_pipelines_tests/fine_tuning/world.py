"""Examples as a client uploads them, and a lake that takes them in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lyo_pipelines.config.loading import Config, lay_over
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.health.day import build_day as build_health
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

ON: dict[str, Any] = {"fine_tuning": {"enabled": True}}
SMALL: dict[str, Any] = {"curation": {"segment_minimum_interactions": 10}}
"""What lets a test upload a few examples."""


def example(number: int, **more: Any) -> dict[str, Any]:
    count = 7 * number + 3
    return {
        "messages": [
            {"role": "system", "content": "You are a patient tutor."},
            {"role": "user", "content": f"A shop sells {count} mangoes in the morning and twice as many later. How many in all?"},
            {"role": "assistant", "content": f"In the morning {count}, then {2 * count}. Together that is {3 * count} mangoes."},
        ]
    } | more  # fmt: skip


def jsonl(rows: int = 30) -> bytes:
    return b"".join(json.dumps(example(number)).encode() + b"\n" for number in range(rows))


def configured(**changes: Any) -> Config:
    return lay_over({"gateway": {"fine_tuning": {"enabled": True, **changes}}, **SMALL})


def taken_in(lake: Lake, config: Config, now: float) -> None:
    """What Dagster's sensors do with the inbox: land it, and bring its days up to date."""
    land_inbox(lake, Pseudonyms("a key for the tests"), config.interactions, datetime.fromtimestamp(now, UTC))
    for day in days_to_rebuild(lake, config.curation):
        build_day(lake, day)
        curate_day(lake, day, config.curation)
        build_health(lake, day, config.curation)
