"""How often are business measures wrong in an A/B test that is looked at every day, and how soon do they show what is there?

Users come back as they like (geometric numbers of answers, habits of their own), each in one arm. Two weeks, a look a day. `alike`:
both arms are the same, so whatever is shown is a false alarm; the bounds promise at most the error probability over all looks.
`fewer`: the candidate writes 30 % fewer tokens, loses 10 points of returns, completes 5 points more tasks. Beside it the same data
with a test of a fixed size at every look, as dashboards do. `python benchmarks/business.py [--runs 600]`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.rollout import BusinessMeasure
from lyo_pipelines.rollout.arm_differences import bounds_of_difference, business_difference
from lyo_pipelines.rollout.observations import BusinessSums
from lyo_pipelines.statistics.proportions import wilson_bounds

DAYS, USERS, ALPHA = 14, 600, 0.05
CONFIG = load_config().rollout
EFFECTS: dict[BusinessMeasure, float] = {
    "tokens_per_answer": np.log(0.7),
    "return_rate": -0.10,
    "task_completion": 0.05,
}
OUT = Path(__file__).parent / "out" / "business.json"


def totals(draw: np.random.Generator, name: BusinessMeasure, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """(total, n) of each user after each day, (days, users): what an arm's users have shown until then."""
    answers = draw.poisson(draw.gamma(0.5, 1.0, USERS), (DAYS, USERS))  # most ask little, a few ask much
    habit = draw.normal(0, 1, USERS)
    if name == "tokens_per_answer":
        value = draw.normal(5 + effect + 0.5 * habit, 0.6, (DAYS, USERS)) * answers
    else:
        share = np.clip(0.6 + effect + 0.15 * habit, 0, 1)
        if name == "return_rate":  # once, and not before seven days have gone
            known = np.arange(DAYS)[:, None] >= draw.integers(7, DAYS, USERS)
            return (known * (draw.random(USERS) < share)).astype(float), known.astype(float)
        value = draw.binomial(answers, share)
    return value.cumsum(0).astype(float), answers.cumsum(0).astype(float)


def played(draw: np.random.Generator, name: BusinessMeasure, effect: float) -> tuple[int | None, int | None]:
    """First day on which a difference is shown: by the bounds over all looks, and by a test at every look; None for never."""
    ours, base = totals(draw, name, effect), totals(draw, name, 0.0)
    shown: list[int | None] = [None, None]
    for day in range(DAYS):
        arms = [(total[day][n[day] > 0], n[day][n[day] > 0]) for total, n in (ours, base)]
        found = business_difference(name, BusinessSums(*arms[0], *arms[1]))
        bounds = bounds_of_difference(found, 1 - ALPHA / 2, CONFIG.planned_error(name))
        usual = 1.96 * found.standard_error
        for at, (low, high) in enumerate(((bounds.low, bounds.high), (found.estimate - usual, found.estimate + usual))):
            if shown[at] is None and (low > 0 or high < 0):
                shown[at] = day + 1
    return shown[0], shown[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=600)
    runs, rows = parser.parse_args().runs, list[dict[str, Any]]()
    for name, effect in EFFECTS.items():
        for what, size in (("alike", 0.0), ("fewer", effect)):
            draw = np.random.default_rng(11)
            days = [played(draw, name, size) for _ in range(runs)]
            row: dict[str, Any] = {"measure": name, "what": what, "runs": runs}
            for at, test in enumerate(("bounds over all looks", "a test at every look")):
                found = [day for one in days if (day := one[at]) is not None]
                low, high = wilson_bounds(len(found), runs, 1.96)
                row[test] = {"shown": round(len(found) / runs, 3), "low": round(low, 3), "high": round(high, 3)}
                row[test] |= {"median day": float(np.median(found)) if found else None}
            rows.append(row)
            print(row, flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
