"""Trials without a training: their losses are a function of their figures, so that a search of fifty takes a moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.config.search import SearchBudget, SearchConfig
from lyo_pipelines.search.study import Ended, Line, Search
from lyo_pipelines.training.recipe_loading import load_recipe
from lyo_pipelines.training.recipes import Recipe

STEPS, TOKENS, EVERY = 16, 100, 4
"""Steps of a trial, tokens of a step, steps between two validations (each leaves a checkpoint)."""


class KilledError(Exception):
    """The machine went away."""


@dataclass
class MadeTrials:
    """Starts made trials; `kill_at`: the how manyth line ends everything. steps: really done, over all processes."""

    kill_at: int | None = None
    fails: Callable[[Recipe], str] = lambda recipe: ""
    lines: int = 0
    trained: list[tuple[str, int]] = field(default_factory=list)

    @contextmanager
    def __call__(self, recipe: Recipe, output: Path) -> Iterator[MadeRun]:
        output.mkdir(parents=True, exist_ok=True)
        yield MadeRun(self, recipe, output)


@dataclass
class MadeRun:
    """Goes on from its last checkpoint, as an engine does; lines from before it are told again."""

    trials: MadeTrials
    recipe: Recipe
    output: Path
    step: int = 0

    def lines(self) -> Iterator[Line]:
        mark = self.output / "checkpoint"
        begin = int(mark.read_text()) if mark.is_file() else 0
        for step in range(1, STEPS + 1):
            self.step = step
            if step > begin:
                self.trials.trained.append((self.recipe.name, step))
                if step % EVERY == 0:
                    mark.write_text(str(step))
                self.trials.lines += 1
            loss = loss_after(self.recipe, step) if step % EVERY == 0 else None
            yield Line(step * TOKENS, float(step), loss, last=step == STEPS)
            if step > begin and self.trials.lines == self.trials.kill_at:
                raise KilledError

    def stop(self) -> Line:
        (self.output / "checkpoint").write_text(str(self.step))
        return Line(self.step * TOKENS, float(self.step))

    def ended(self) -> Ended:
        if why := self.trials.fails(self.recipe):
            return Ended("failed", reason=why)
        return Ended("complete", min(loss_after(self.recipe, step) for step in range(EVERY, STEPS + 1, EVERY)))


def loss_after(recipe: Recipe, step: int) -> float:
    """Best at a learning rate of 5e-4 and a rank of 8."""
    away = math.log10(recipe.optimizer.learning_rate / 5e-4) ** 2 + (recipe.lora.r - 8) ** 2 / 300
    return 1.0 + away + math.exp(-step / 5)


def search_config(**changes: object) -> SearchConfig:
    """The packaged configuration of searches with changes."""
    return lay_over({"search": changes}).search


def made_search(folder: Path, budget: dict[str, float], **changes: object) -> Search:
    """A search over the owner's recipe."""
    recipe = load_recipe("owner", {"cost.per_hour": 3.6})
    return Search(recipe, search_config(**changes), SearchBudget.model_validate(budget), folder)
