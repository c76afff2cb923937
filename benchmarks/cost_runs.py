"""Small real trainings of varied sizes, for benchmarks/cost_forecast.py: what each was planned to be, and what it took.

    python benchmarks/cost_runs.py [--runs 75] [--seed 5]

Each training goes through the real engine, on a tiny random model of one of three families and several widths. Sizes are drawn
log-uniformly over about a factor of 60 in tokens, in random order, as a team's runs would come. They run one after the other in
one process, whose high-water mark of memory is set back before each. The seconds are those of the clock, on a machine as busy as
it happens to be; `cpu_seconds` are what the process computed. Written line by line to benchmarks/out/cost_runs.jsonl; a second
call goes on where the first was stopped."""

from __future__ import annotations

import argparse
import json
import math
import random
import tempfile
import time
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "out" / "cost_runs.jsonl"
FAMILIES = (("llama", 32), ("llama", 96), ("gemma2", 32), ("gpt2", 64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=75)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    OUT.parent.mkdir(exist_ok=True)
    rng = random.Random(options.seed)
    plans = [plan_of(rng, number) for number in range(options.runs)]
    with tempfile.TemporaryDirectory() as folder:
        for plan in plans[done() :]:
            train(plan, Path(folder))


def done() -> int:
    """Runs that are written."""
    return len(OUT.read_text().splitlines()) if OUT.exists() else 0


def plan_of(rng: random.Random, number: int) -> dict[str, Any]:
    """One training, as its recipe and data say it before it starts."""
    family, hidden = rng.choice(FAMILIES)
    return {
        "number": number,
        "family": family,
        "hidden": hidden,
        "turns": rng.choice([1, 2, 4]),
        "examples": round(math.exp(rng.uniform(math.log(8), math.log(120)))),
        "batch": rng.choice([1, 2, 4, 8]),
        "epochs": rng.choice([1, 1, 2]),
        "seed": rng.randrange(10_000),
    }


def train(plan: dict[str, Any], root: Path) -> None:
    """One training, and its line."""
    from lyo_pipelines.external_process.reporter import Reporter
    from lyo_pipelines.external_process.stopping import StopRequest
    from lyo_pipelines.training.engine.run import train_adapter
    from lyo_pipelines.training.recipe_loading import load_recipe
    from lyo_pipelines_tests.training.tiny import make_dataset, make_model

    # names of models are kept from run to run: they are what the forecast groups by
    model = root / f"{plan['family']}-{plan['hidden']}"
    if not model.exists():
        make_model(model, plan["family"], hidden=plan["hidden"])
    examples, number = plan["examples"], plan["number"]
    data = make_dataset(
        root / f"data{number}", train=examples, validation=max(2, examples // 8), seed=plan["seed"], turns=plan["turns"]
    )
    recipe = load_recipe(
        "tiny_test",
        {
            "base_model": str(model), "speed.threads": 1, "budget.steps": None, "budget.epochs": plan["epochs"],
            "batch.size": plan["batch"], "batch.accumulation": 2, "batch.max_length": 256, "validation.interval": None,
            "checkpoints.interval": None,
        },
    )  # fmt: skip
    Path("/proc/self/clear_refs").write_text("5")
    before = time.process_time()
    result = train_adapter(
        recipe, data, root / f"adapter{number}", root / "models", device="cpu", reporter=Reporter(), stop=StopRequest()
    )
    cpu = round(time.process_time() - before, 3)
    told = result.manifest.model_dump(mode="json", exclude={"files", "libraries"})
    told["base_model"]["name"] = told["recipe"]["base_model"] = model.name  # no path of this machine
    with OUT.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"plan": plan, "cpu_seconds": cpu, "manifest": told}) + "\n")


if __name__ == "__main__":
    main()
