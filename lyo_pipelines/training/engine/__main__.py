"""The training process: `python -m lyo_pipelines.training.engine --recipe … --dataset … --output … --models …`.

The same from a shell and under Dagster Pipes. Exit codes: 0 trained (or already trained), 1 failed and the message says what to do,
2 an argument does not fit, 70 a fault of ours, 130 or 143 stopped by SIGINT or SIGTERM after a clean checkpoint: the same command
resumes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.divergence import require_not_diverged
from lyo_pipelines.training.engine.asking import AskingReporter
from lyo_pipelines.training.lock import device_lock
from lyo_pipelines.training.plan import (
    TrainingResult,
    UnfitStartError,
    adapter_version,
    is_complete,
    read_adapter,
    require_same,
)
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import PREFERENCE_METHODS, Recipe


def main(arguments: list[str] | None = None) -> int:
    """Run one training; returns the exit code."""
    options = _parser().parse_args(arguments)
    output = Path(options.output)
    program = Program(
        name="training",
        folder=output,
        go_on="start again: it resumes from its last checkpoint",
        less_memory="Lower batch.size and raise batch.accumulation, or set speed.gradient_checkpointing.",
        kept=lambda: _kept(output),
        stop_with_parent=options.stop_with_parent,
    )
    return program.run(lambda report, stop: _run(options, report, stop))


def _run(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> None:
    output, recipe = Path(options.output), load_recipe(options.recipe, parse_changes(options.set))
    if is_complete(output):  # before torch is loaded: a second run is quick
        result = read_adapter(output)
        start = read_adapter(options.start_from).version if options.start_from else ""
        wanted = adapter_version(DataManifest.read(Path(options.dataset) / MANIFEST).fingerprint, recipe, start)
        require_same(output, result.version, wanted)
        report.say(f"already trained: {result.version} in {output}")
    else:
        require_not_diverged(output)
        result = _train(recipe, options, AskingReporter(report, stop) if options.ask else report, stop)
        report.say(f"trained {result.version} in {result.metrics.seconds:.0f} s: {output}")
    # what its page shows is read from its manifest by whoever shows it
    report.materialize({"version": {"raw_value": result.version, "type": "text"}}, result.version)


def _kept(output: Path) -> str:
    """What an interrupted training leaves."""
    saved = any((output / "checkpoints").glob("checkpoint-*/complete.json"))
    state = f"a clean checkpoint is in {output / 'checkpoints'}" if saved else "nothing was trained yet"
    return f"{state}; the same command resumes."


def _train(recipe: Recipe, options: argparse.Namespace, report: Reporter, stop: StopRequest) -> TrainingResult:
    require_ready(recipe, Path(options.models))  # said before torch is loaded

    from lyo_pipelines.training.engine.model_building import choose_device
    from lyo_pipelines.training.engine.run import train_adapter

    output = Path(options.output)
    device, lock_name = choose_device(recipe)
    folders = (Path(options.dataset), output, Path(options.models))
    wait = Settings.from_env().training_wait_seconds if options.wait is None else options.wait
    with device_lock(lock_name, str(output), wait_seconds=wait, say=report.say, check=stop.check):
        if recipe.method not in PREFERENCE_METHODS:
            return train_adapter(recipe, *folders, device=device, reporter=report, stop=stop)
        from lyo_pipelines.training.engine.preference import train_preferences

        return train_preferences(
            recipe, *folders, start=_start(recipe, options), device=device, reporter=report, stop=stop
        )


def _start(recipe: Recipe, options: argparse.Namespace) -> Path:
    if options.start_from is None:
        raise UnfitStartError(f"method {recipe.method} tunes an existing adapter: name its folder (--start-from).")
    return Path(options.start_from)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.training.engine", description=__doc__)
    parser.add_argument("--recipe", required=True, help="name of a packaged recipe, or a YAML file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one value: optimizer.learning_rate=1e-4"
    )
    parser.add_argument("--dataset", required=True, help="folder of a dataset version")
    parser.add_argument("--output", required=True, help="folder of the adapter")
    parser.add_argument("--start-from", metavar="ADAPTER", help="folder of the adapter that kto and dpo start from")
    parser.add_argument("--models", required=True, help="folder of base models")
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        help="how long to wait for a device that another training holds (default: LYO_TRAINING_WAIT_SECONDS; 0: fail at once)",
    )
    parser.add_argument(
        "--ask",
        action="store_true",
        help="after each line of metrics.jsonl, ask on stdout whether to go on (asking.py)",
    )
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the parent process dies (always so under Dagster)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
