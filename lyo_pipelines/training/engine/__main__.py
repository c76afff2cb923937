"""The training process: `python -m lyo_pipelines.training.engine --recipe … --dataset … --output … --models …`.

The same from a shell and under Dagster Pipes. Exit codes: 0 trained (or already trained), 1 failed and the message says what to do,
2 an argument does not fit, 70 a fault of ours, 130 or 143 stopped by SIGINT or SIGTERM after a clean checkpoint: the same command
resumes. A recipe with several devices makes this process start one for each, with the same command line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.environment import loading
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.divergence import require_not_diverged
from lyo_pipelines.training.engine.asking import AskingReporter
from lyo_pipelines.training.gpus import show_only
from lyo_pipelines.training.lock import device_lock, device_locks, share_lock
from lyo_pipelines.training.plan import (
    TrainingResult,
    UnfitStartError,
    adapter_version,
    data_fingerprint,
    is_complete,
    read_adapter,
    require_same,
)
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.processes import UNDER_TORCHRUN, local_processes, torchrun_command
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import REINFORCEMENT_METHOD, TUNING_METHODS, Recipe

if TYPE_CHECKING:
    from lyo_pipelines.training.engine.ranks import Ranks


Reinforce = Callable[..., TrainingResult]
"""Trains by rewards; takes what train_preferences does, and `ratings`, the folder of preference data (or None)."""


class SeveralNodesError(LyoError):
    """The recipe wants several machines; the message says what to type on each."""


def main(arguments: list[str] | None = None, *, reinforce: Reinforce | None = None) -> int:
    """Run one training; returns the exit code. reinforce: who trains by rewards (which rooms above this one know)."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    options.given, options.reinforce = given, reinforce
    output = Path(options.output)
    part = int(os.environ["RANK"]) if UNDER_TORCHRUN in os.environ else None
    program = Program(
        name="training",
        folder=output,
        go_on="start again: it resumes from its last checkpoint",
        less_memory="Lower batch.size and raise batch.accumulation, or set speed.gradient_checkpointing.",
        kept=lambda: _kept(output),
        stop_with_parent=options.stop_with_parent or part is not None,
        part=part,
    )
    return program.run(lambda report, stop: _run(options, report, stop))


def _run(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> None:
    output, recipe = Path(options.output), load_recipe(options.recipe, parse_changes(options.set))
    if is_complete(output):  # before torch is loaded: a second run is quick
        result = read_adapter(output)
        start = read_adapter(options.start_from).version if options.start_from else ""
        learnt = data_fingerprint(
            _fingerprint(options.dataset), _fingerprint(options.ratings) if options.ratings else None
        )
        wanted = adapter_version(learnt, recipe, start)
        require_same(output, result.version, wanted)
        report.say(f"already trained: {result.version} in {output}")
    else:
        require_not_diverged(output)
        result = _train(recipe, options, AskingReporter(report, stop) if options.ask else report, stop)
        if options.devices_held:
            return  # whoever started the processes reports
        report.say(f"trained {result.version} in {result.metrics.seconds:.0f} s: {output}")
    # what its page shows is read from its manifest by whoever shows it
    report.materialize({"version": {"raw_value": result.version, "type": "text"}}, result.version)


def _fingerprint(folder: str) -> str:
    """Of a dataset version or preference data."""
    return DataManifest.read(Path(folder) / MANIFEST).fingerprint


def _kept(output: Path) -> str:
    """What an interrupted training leaves."""
    saved = any((output / "checkpoints").glob("checkpoint-*/complete.json"))
    state = f"a clean checkpoint is in {output / 'checkpoints'}" if saved else "nothing was trained yet"
    return f"{state}; the same command resumes."


def _train(recipe: Recipe, options: argparse.Namespace, report: Reporter, stop: StopRequest) -> TrainingResult:
    require_ready(recipe, Path(options.models))  # said before torch is loaded

    from lyo_pipelines.training.engine.devices import choose_device
    from lyo_pipelines.training.engine.ranks import announced, join

    ranks = announced()
    device, locks = choose_device(recipe)
    if UNDER_TORCHRUN in os.environ:
        with _own_device(locks[ranks.local_rank] if device == "cuda" else "cpu", ranks, options, report, stop):
            join(ranks, device)
            return _trained(recipe, options, report, stop, device=device, ranks=ranks)
    processes = local_processes(recipe, len(locks) if device == "cuda" else 0)
    if options.ask:  # one process is asked and answers
        processes = 1
    if recipe.nodes > 1:
        raise SeveralNodesError(
            f"this recipe trains on {recipe.nodes} machines: on each of them, with the same folders, type "
            f"{torchrun_command(recipe, processes, options.given)}"
        )
    wanted = processes if device == "cuda" else 1
    with device_locks(locks, wanted, options.output, together=processes > 1, **_waiting(options, report, stop)) as held:
        if device == "cuda":
            show_only(held)
        if processes > 1:
            return _in_processes(recipe, processes, options, stop)
        return _trained(recipe, options, report, stop, device=device, ranks=ranks)


def _waiting(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> dict[str, Any]:
    """How long to wait for a device, and what goes on meanwhile: arguments of the locks."""
    wait = Settings.from_env().training_wait_seconds if options.wait is None else options.wait
    return {"wait_seconds": wait, "say": report.say, "check": stop.check}


def _own_device(
    lock: str, ranks: Ranks, options: argparse.Namespace, report: Reporter, stop: StopRequest
) -> AbstractContextManager[None]:
    """The device of one of several processes: held beside the process that started them, or by itself under a torchrun of others."""
    if options.devices_held:
        return share_lock(lock)
    if lock == "cpu" and ranks.local_rank > 0:  # the first one on this machine holds it for all
        return nullcontext()
    return device_lock(lock, options.output, **_waiting(options, report, stop))


def _in_processes(recipe: Recipe, processes: int, options: argparse.Namespace, stop: StopRequest) -> TrainingResult:
    """Train in several processes on this machine."""
    from lyo_pipelines.training.engine.launch import run_processes

    threads = recipe.speed.threads or max(1, len(os.sched_getaffinity(0)) // processes)
    run_processes(processes, [*options.given, "--devices-held"], threads=threads, stop=stop)
    return read_adapter(options.output)


def _trained(
    recipe: Recipe, options: argparse.Namespace, report: Reporter, stop: StopRequest, *, device: str, ranks: Ranks
) -> TrainingResult:
    """Train in this process, alone or as one of several."""
    with loading():
        from lyo_pipelines.training.engine.ranks import lost_another
        from lyo_pipelines.training.engine.run import train_adapter

    folders = (Path(options.dataset), Path(options.output), Path(options.models))
    if recipe.method not in TUNING_METHODS:
        try:
            return train_adapter(recipe, *folders, device=device, reporter=report, stop=stop, ranks=ranks)
        except RuntimeError as error:
            raise lost_another(error) or error from error
    start = _start(recipe, options)
    if recipe.method == REINFORCEMENT_METHOD:
        if options.reinforce is None:
            raise UnfitStartError(
                f"method {recipe.method} needs rewards: start it with python -m lyo_pipelines.reinforcement (same arguments)."
            )
        ratings = Path(options.ratings) if options.ratings else None
        return options.reinforce(
            recipe, *folders, start=start, ratings=ratings, device=device, reporter=report, stop=stop
        )
    from lyo_pipelines.training.engine.preference import train_preferences

    return train_preferences(recipe, *folders, start=start, device=device, reporter=report, stop=stop)


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
    parser.add_argument(
        "--start-from", metavar="ADAPTER", help="folder of the adapter that kto, dpo and grpo start from"
    )
    parser.add_argument("--ratings", metavar="FOLDER", help="preference data whose ratings grpo learns from")
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
        "--devices-held", action="store_true", help=argparse.SUPPRESS
    )  # by the process that started this one
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the parent process dies (always so under Dagster)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
