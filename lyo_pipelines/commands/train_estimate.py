"""What a training would take, before anything starts: data, steps, memory, time and cost. It launches and writes nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import Config
from lyo_pipelines.costs.forecast import CostForecast, CostForecasts, PlannedRun, Range, planned_size
from lyo_pipelines.costs.money import price_of_hour
from lyo_pipelines.costs.past_runs import kind_of, past_reports, past_runs, read_reports, tokens_per_example
from lyo_pipelines.dataset.benchmarks import registered_benchmarks
from lyo_pipelines.dataset.plan import make_plan
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.split_memory import load_split_memory
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir
from lyo_pipelines.training.dimensions import dimensions_of
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.machine_name import machine_name
from lyo_pipelines.training.memory import GB, estimate_memory, free_bytes, largest_batch
from lyo_pipelines.training.preflight import base_state
from lyo_pipelines.training.processes import local_processes
from lyo_pipelines.training.recipes import Recipe

_SLOW_SECONDS = 1_200.0
_MINUTES_TOKENS = 30_000
_TWO_CORES = (350.0, 700.0)
"""Tokens a second of the embedded model on two cores, without and with native bfloat16 (benchmarks/training_cpu.py)."""


@dataclass(frozen=True)
class TrainEstimate:
    """Of one training. examples: by split; tokens: in all, prompts included; seconds, report_seconds: (from, to), None where
    nothing tells them.

    speed: where the seconds are known from; memory_gb and free_gb, memory_gb None where the architecture is not known;
    memory_range_gb: what past runs make of the estimate. confidence: of the intervals that past runs tell, None where there is
    none; runs: how many of them. money: (from, to) in `currency`, None where nothing is charged."""

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
    report_seconds: tuple[float, float] | None = None
    memory_range_gb: tuple[float, float] | None = None
    confidence: float | None = None
    runs: int = 0
    money: tuple[float, float] | None = None
    currency: str = ""
    notes: tuple[str, ...] = ()


def estimate_training(lake: Lake, config: Config, segment: str, recipe: Recipe, *, exact: bool = True) -> TrainEstimate:
    """What the recipe would take on the segment's curated days. exact: split them as the dataset would be (seconds), else by
    count.

    Raises what building the dataset would raise.
    """
    device = _device(recipe)
    examples = _examples(lake, config, segment, exact=exact)
    models_dir = Path(lake.local(lake.side("models")))
    machine, dtype = machine_name(device, threads=recipe.speed.threads), training_dtype(recipe, device)
    runs = past_runs(lake, models_dir)
    same = [run for run in runs if run.base_model == recipe.base_model and run.method == recipe.method]
    per_example, known = tokens_per_example(same, segment)
    tokens, steps = planned_size(recipe, examples["train"], per_example)
    epoch = max(1, examples["train"]) * per_example
    memory, free, notes = _memory(lake, recipe, segment, device)
    # base, adapter and, where one serves, the current one
    answers = 2 * min(examples["test"], config.evaluation.max_items or examples["test"])
    planned = PlannedRun(
        kind_of(recipe.base_model, recipe.method, dtype), machine, tokens, steps,
        estimate=None if memory is None else round(memory * GB), answers=answers,
    )  # fmt: skip
    price = price_of_hour(
        machine, config.costs, recipe_price=recipe.cost.per_hour, recipe_currency=recipe.cost.currency
    )
    past = CostForecasts(runs, past_reports(read_reports(lake), runs), config.costs.forecast)
    found = past.of(planned, price)
    seconds, speed = _seconds(found, tokens, recipe, device)
    if not known:
        notes.append(f"tokens are guessed: {per_example:.0f} an example, as no training of this lake says it")
    money = found.money if found else None
    if found is None and price is not None and seconds is not None:
        money = price.times(seconds[0] / 3600, seconds[1] / 3600)
    return TrainEstimate(
        segment=segment, recipe=recipe.name, base_model=recipe.base_model, device=device, examples=examples,
        epochs=round(tokens / epoch, 2), steps=steps, tokens=round(tokens),
        tokens_per_example=round(per_example, 1), speed=speed, seconds=seconds, memory_gb=memory, free_gb=free,
        cost=str(money) if money else "not charged (no price for an hour of this machine)",
        report_seconds=_ends(found.report_seconds) if found else None,
        memory_range_gb=_ends(found.memory, GB) if found else None,
        confidence=found.confidence if found else None, runs=found.seconds.runs if found else 0,
        money=(money.low, money.high) if money else None, currency=money.currency if money else "", notes=tuple(notes),
    )  # fmt: skip


def quicker(estimate: TrainEstimate) -> str | None:
    """What can be trained in minutes instead, where the estimate is long and there is no GPU; None where nothing has to be
    said."""
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
        ("memory", f"{memory} at the longest batch{_past_memory(estimate)}; {estimate.free_gb:.1f} GB free"),
        ("time", f"{_span(*estimate.seconds)}, {estimate.speed}" if estimate.seconds else time),
        (
            "report",
            f"{_span(*estimate.report_seconds)} on top" if estimate.report_seconds else "about as much again on a CPU",
        ),
        ("cost", estimate.cost),
    ):
        table.add_row(name, text)
    console.print(table)
    for note in estimate.notes:
        console.print(f"  {note}", highlight=False, soft_wrap=True)
    if said := quicker(estimate):
        console.print(said, highlight=False, soft_wrap=True)
    console.print("A dry run: nothing was started. `lyo cost` says what earlier ones cost.", highlight=False)


def _past_memory(estimate: TrainEstimate) -> str:
    """What past runs make of the estimate."""
    if estimate.memory_range_gb is None:
        return ""
    low, high = estimate.memory_range_gb
    return f", {low:.1f} to {high:.1f} GB as past runs have it"


def _device(recipe: Recipe) -> str:
    """Where it would run; torch is loaded only where there is a driver to ask."""
    if recipe.device == "cpu" or not Path("/proc/driver/nvidia/version").exists():
        return "cuda" if recipe.device == "cuda" else "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _examples(lake: Lake, config: Config, segment: str, *, exact: bool) -> dict[str, int]:
    scope = scope_of(lake, segment, config.dataset.mixtures, config.dataset.teams.allowed)
    if not exact:
        kept, shares = sum(count.kept for count in scope.counts.values()), config.dataset.fractions
        return {name: round(kept * getattr(shares, name)) for name in ("train", "validation", "test")}
    memory, _ = load_split_memory(lake, scope)
    plan = make_plan(
        lake,
        scope,
        config.dataset,
        config.curation,
        benchmarks=registered_benchmarks(lake),
        memory=memory,
        validity=load_curriculum(lake).validity,
        day=datetime.now(UTC).date(),
    )
    return {name: int((plan.split == code).sum()) for code, name in enumerate(("train", "validation", "test"))}


def _seconds(
    found: CostForecast | None, tokens: float, recipe: Recipe, device: str
) -> tuple[tuple[float, float] | None, str]:
    """(from, to) and where it is known from."""
    if found is not None:
        return _ends(found.seconds), f"{found.confidence:.0%} interval {found.seconds.told}"
    if device == "cpu" and recipe.base_model == "smollm2-135m-instruct" and recipe.method == "lora":
        low, high = _TWO_CORES
        return (
            tokens / high,
            tokens / low,
        ), f"at {low:.0f} to {high:.0f} tokens/s, what two cores do: no training of this lake says it"
    return None, "not known"


def _ends(found: Range | None, unit: float = 1.0) -> tuple[float, float] | None:
    return None if found is None else (found.low / unit, found.high / unit)


def _memory(lake: Lake, recipe: Recipe, segment: str, device: str) -> tuple[float | None, float, list[str]]:
    state = base_state(recipe.base_model, models_dir(lake))
    notes = [] if state.there else [state.text]
    if device == "cuda" and not Path("/proc/driver/nvidia/version").exists():
        return None, free_bytes("cpu") / GB, [*notes, "the recipe wants a GPU and there is none here: --set device=cpu"]
    dimensions, free = dimensions_of(recipe.base_model, state.folder), free_bytes(device) / GB
    if dimensions is None:
        return None, free, notes
    batch = largest_batch(recipe, parse_parent(segment).task)
    needed = (
        estimate_memory(
            dimensions,
            recipe,
            batch,
            device,
            dtype=training_dtype(recipe, device),
            processes=local_processes(recipe, int(device == "cuda")),
        ).total
        / GB
    )
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
