"""What orchestration costs: the demo under Dagster beside the same stages called in one plain script.

python benchmarks/orchestration.py [--interactions 12000]

Both start from the same sample in an empty data directory; the converted base model is there before either is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from lyo_pipelines.commands.demo import SEGMENT
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import make_key_file
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.evaluation.command import evaluation_command, write_config
from lyo_pipelines.interactions.days.build import build_day, stale_days
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import adapter_version, training_command
from lyo_pipelines.training.recipe_loading import load_recipe, write_recipe


def plain(root: Path, interactions: int) -> dict[str, float]:
    """Every stage called in turn; seconds by stage."""
    lake, config = Lake(str(root)), load_config()
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        seconds[name] = time.perf_counter() - clock
        clock = time.perf_counter()

    write_sample(root / "inbox", root / "sample" / "labels.jsonl", n=interactions, seed=7, end=datetime.now(UTC).date())
    lap("sample")
    land_inbox(lake, Pseudonyms(make_key_file(str(root))), config.interactions, now=datetime.now(UTC))
    lap("landed_files")
    days = stale_days(lake)
    for day in days:
        build_day(lake, day)
    lap("raw_interactions")
    for day in days:
        curate_day(lake, day, config.curation)
    lap("filtered_examples")
    version = build_dataset(lake, SEGMENT, config.dataset, config.curation, now=datetime.now(UTC))
    lap("dataset_splits")
    recipe = load_recipe("cpu_demo", {})
    name = adapter_version(version.fingerprint, recipe)
    adapter, report = Path(lake.adapter_dir(SEGMENT, name)), Path(lake.report_dir(SEGMENT, name))
    write_recipe(recipe, adapter / "recipe.yaml")
    subprocess.run(training_command(adapter / "recipe.yaml", version.path, adapter, root / "models"), check=True)
    lap("adapter")
    evaluation_config_path = write_config(config.evaluation, report)
    command = evaluation_command(
        version.path, adapter, report, root / "models", evaluation_config_path=evaluation_config_path
    )
    subprocess.run(command, check=True)
    lap("eval_report")
    return seconds


def orchestrated(root: Path, interactions: int) -> float:
    """Seconds of `lyo demo` as a whole process, Dagster's start and stop included."""
    environment = {**os.environ, "LYO_DATA_DIR": str(root), "DAGSTER_HOME": str(root / "dagster_home")}
    began = time.perf_counter()
    command = [f"{sys.prefix}/bin/lyo", "demo", "--interactions", str(interactions)]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--interactions", type=int, default=12_000)
    parser.add_argument(
        "--models", type=Path, help="a folder with the converted base model, linked into both data directories"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for root in (Path(first), Path(second)):
            if arguments.models:
                (root / "models").symlink_to(arguments.models.resolve())
        stages = plain(Path(first), arguments.interactions)
        total = sum(stages.values())
        demo = orchestrated(Path(second), arguments.interactions)
    for name, value in stages.items():
        print(f"{name:<22}{value:>9.1f} s")
    print(
        f"{'plain script':<22}{total:>9.1f} s\n{'demo under Dagster':<22}{demo:>9.1f} s\n{'ratio':<22}{demo / total:>9.2f}"
    )
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    result = {"plain": stages, "plain_seconds": total, "demo_seconds": demo, "ratio": demo / total}
    (out / "orchestration.json").write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
