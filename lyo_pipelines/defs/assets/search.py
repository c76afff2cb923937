"""`hyperparameter_search`: which figures of a recipe train best on a segment's dataset, within a budget, in a process of its own."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from lyo_pipelines.config.loading import ConfigError, lay_over
from lyo_pipelines.config.search import SearchBudget, SearchConfig
from lyo_pipelines.defs.assets.training import GPU_POOL, GROUP
from lyo_pipelines.defs.metadata import Metadata, metadata_table
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.pictures import picture
from lyo_pipelines.defs.resources import Store, current_dataset, refuse_stale
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.search.command import SEARCH_TAG, prepare_search, require_optuna, search_command
from lyo_pipelines.search.outcome import RESULT, SearchResult
from lyo_pipelines.search.plots import HISTORY, IMPORTANCE, draw_history, draw_importance
from lyo_pipelines.search.record import BEST_RECIPE, SEARCH_VERSION, TrialRecord, read_records
from lyo_pipelines.search.space import own_figures
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.telling import rounded, told_span
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.recipes import Recipe


class SearchRunConfig(dg.Config):
    """Options of a search. A part of the budget that is not given is the configuration's, unless another part is given."""

    recipe: str = Field("cpu_demo", description="The recipe whose figures are trial 0.")
    overrides: ConfigTree = Field({}, description="Recipe keys to change for this search.")
    budget: ConfigTree = Field({}, description="When it ends: trials, tokens, seconds, money; the first of them.")


@dg.asset(
    partitions_def=SEGMENTS,
    group_name=GROUP,
    owners=["team:training"],
    kinds={"optuna", "pytorch"},
    deps=["train_split", "validation_split"],
    pool=GPU_POOL,
    code_version=str(SEARCH_VERSION),
    description=(
        "Trials of a recipe's figures (learning rate, rank, …) on the segment's current dataset version, each a training of its "
        "own, within a budget. The recipe's own figures are trial 0. The test split is never opened."
    ),
)
def hyperparameter_search(
    context: dg.AssetExecutionContext, config: SearchRunConfig, store: Store, pipes: dg.PipesSubprocessClient
) -> dg.MaterializeResult:
    """Start the search process, and show what it found."""
    lake = store.lake()
    dataset = current_dataset(lake, context.partition_key)
    refuse_stale(lake, store.load_config(), dataset.manifest)
    try:
        require_optuna()
        recipe = load_recipe(config.recipe, config.overrides)
        searched, budget = store.load_config().search, search_budget(store.load_config().search, config.budget)
        own_figures(recipe, searched.ranges)
    except LyoError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    identity, folder = prepare_search(lake, dataset.segment, dataset.fingerprint, recipe, searched)
    place = f"{dataset.segment}/{dataset.fingerprint}/{identity}"
    context.instance.add_run_tags(context.run.run_id, {SEARCH_TAG: place})
    pipes.run(context=context, command=search_command(folder, lake.local(dataset.path), store.models_dir(), budget))
    result = SearchResult.read(folder / RESULT)
    metadata = search_metadata(context.instance, result, read_records(folder), folder, recipe)
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(identity))


def search_budget(config: SearchConfig, given: ConfigTree) -> SearchBudget:
    """The budget of one search: what is given, or all of the configuration's where nothing is. Raises ConfigError."""
    told = {name: value for name, value in given.items() if value is not None}
    if not told:
        return config.budget
    try:
        nothing = dict.fromkeys(SearchBudget.model_fields)
        return lay_over({"search": {"budget": {**nothing, **told}}}, source="the budget").search.budget
    except ConfigError as error:
        raise ConfigError(error.message, hint="A budget has trials, tokens, seconds or money.") from error


def search_metadata(
    instance: dg.DagsterInstance, result: SearchResult, records: list[TrialRecord], folder: Path, recipe: Recipe
) -> Metadata:
    """What the page shows, in order: the result, its pictures, the trials."""
    history = draw_history(records, result.says.partition(".")[0] if result.best == 0 else _short(result))
    write_whole(folder / HISTORY, history)
    pictures: Metadata = {"history": picture(instance, history, "validation loss of each trial")}
    if result.importance:
        bars = draw_importance(result.importance)
        write_whole(folder / IMPORTANCE, bars)
        pictures["importance"] = picture(instance, bars, "share of each figure in how trials differ")
    rows = [
        {
            "trial": one.number, "state": one.state, "loss": rounded(one.loss) if one.loss is not None else "",
            **{key: rounded(value) if isinstance(value, float) else value for key, value in one.figures.items()},
            "tokens": one.tokens, "took": told_span(one.seconds),
        }
        for one in records
    ]  # fmt: skip
    columns = ["trial", "state", "loss", *(records[0].figures if records else ()), "tokens", "took"]
    return {
        "result": result.says,
        **pictures,
        "better_than_recipe": dg.MetadataValue.bool(result.is_better),
        "best_loss": rounded(result.best_loss),
        "own_loss": rounded(result.own_loss),
        "ended_because": result.why_ended,
        "spent": f"{result.tokens:,} tokens, {told_span(result.seconds)}"
        + (f", {result.money:.2f} {result.currency}" if result.currency else ""),
        "trials": metadata_table(rows, columns),
        "recipe": recipe.name,
        "best_recipe": dg.MetadataValue.path(str(folder / BEST_RECIPE)),
    }


def _short(result: SearchResult) -> str:
    found = result.comparison
    if found is None:
        return ""
    word = {
        "better": "better than the recipe",
        "worse": "worse than the recipe",
        "cannot_tell": "not shown to be better",
    }
    return f"best: trial {result.best}, {word[found.verdict]} ({found.difference:+.4f})"
