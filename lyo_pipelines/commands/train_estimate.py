"""What a training would take, before anything starts: data, steps, memory, time and cost. It launches and writes nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import Config
from lyo_pipelines.dataset.benchmarks import registered_benchmarks
from lyo_pipelines.dataset.plan import make_plan
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.split_memory import load_split_memory
from lyo_pipelines.errors import LyoError
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.dimensions import dimensions_of
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.memory import GB, estimate_memory, free_bytes, largest_batch
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.preflight import base_state
from lyo_pipelines.training.recipes import Recipe
from lyo_pipelines.training.versions import list_adapters

_SLOW_SECONDS = 1_200.0
_MINUTES_TOKENS = 30_000
_TWO_CORES = (350.0, 700.0)
"""Tokens a second of the embedded model on two cores, without and with native bfloat16 (benchmarks/training_cpu.py)."""
_TOKENS_PER_EXAMPLE = 200
"""Where no training of this lake says it: what the sample's tutoring dialogues have with the embedded model's tokenizer."""


@dataclass(frozen=True)
class TrainEstimate:
    """Of one training. examples: by split; tokens: in all, prompts included; seconds: (from, to), None where no speed is known.

    speed: tokens a second with where that is known from; memory and free in GB, None where the architecture is not known.
    """

    segment: str
    recipe: str
    base_model: str
    device: str
    examples: dict[str, int]
    epochs: float
    steps: int
    tokens: int
    tokens_per_example: float
    speed: str
    seconds: tuple[float, float] | None
    memory_gb: float | None
    free_gb: float
    cost: str
    notes: tuple[str, ...] = ()


def estimate_training(lake: Lake, config: Config, segment: str, recipe: Recipe, *, exact: bool = True) -> TrainEstimate:
    """What the recipe would take on the segment's curated days. exact: split them as the dataset would be (seconds), else by count.

    Raises what building the dataset would raise.
    """
    device = _device(recipe)
    examples = _examples(lake, config, segment, exact=exact)
    earlier = _trainings(lake, recipe)
    per_example, known = _tokens_per_example(earlier, segment)
    step, budget = recipe.batch.size * recipe.batch.accumulation, recipe.budget
    epoch = max(1, examples["train"]) * per_example
    tokens = min(epoch * budget.epochs, budget.tokens or float("inf"))
    tokens = min(tokens, (budget.steps or float("inf")) * step * per_example)
    speeds = [speed for one in earlier if (speed := one.metrics.tokens_per_second)]
    low_high, speed = _speed(speeds, recipe, device)
    seconds = None if low_high is None else (tokens / low_high[1], tokens / low_high[0])
    memory, free, notes = _memory(lake, recipe, segment, device)
    if not known:
        notes.append(f"tokens are guessed: {per_example:.0f} an example, as no training of this lake says it")
    cost = ""
    if recipe.cost.per_hour and seconds:
        low, high = (recipe.cost.per_hour * one / 3600 for one in seconds)
        cost = f"{low:.2f} to {high:.2f} {recipe.cost.currency}"
    return TrainEstimate(
        segment=segment, recipe=recipe.name, base_model=recipe.base_model, device=device, examples=examples,
        epochs=round(tokens / epoch, 2), steps=max(1, ceil(tokens / (step * per_example))), tokens=round(tokens),
        tokens_per_example=round(per_example, 1), speed=speed, seconds=seconds, memory_gb=memory, free_gb=free,
        cost=cost or "not charged (cost.per_hour is 0)", notes=tuple(notes),
    )  # fmt: skip


def quicker(estimate: TrainEstimate) -> str | None:
    """What can be trained in minutes instead, where the estimate is long and there is no GPU; None where nothing has to be said."""
    if estimate.device != "cpu" or estimate.seconds is None or estimate.seconds[0] < _SLOW_SECONDS:
        return None
    shrunk = _MINUTES_TOKENS / estimate.tokens
    low, high = (seconds * shrunk for seconds in estimate.seconds)
    return (
        f"No GPU here: this takes about {_span(*estimate.seconds)}. To see the whole way in {_span(low, high)} first: "
        f"`lyo train {estimate.segment} --recipe {estimate.recipe} --set budget.tokens={_MINUTES_TOKENS}`."
    )


def show_estimate(console: Console, estimate: TrainEstimate, *, as_json: bool) -> None:
    """Print it as a table or as one JSON object."""
    if as_json:
        print_json(console, asdict(estimate))
        return
    table = Table(title=f"A training of {estimate.segment}, as it would be", title_justify="left", show_header=False)
    split = ", ".join(f"{name} {n:,}" for name, n in estimate.examples.items())
    memory = "not known for this architecture" if estimate.memory_gb is None else f"{estimate.memory_gb:.1f} GB"
    time = "not known: nothing like it was trained in this lake yet"
    for name, text in (
        ("data", f"{sum(estimate.examples.values()):,} examples: {split}"),
        ("recipe", f"{estimate.recipe}, {estimate.base_model} on the {'GPU' if estimate.device == 'cuda' else 'CPU'}"),
        ("steps", f"{estimate.steps:,} for {estimate.epochs:g} epochs"),
        ("tokens", f"{estimate.tokens:,}, {estimate.tokens_per_example:,.0f} an example"),
        ("memory", f"{memory} at the longest batch; {estimate.free_gb:.1f} GB free"),
        ("time", f"{_span(*estimate.seconds)}, at {estimate.speed}" if estimate.seconds else time),
        ("cost", estimate.cost),
    ):
        table.add_row(name, text)
    console.print(table)
    for note in estimate.notes:
        console.print(f"  {note}", highlight=False, soft_wrap=True)
    if said := quicker(estimate):
        console.print(said, highlight=False, soft_wrap=True)
    console.print(
        "A dry run: nothing was started. The report comes on top, with about as much again on a CPU.", highlight=False
    )


def _device(recipe: Recipe) -> str:
    """Where it would run; torch is loaded only where there is a driver to ask."""
    if recipe.device == "cpu" or not Path("/proc/driver/nvidia/version").exists():
        return "cuda" if recipe.device == "cuda" else "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _examples(lake: Lake, config: Config, segment: str, *, exact: bool) -> dict[str, int]:
    scope = scope_of(lake, segment, config.dataset.mixtures)
    if not exact:
        kept, shares = sum(count.kept for count in scope.counts.values()), config.dataset.fractions
        return {name: round(kept * getattr(shares, name)) for name in ("train", "validation", "test")}
    memory, _ = load_split_memory(lake, scope)
    plan = make_plan(
        lake, scope, config.dataset, config.curation, benchmarks=registered_benchmarks(lake), memory=memory
    )
    return {name: int((plan.split == code).sum()) for code, name in enumerate(("train", "validation", "test"))}


def _trainings(lake: Lake, recipe: Recipe) -> list[TrainingResult]:
    """Finished adapters of this lake on the recipe's base model, by the same kind of method."""
    found = list[TrainingResult]()
    for key in lake.names(lake.path("adapters")):
        try:
            found += [
                one
                for one in list_adapters(lake, key)
                if one.base_model == recipe.base_model and one.manifest.method == recipe.method and one.metrics.tokens
            ]
        except LyoError:
            continue  # a damaged adapter says nothing of speed
    return found


def _tokens_per_example(earlier: list[TrainingResult], segment: str) -> tuple[float, bool]:
    """(tokens of one example, whether a training says so): of the segment, else of its language, else of any."""
    wanted = parse_parent(segment)
    told = [
        (one.segment, one.metrics.tokens / (one.manifest.examples["train"] * one.metrics.epochs))
        for one in earlier
        if one.manifest.examples.get("train") and one.metrics.epochs
    ]
    for fits in (
        lambda key: key == segment,
        lambda key: parse_parent(key).language == wanted.language,
        lambda _: True,
    ):
        if found := [tokens for key, tokens in told if fits(key)]:
            return median(found), True
    return float(_TOKENS_PER_EXAMPLE), False


def _speed(speeds: list[float], recipe: Recipe, device: str) -> tuple[tuple[float, float] | None, str]:
    if speeds:
        middle = median(speeds)
        return (0.7 * middle, 1.3 * middle), f"about {middle:,.0f} tokens/s as in {len(speeds)} trainings of this lake"
    if device == "cpu" and recipe.base_model == "smollm2-135m-instruct" and recipe.method == "lora":
        return _TWO_CORES, f"{_TWO_CORES[0]:.0f} to {_TWO_CORES[1]:.0f} tokens/s, what two cores do"
    return None, "not known"


def _memory(lake: Lake, recipe: Recipe, segment: str, device: str) -> tuple[float | None, float, list[str]]:
    state = base_state(recipe.base_model, models_dir(lake))
    notes = [] if state.there else [state.text]
    if device == "cuda" and not Path("/proc/driver/nvidia/version").exists():
        return None, free_bytes("cpu") / GB, [*notes, "the recipe wants a GPU and there is none here: --set device=cpu"]
    dimensions, free = dimensions_of(recipe.base_model, state.folder), free_bytes(device) / GB
    if dimensions is None:
        return None, free, notes
    batch = largest_batch(recipe, parse_parent(segment).task)
    needed = estimate_memory(dimensions, recipe, batch, device, dtype=training_dtype(recipe, device)).total / GB
    if recipe.memory.refuse_above and needed > recipe.memory.refuse_above * free:
        notes.append("it would not start: too little memory is free; `lyo doctor --recipe` says what takes how much")
    return round(needed, 2), round(free, 2), notes


def _span(low: float, high: float) -> str:
    """A time in the words that people use."""
    if high < 90:
        return f"{low:.0f} to {high:.0f} s"
    if high < 5_400:
        return f"{max(1, round(low / 60))} to {round(high / 60)} minutes"
    return f"{low / 3600:.1f} to {high / 3600:.1f} hours"
