"""The training process: `python -m lyo_pipelines.training.engine --recipe … --dataset … --output … --models …`.

The same from a shell and under Dagster Pipes. Exit codes: 0 trained (or already trained), 1 it cannot be done as asked
(the message says what to do), 70 a fault of ours, 130 or 143 stopped by SIGINT or SIGTERM after a clean checkpoint: the same command
resumes.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
# torch's threads spin while they wait for each other. Measured on two cores, tokens/s alone and beside two busy processes: libgomp's
# own 300,000 turns 618 and 177, 20,000 turns 608 and 243, none (PASSIVE) 350 and about 200. To be set before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

from lyo_pipelines.errors import LyoError
from lyo_pipelines.faults import EXIT_CODE, fault_report
from lyo_pipelines.machine import FullDiskError, machine_explained
from lyo_pipelines.training.dataset_version import read_manifest
from lyo_pipelines.training.engine.control import Interrupted, StopRequest
from lyo_pipelines.training.engine.reporting import Reporter, reporter
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

FULL_BELOW_BYTES = 8 * 2**20


def main(arguments: list[str] | None = None) -> int:
    """Run one training; returns the exit code."""
    options = _parser().parse_args(arguments)
    # peft imports it; without its optional kernels it complains at every start
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    stop = StopRequest()
    stop.listen()
    with reporter() as report:
        if report.launched_by_dagster or options.stop_with_parent:
            stop.watch_parent()
        return _guarded(options, report, stop)


def _guarded(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> int:
    output = Path(options.output)
    try:
        recipe = load_recipe(options.recipe, parse_changes(options.set))
        if is_complete(output):  # before torch is loaded: a second run is quick
            result = read_adapter(output)
            start = read_adapter(options.start_from).version if options.start_from else ""
            wanted = adapter_version(read_manifest(Path(options.dataset))["fingerprint"], recipe, start)
            require_same(output, result.version, wanted)
            report.say(f"already trained: {result.version} in {output}")
        else:
            result = _train(recipe, options, report, stop)
            report.say(f"trained {result.version} in {result.metrics['seconds']:.0f} s: {output}")
        report.materialize(result)
    except Interrupted as interruption:
        saved = any((output / "checkpoints").glob("checkpoint-*/complete.json"))
        state = f"a clean checkpoint is in {output / 'checkpoints'}" if saved else "nothing was trained yet"
        report.say(f"stopped ({interruption}): {state}; the same command resumes.")
        return 128 + (signal.SIGINT if stop.reason == "SIGINT" else signal.SIGTERM)
    except Exception as error:
        expected = _expected(error, output)
        report.fail(fault_report(error) if expected is None else str(expected))
        if expected is not None and os.environ.get("LYO_TRACEBACK"):
            raise
        return EXIT_CODE if expected is None else 1
    return 0


def _train(recipe: Recipe, options: argparse.Namespace, report: Reporter, stop: StopRequest) -> TrainingResult:
    require_ready(recipe, Path(options.models))  # said before torch is loaded

    from lyo_pipelines.training.engine.building import choose_device
    from lyo_pipelines.training.engine.run import train

    output = Path(options.output)
    device, lock_name = choose_device(recipe)
    folders = (Path(options.dataset), output, Path(options.models))
    with device_lock(lock_name, str(output), wait_seconds=options.wait, say=report.say, check=stop.check):
        if recipe.method not in PREFERENCE_METHODS:
            return train(recipe, *folders, device=device, reporter=report, stop=stop)
        from lyo_pipelines.training.engine.preference import train_preferences

        return train_preferences(
            recipe, *folders, start=_start(recipe, options), device=device, reporter=report, stop=stop
        )


def _start(recipe: Recipe, options: argparse.Namespace) -> Path:
    if options.start_from is None:
        raise UnfitStartError(f"method {recipe.method} tunes an adapter that is there: name its folder (--start-from).")
    return Path(options.start_from)


class OutOfMemoryError(LyoError):
    """The device or the machine has not the memory that a step takes."""


def _expected(error: Exception, output: Path) -> LyoError | None:
    """The error as one that a person can mend, or None when it is a fault of ours."""
    text = str(error) or type(error).__name__
    folder = next(path for path in (output, *output.absolute().parents) if path.exists())
    if "No space left" in text or shutil.disk_usage(folder).free < FULL_BELOW_BYTES:
        again = "Free some space and start again: it resumes from its last checkpoint."
        return FullDiskError(f"the disk is full ({text[:150]}).", hint=again)
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        smaller = "Lower batch.size and raise batch.accumulation, or set speed.gradient_checkpointing."
        return OutOfMemoryError(f"out of memory ({text[:150]}).", hint=smaller)
    if isinstance(error, LyoError):
        return error
    try:
        with machine_explained(output):
            raise error
    except LyoError as explained:
        return explained
    except Exception:
        return None


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
        default=float(os.environ.get("LYO_TRAINING_WAIT_SECONDS", "3600")),
        metavar="SECONDS",
        help="how long to wait for a device that another training holds (default 3600; 0: fail at once)",
    )
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the parent process dies (always so under Dagster)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
