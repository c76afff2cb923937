"""`lyo search SEGMENT`: trials of a recipe's figures within a budget, as a Dagster run that anyone can watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.commands.arguments import errors
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.train import Work, run_job
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.dataset.versions import Version, latest_version
from lyo_pipelines.errors import LyoError
from lyo_pipelines.search.command import require_optuna, search_dir
from lyo_pipelines.search.outcome import RESULT, SearchResult
from lyo_pipelines.search.record import BEST_RECIPE, search_id
from lyo_pipelines.search.space import own_figures
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.telling import told_span
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import Recipe

SEARCH = Work("search", "hyperparameter_search", ("hyperparameter_search",), command="search")


class NothingToSearchError(LyoError):
    """The segment has no dataset version, or the search left no result."""


def search_segment(
    console: Console,
    segment: str,
    recipe: str,
    changes: Sequence[str],
    budget: Mapping[str, float | None],
    *,
    port: int = 3000,
    as_json: bool = False,
) -> None:
    """Launch `search`, follow it, and say what was found. What is typed wrong is said before anything starts."""
    parse_parent(segment)
    require_optuna()
    overrides = parse_changes(changes)
    parsed, settings = load_recipe(recipe, overrides), Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    own_figures(parsed, config.search.ranges)
    require_ready(parsed, lake.local(lake.side("models")))
    version = latest_version(lake, segment)
    if version is None:
        raise NothingToSearchError(
            f"{segment} has no dataset version to search on.", hint=f"Build one: `lyo train {segment} --until dataset`."
        )
    progress = errors() if as_json else console
    server = start_server(port, on_wait=starting(progress))
    try:
        told = {name: value for name, value in budget.items() if value is not None}
        run_job(progress, Client(server.url), lake, SEARCH, segment, recipe, overrides, {"budget": told})
    finally:
        close_when_idle(server, progress)
    print_search(console, lake, config, version, parsed, as_json=as_json)


def print_search(
    console: Console, lake: Lake, config: Config, version: Version, recipe: Recipe, *, as_json: bool = False
) -> None:
    """What a search found, and the command that trains with it. Raises NothingToSearchError where it left no result."""
    identity = search_id(version.fingerprint, recipe, config.search)
    folder = lake.local(search_dir(lake, version.segment, version.fingerprint, identity))
    try:
        result = SearchResult.read(folder / RESULT)
    except DocumentError as error:
        raise NothingToSearchError(
            f"the search in {folder} left no result.", hint="See its run in `lyo ui`."
        ) from error
    if as_json:
        print_json(console, result.model_dump(mode="json"))
        return
    trials = ", ".join(f"{n} {state}" for state, n in result.trials.items())
    console.print(escape(result.says), highlight=False, soft_wrap=True)
    console.print(
        f"Trials: {trials}; {result.tokens:,} tokens in {told_span(result.seconds)}. It ended because {result.why_ended}.",
        highlight=False,
        soft_wrap=True,
    )
    if result.best:
        path = folder / BEST_RECIPE
        console.print(f"Train with it: lyo train {version.segment} --recipe {path}", highlight=False, soft_wrap=True)
