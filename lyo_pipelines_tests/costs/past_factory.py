"""Past trainings made for tests: seconds in proportion to tokens, with a little chance of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from lyo_pipelines.costs.past_runs import PastRun

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
ONE = PastRun(
    segment="tutoring.en.math", version="v", at=BEGAN, base_model="tiny", method="lora", kind="tiny · lora", machine="CPU, 2 threads",
    steps=10, planned_steps=10, seen=40, planned_seen=40, tokens=4_000, planned_tokens=4_000, seconds=40.0,
    memory=2_000_000_000, estimate=1_600_000_000, hour=0.0, currency="", folder=Path("nowhere"),
)  # fmt: skip


def past(n: int, *, seed: int = 0, speed: float = 100.0, spread: float = 0.1, **changes: object) -> list[PastRun]:
    """n trainings, a day apart, of 1,000 to 50,000 tokens."""
    rng = np.random.default_rng(seed)
    found = []
    for at in range(n):
        tokens = int(np.exp(rng.uniform(np.log(1_000), np.log(50_000))))
        off = np.exp(rng.normal(0, spread, 2))
        one = replace(
            ONE, version=f"v{at}", at=BEGAN + timedelta(days=at), tokens=tokens, planned_tokens=tokens, seen=tokens / 100,
            planned_seen=tokens / 100, steps=max(1, tokens // 400), planned_steps=max(1, tokens // 400),
            seconds=float(tokens / speed * off[0]), memory=int(2e9 * off[1]),
        )  # fmt: skip
        found.append(replace(one, **changes))
    return found
