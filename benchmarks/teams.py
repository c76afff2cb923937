"""From how many examples on is a team's own adapter better than its parent's? A simulation: no model is trained.

What a team wants is a point in DIMENSIONS directions: everybody's, and a difference of its own (`apart`: its length beside the
noise of an example in one direction). An adapter is the mean of the examples it learnt from: the parent's of all teams, the team's
of its own, or the parent's drawn towards the team's by as much as its examples carry (empirical Bayes: what tuning on top of the
parent can do at best). Errors are squared distances to what the team wants. A test set of TESTED items, each with its noise, is
compared item by item as reports do (95 %). `python benchmarks/teams.py` prints a table and writes benchmarks/out/teams.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

DIMENSIONS, TEAMS, TESTED, RUNS = 16, 24, 100, 200
APART = (0.0, 0.1, 0.25, 0.5, 1.0)
EXAMPLES = (25, 50, 100, 200, 400, 1_000, 2_000)
OUT = Path(__file__).parent / "out" / "teams.json"


def one_run(draw: np.random.Generator, apart: float, examples: int) -> tuple[float, float, bool, bool]:
    """(error of the team's minus the parent's, the same of the mixed one, whether a report shows each to be better)."""
    own = draw.normal(0, apart / np.sqrt(DIMENSIONS), (TEAMS, DIMENSIONS))
    learnt = own + draw.normal(0, 1 / np.sqrt(examples), own.shape)  # the mean of a team's examples
    wanted, team, parent = own[0], learnt[0], learnt.mean(0)
    weight = (apart**2 / DIMENSIONS) / (apart**2 / DIMENSIONS + 1 / examples)
    mixed = parent + weight * (team - parent)
    items = wanted + draw.normal(0, 1, (TESTED, DIMENSIONS))
    found = []
    for adapter in (team, mixed):
        gain = ((items - parent) ** 2).sum(1) - ((items - adapter) ** 2).sum(1)
        found.append(gain.mean() > 1.96 * gain.std(ddof=1) / np.sqrt(TESTED) and gain.std() > 0)
    errors = [float(((one - wanted) ** 2).sum()) for one in (team, mixed, parent)]
    return errors[0] - errors[2], errors[1] - errors[2], bool(found[0]), bool(found[1])


def main() -> None:
    rows = []
    for apart in APART:
        for examples in EXAMPLES:
            draw = np.random.default_rng(7)
            runs = np.array([one_run(draw, apart, examples) for _ in range(RUNS)])
            alone, mixed = ((runs[:, at] < 0).mean() for at in (0, 1))
            row = {
                "apart": apart, "examples": examples, "team better": round(float(alone), 3), "mixed better": round(float(mixed), 3),
                "team shown better": round(float(runs[:, 2].mean()), 3), "mixed shown better": round(float(runs[:, 3].mean()), 3),
            }  # fmt: skip
            rows.append(row)
            print(row, flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
