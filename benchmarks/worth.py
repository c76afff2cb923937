"""Is "worth it with 80 %" right 80 % of the time? In simulation, and on the gains of real small trainings.

    python benchmarks/cost_runs.py             # once: makes the trainings
    python benchmarks/worth.py [--worlds 60]   # 0: the trainings alone

Simulation: in each world segments differ, launches of one segment differ, and reports measure gains with an error that they know.
The spreads are drawn anew in each world (half-Cauchy) and the forecast does not know them. Launches come one by one; from the
sixth on each is forecast from the reports before it. Told: how often the true gain was beyond the margin among launches of which
a probability in each band was said, and among all that were said to be worth it (80 % or more).

Backtest: the trainings of cost_runs.py in their order. A gain is how far the validation loss fell (nats per token), the groups
are the base models, and each training is held against five margins spread over what happened. These gains are measured on the
spot, so their error counts as zero; they are skewed (a few runs gain ten times the median), which the model's normal
distributions do not know."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lyo_pipelines.statistics.next_gain import Gain, next_gain
from lyo_pipelines.statistics.proportions import wilson_bounds

HERE = Path(__file__).parent / "out"
RUNS, OUT = HERE / "cost_runs.jsonl", HERE / "worth.json"
LAUNCHES, MINIMUM = 24, 5
BANDS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01))
MARGINS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the backtest, as shares of its gains that lie below: every band has forecasts then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    results = json.loads(OUT.read_text()) if OUT.exists() else {}
    if options.worlds:
        results["simulation"] = table((row for _ in range(options.worlds) for row in world(rng)), "simulation")
    if RUNS.exists():
        results["backtest"] = table(backtest(), "real trainings, five margins each")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten: {OUT.name}")


def world(rng: np.random.Generator) -> Iterable[tuple[float, bool]]:
    """One world's launches: (probability that was said, whether the true gain was beyond the margin)."""
    mean, between, within = rng.normal(0.05, 0.15), abs(rng.standard_cauchy()) * 0.05, abs(rng.standard_cauchy()) * 0.05
    between, within = min(between, 1.0), min(within, 1.0)
    segments = [f"s{number}" for number in range(rng.integers(2, 9))]
    levels = {name: mean + rng.normal(0, between) for name in segments}
    margin, past = rng.choice([0.0, 0.05, 0.1]), list[Gain]()
    for _ in range(LAUNCHES):
        name = str(rng.choice(segments))
        true, error = levels[name] + rng.normal(0, within), rng.uniform(0.01, 0.1)
        if len(past) >= MINIMUM:
            found = next_gain(past, name)
            assert found is not None
            yield found.exceeds(margin), bool(true > margin)
        past.append(Gain(name, true + rng.normal(0, error), error))


def backtest() -> Iterable[tuple[float, bool]]:
    """The same of the real trainings."""
    told = [json.loads(line)["manifest"] for line in RUNS.read_text().splitlines()]
    gains = [
        Gain(one["base_model"]["name"], one["metrics"]["first_eval_loss"] - one["metrics"]["eval_loss"], 1e-4)
        for one in told
    ]
    margins = np.quantile([gain.value for gain in gains], MARGINS)
    for at, gain in enumerate(gains):
        if at >= MINIMUM and (found := next_gain(gains[:at], gain.group)) is not None:
            for margin in margins:
                yield found.exceeds(float(margin)), bool(gain.value > margin)


def table(rows: Iterable[tuple[float, bool]], title: str) -> list[dict[str, Any]]:
    """Band by band: what was said and what came true."""
    known = list(rows)
    print(f"\n{title}: {len(known)} forecasts")
    bands = [*BANDS, (0.8, 1.01), (-0.01, 0.2)]
    found: list[dict[str, Any]] = []
    if not known:
        return found
    for low, high in bands:
        mine = [(said, came) for said, came in known if low <= said < high]
        if not mine:
            continue
        n, hits = len(mine), sum(came for _, came in mine)
        ends = wilson_bounds(hits, n, 1.96)
        said = sum(p for p, _ in mine) / n
        name = (
            "said worth it (>= 0.8)"
            if (low, high) == bands[-2]
            else "said not worth it"
            if low < 0
            else f"{low:.2f} to {min(high, 1):.2f}"
        )
        print(f"{name:26} n {n:6}  said {said:.1%}  came true {hits / n:.1%} [{ends[0]:.1%}, {ends[1]:.1%}]")
        found.append({"band": name, "n": n, "said": said, "came": hits / n, "low": ends[0], "high": ends[1]})
    return found


if __name__ == "__main__":
    main()
