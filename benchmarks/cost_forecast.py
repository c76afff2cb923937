"""Do the intervals for a training's seconds, money and memory hold 90 % of later runs? A backtest on real small trainings.

    python benchmarks/cost_runs.py       # once: makes the trainings
    python benchmarks/cost_forecast.py

Run by run in the order in which they were made: each is forecast from those before it alone, with what a dry run knows (steps;
tokens guessed from earlier trainings of the same segment; here the number of turns stands for the segment), and then compared
with what it took. Beside it: the rule before (70 to 130 % of the median speed), which knows neither overhead nor how well it
does. Money follows from seconds at 2 to 5 dollars an hour; the interval counts as holding where it holds the cost at every price
between."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from lyo_pipelines.config.costs import ForecastConfig
from lyo_pipelines.contracts.adapter import AdapterManifest
from lyo_pipelines.costs.forecast import CostForecasts, PlannedRun
from lyo_pipelines.costs.money import Money
from lyo_pipelines.costs.past_runs import PastRun, run_of_manifest, with_guesses
from lyo_pipelines.statistics.proportions import wilson_bounds

HERE = Path(__file__).parent / "out"
RUNS, OUT = HERE / "cost_runs.jsonl", HERE / "cost_forecast.json"
CONFIG = ForecastConfig(confidence=0.9, newest=120)
HOUR = Money(2.0, 5.0, "USD")
AFTER = 3
"""Runs before the first forecast that is counted."""


def main() -> None:
    rows = [json.loads(line) for line in RUNS.read_text().splitlines()]
    told = {"clock": backtest(read_runs(rows), "by the clock, on a machine that others use, too")}
    computed = with_guesses(
        [replace(run, seconds=row["cpu_seconds"]) for run, row in zip(read_runs(rows), rows, strict=True)]
    )
    told["computed"] = backtest(computed, "seconds that the process computed, as on a machine of its own")
    OUT.write_text(json.dumps(told, indent=2) + "\n")
    print(f"\nwritten: {OUT.name}")


def backtest(runs: list[PastRun], title: str) -> dict[str, Any]:
    """Each run against its forecast, early and late ones apart."""
    results = {"few (runs 4 to 12)": [], "later (from run 13)": []}
    for at in range(AFTER, len(runs)):
        results["few (runs 4 to 12)" if at < 12 else "later (from run 13)"].append(compare(runs[:at], runs[at]))
    told: dict[str, Any] = {"runs": len(runs)}
    seconds = sorted(run.seconds for run in runs)
    print(f"\n{title}: {len(runs)} trainings of {seconds[0]:.1f} to {seconds[-1]:.1f} s, median {median(seconds):.1f}")
    for name, rows in {**results, "all": [row for part in results.values() for row in part]}.items():
        for what in ("seconds", "money", "memory", "seconds, old rule"):
            known = [row[what] for row in rows if row[what] is not None]
            hits, n = sum(one["held"] for one in known), len(known)
            low, high = wilson_bounds(hits, n, 1.96)
            width = median(one["high"] / one["low"] for one in known)
            told[f"{name}: {what}"] = {"held": hits, "n": n, "low": low, "high": high, "median high / low": width}
            print(
                f"{name:22}{what:20}held {hits:3} of {n:3} = {hits / n:.1%} [{low:.1%}, {high:.1%}]   high / low {width:.2f}"
            )
    return told


def read_runs(rows: list[dict[str, Any]]) -> list[PastRun]:
    """The trainings that cost_runs.py made, in their order, as a lake would tell them."""
    found: list[PastRun] = []
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        for number, row in enumerate(rows):
            values = row["manifest"] | {
                "segment": f"tutoring.en.turns{row['plan']['turns']}",
                "machine": "CPU, 1 thread",
            }
            name = values["base_model"]["name"]
            if not (models / name).exists():
                (models / name).mkdir()
                (models / name / "config.json").write_text(json.dumps(config_of(row["plan"])))
            manifest = AdapterManifest.model_validate(values)
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
            run = run_of_manifest(manifest, at=at, folder=models, models_dir=models)
            assert run is not None
            found.append(run)
    return with_guesses(found)


def config_of(plan: dict[str, Any]) -> dict[str, Any]:
    """config.json of the tiny models, as far as a memory estimate reads it."""
    hidden = plan["hidden"]
    if plan["family"] == "gpt2":
        return {
            "model_type": "gpt2",
            "n_embd": hidden,
            "n_layer": 2,
            "n_head": 4,
            "vocab_size": 340,
            "n_positions": 512,
        }
    return {
        "model_type": plan["family"], "hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": hidden // 4, "vocab_size": 340,
    }  # fmt: skip


def compare(past: list[PastRun], run: PastRun) -> dict[str, dict[str, Any] | None]:
    """One run against its forecast."""
    plan = PlannedRun(run.kind, run.machine, run.planned_tokens, run.planned_steps, run.estimate)
    found = CostForecasts(past, [], CONFIG).of(plan, HOUR)
    assert found is not None and found.money is not None and run.memory is not None
    spent = HOUR.times(run.seconds / 3600)
    speeds = [one.tokens / one.seconds for one in past if one.kind == run.kind]
    rule = None
    if speeds:
        middle = run.planned_tokens / median(speeds)
        rule = _row(middle / 1.3, middle / 0.7, run.seconds)
    return {
        "seconds": _row(found.seconds.low, found.seconds.high, run.seconds),
        "money": {
            "low": found.money.low, "high": found.money.high,
            "held": found.money.low <= spent.low and spent.high <= found.money.high,
        },
        "memory": _row(found.memory.low, found.memory.high, run.memory) if found.memory else None,
        "seconds, old rule": rule,
    }  # fmt: skip


def _row(low: float, high: float, value: float) -> dict[str, Any]:
    return {"low": low, "high": high, "held": low <= value <= high}


if __name__ == "__main__":
    main()
