"""The search process: `python -m lyo_pipelines.search --search FOLDER --dataset … --models … --budget JSON`.

Exit codes as of the training process; the same command goes on with a search that was stopped, also with a larger budget.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from lyo_pipelines.config.search import SearchBudget, SearchConfig
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.external_process.command import environment_of_part, module_command, run_command
from lyo_pipelines.external_process.program import Program
from lyo_pipelines.external_process.reporter import Reporter
from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.search.budget import spent_on
from lyo_pipelines.search.command import CONFIG, RECIPE, require_optuna
from lyo_pipelines.search.outcome import RESULT, compare_trials, result_of
from lyo_pipelines.search.record import BEST_RECIPE, TRIALS, TrialRecord, best_of, read_records, trial_output
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, write_recipe
from lyo_pipelines.training.recipes import Recipe

_NAME = 30


class ComparisonFailedError(Exception):
    """The process that measures validation examples ended badly, with what it said."""


def main(arguments: list[str] | None = None) -> int:
    """Search; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lyo_pipelines.search", description=__doc__)
    parser.add_argument("--search", required=True, help="folder of the search, with recipe.yaml and search.json")
    parser.add_argument("--dataset", required=True, help="folder of a dataset version")
    parser.add_argument("--models", required=True, help="folder of base models")
    parser.add_argument("--budget", required=True, help="JSON: trials, tokens, seconds, money")
    options = parser.parse_args(arguments)
    folder = Path(options.search)
    program = Program(
        name="search",
        folder=folder,
        go_on="search again: it goes on where it was",
        less_memory="Lower batch.size and raise batch.accumulation, or take large values out of the space.",
        kept=lambda: f"what was tried is in {folder / TRIALS}; the same command goes on.",
        stop_at_once=True,
    )
    return program.run(lambda report, stop: _run(options, report, stop))


def _run(options: argparse.Namespace, report: Reporter, stop: StopRequest) -> None:
    require_optuna()
    from lyo_pipelines.search.sampling import importance_of
    from lyo_pipelines.search.study import Search, run_search
    from lyo_pipelines.search.trial import training_starter

    folder, dataset, models = Path(options.search), Path(options.dataset), Path(options.models)
    recipe = load_recipe(folder / RECIPE)
    config = SearchConfig.model_validate_json((folder / CONFIG).read_text(encoding="utf-8"))
    budget = SearchBudget.model_validate(json.loads(options.budget))
    require_ready(recipe, models)
    manifest = DataManifest.read(dataset / MANIFEST)
    stop.check()
    search = Search(recipe, config, budget, folder)
    why = run_search(search, training_starter(dataset, models, report.say), report.say)
    records = read_records(folder)
    best = best_of(records)
    comparison = None
    if best is not None and best.number and records[0].state == "complete":
        report.say(f"comparing trial {best.number} with the recipe's own figures on the validation examples")
        comparison = compare_trials(_measured(folder, best, dataset, models), records, config)
    result = result_of(
        records, segment=manifest.segment, fingerprint=manifest.fingerprint, recipe=recipe.name, why_ended=why,
        spent=spent_on(records, search.per_hour), currency=recipe.cost.currency if search.per_hour else "",
        comparison=comparison, importance=importance_of(config, records),
    )  # fmt: skip
    if best is not None:
        write_recipe(_named(recipe, best), folder / BEST_RECIPE)
    write_whole(folder / RESULT, result.to_json())
    report.say(f"{result.says} The search ended because {why}.")
    report.materialize({"search": {"raw_value": folder.name, "type": "text"}}, folder.name)


def _measured(folder: Path, best: TrialRecord, dataset: Path, models: Path) -> RawRow:
    """Losses of each validation example with the best trial's adapter and with trial 0's."""
    out = folder / f"examples-{best.number:04d}.json"
    if not out.is_file():
        adapters = [trial_output(folder, number) for number in (best.number, 0)]
        command = module_command(
            "lyo_pipelines.training.engine.example_losses",
            *(part for adapter in adapters for part in ("--adapter", str(adapter))),
            options={"--dataset": dataset, "--models": models, "--out": out},
        )
        ended = run_command(command, env=environment_of_part())
        if ended.returncode:
            raise ComparisonFailedError(ended.stderr[-2000:])
    return json.loads(out.read_text(encoding="utf-8"))


def _named(recipe: Recipe, best: TrialRecord) -> Recipe:
    """The recipe with the best trial's figures and a name of its own, tracked as the recipe is."""
    from lyo_pipelines.search.space import trial_recipe

    found = trial_recipe(recipe, best.figures, f"{recipe.name[:_NAME]}-searched")
    return found.model_copy(update={"logging": recipe.logging})


if __name__ == "__main__":
    sys.exit(main())
