"""`lyo doctor --recipe NAME`: could this training run here? Device, base model, packages, memory by part, and what a step is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.evaluation.planning.memory import LONGEST_ANSWER, estimate_answers
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.base_models import find_base_model
from lyo_pipelines.training.dimensions import ModelDimensions, dimensions_of
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.memory import (
    GB,
    TooLittleMemoryError,
    estimate_memory,
    free_bytes,
    largest_batch,
    require_memory,
)
from lyo_pipelines.training.preflight import BaseState, base_state, missing_package, unfit_recipe
from lyo_pipelines.training.processes import local_processes
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD, Recipe

TASK = "tutoring"
"""The task whose length limit is used: of the configured values it is the longest."""


def check_recipe(console: Console, name: str, changes: Sequence[str]) -> bool:
    """Print every finding about a recipe; return whether a training with it could start. Raises RecipeError."""
    recipe = load_recipe(name, parse_changes(changes))
    lake = Lake(Settings.from_env().data_dir)
    state = base_state(recipe.base_model, models_dir(lake))
    dimensions = dimensions_of(recipe.base_model, state.folder)
    device, no_device = _device(recipe)
    console.print(f"[bold]{recipe.name}[/]: {recipe.method} on {recipe.base_model}", highlight=False)
    troubles = [trouble for trouble in (missing_package(recipe), unfit_recipe(recipe, dimensions)) if trouble]
    _say(console, no_device is None, "device", no_device or {"cuda": "GPU", "cpu": "CPU"}[device])
    _say(console, state.there, "base model", _about(recipe, state))
    for text in _facts(recipe, dimensions):
        console.print(f"  {text}", highlight=False, soft_wrap=True)
    if too_little := _memory(console, recipe, dimensions, device, known=no_device is None):
        troubles.append(too_little)
    for trouble in troubles:
        _say(console, False, "cannot start", trouble)
    return state.there and no_device is None and not troubles


def _device(recipe: Recipe) -> tuple[str, str | None]:
    """(device, what is wrong with it or None). torch is loaded only where there is a driver to ask."""
    wanted, driver = recipe.device, Path("/proc/driver/nvidia/version").exists()
    found = False
    if driver and wanted != "cpu":
        import torch

        found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        return "cuda", "the recipe wants a GPU and this machine shows none: --set device=cpu, or train elsewhere"
    return ("cuda" if found else "cpu"), None


def _about(recipe: Recipe, state: BaseState) -> str:
    known = state.known or find_base_model(recipe.base_model)
    licence = f"; licence {known.licence}{' (gated)' if known.gated else ''}" if known else ""
    return state.text + licence


def _facts(recipe: Recipe, dimensions: ModelDimensions | None) -> Iterator[str]:
    length, step = recipe.batch.max_length_of(TASK), recipe.batch.size * recipe.batch.accumulation
    yield f"a step: {step} examples ({recipe.batch.size} x {recipe.batch.accumulation}), each up to {length:,} tokens ({TASK})"
    budget = recipe.budget
    ends = [f"{budget.epochs:g} epochs"]
    ends += [f"{budget.tokens:,} tokens"] if budget.tokens else []
    ends += [f"{budget.steps:,} steps"] if budget.steps else []
    yield f"ends after the first of: {', '.join(ends)}"
    if dimensions is not None:
        learnt = dimensions.parameters if recipe.method == "full" else dimensions.lora(recipe.lora.r)
        yield f"{dimensions.parameters:,} weights, of which {learnt:,} are learnt{'' if recipe.method == 'full' else ' (beside them)'}"


def _memory(
    console: Console, recipe: Recipe, dimensions: ModelDimensions | None, device: str, *, known: bool
) -> str | None:
    if dimensions is None:
        console.print("  memory: no estimate for this architecture", highlight=False)
        return None
    dtype = training_dtype(recipe, device) if known else recipe.dtype
    if dtype != recipe.dtype:
        console.print(f"  this device does not multiply {recipe.dtype} natively: trained in {dtype}", highlight=False)
    needed = estimate_memory(
        dimensions,
        recipe,
        largest_batch(recipe, TASK),
        device,
        dtype=dtype,
        processes=local_processes(recipe, int(device == "cuda")),
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("memory at the longest batch")
    table.add_column("GB", justify="right")
    for name, size in needed.parts.items():
        table.add_row(f"  {name}", f"{size / GB:.2f}")
    table.add_row("  together", f"{needed.total / GB:.2f}")
    if known:
        table.add_row("  free here", f"{free_bytes(device) / GB:.2f}")
    console.print(table)
    _report_memory(console, recipe, dimensions, device, 4 if dtype == "float32" else 2)
    if not known:
        return None
    try:
        require_memory(needed, recipe, device)
    except TooLittleMemoryError as error:
        return str(error)
    return None


def _report_memory(console: Console, recipe: Recipe, dimensions: ModelDimensions, device: str, size: int) -> None:
    """What the report of the adapter takes: the base as it was in training, in 4 bits where it was so."""
    config = load_config(Settings.from_env().config_path).evaluation
    answer = config.max_new_tokens or LONGEST_ANSWER

    def needed(batch: int) -> float:
        return estimate_answers(
            dimensions, batch=batch, prompt=config.max_length, answer=answer,
            four_bit=recipe.method == FOUR_BIT_METHOD, size=size, device=device,
        ).total / GB  # fmt: skip

    console.print(
        f"  memory of its report: {needed(config.generation_batch):.2f} GB with {config.generation_batch} long questions together; "
        f"fewer are asked where that is not free (one alone: {needed(1):.2f} GB)",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _say(console: Console, well: bool, name: str, text: str) -> None:
    console.print(f"{'[green]✓[/]' if well else '[red]✗[/]'} {name}: {text}", highlight=False, soft_wrap=True)
