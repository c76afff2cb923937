"""The search itself: ask, train, look at each validation, tell; until the budget is used up. It knows no process, no Optuna object."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from lyo_pipelines.config.search import SearchBudget, SearchConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.search.budget import ended, require_price, spent_on
from lyo_pipelines.search.record import State, TrialRecord, read_records, trial_output, write_record
from lyo_pipelines.search.sampling import is_hopeless, proposed_figures
from lyo_pipelines.search.space import own_figures, trial_recipe
from lyo_pipelines.training.recipes import Recipe

_FAILURES = 3


class SearchBusyError(LyoError):
    """The same search runs already."""


class SearchFailedError(LyoError):
    """A search cannot go on; the message says why."""


@dataclass(frozen=True)
class Line:
    """What a training has done so far. eval_loss: of a validation at this very step; last: nothing is left to be given up."""

    tokens: int
    seconds: float
    eval_loss: float | None = None
    last: bool = False


@dataclass(frozen=True)
class Ended:
    """How a training ended that was not stopped. loss: of the kept checkpoint, of a complete one."""

    state: State
    loss: float | None = None
    reason: str = ""


class TrialRun(Protocol):
    """One training on its way; it waits after each line until the next one is asked for."""

    def lines(self) -> Iterator[Line]:
        """Its lines from the first, those before a kill included."""
        ...

    def stop(self) -> Line | None:
        """Stop it in order, with a checkpoint; returns its last line."""
        ...

    def ended(self) -> Ended:
        """How it ended, after its last line."""
        ...


Train = Callable[[Recipe, Path], AbstractContextManager[TrialRun]]
"""Begin, or go on with, the training of a recipe in a folder; leaving the block stops it."""


@dataclass(frozen=True)
class Search:
    """What is searched, and where it is kept."""

    recipe: Recipe
    config: SearchConfig
    budget: SearchBudget
    folder: Path

    @property
    def per_hour(self) -> float:
        """What an hour of training costs."""
        return self.recipe.cost.per_hour


def run_search(search: Search, train: Train, say: Callable[[str], None] = lambda _: None) -> str:
    """Run trials until the budget ends, or go on where a killed search was; returns why it ended.

    Raises SearchBusyError, SearchSpaceError, BudgetError, and SearchFailedError when trial 0 or several trials in a row fail.
    """
    own = own_figures(search.recipe, search.config.ranges)
    require_price(search.budget, search.per_hour)
    search.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(search.folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SearchBusyError(f"the search in {search.folder} runs already.", hint="Wait for it, or stop it.") from None
    with lock:
        while True:
            records = read_records(search.folder)
            if why := ended(search.budget, spent_on(records, search.per_hour)):
                return why
            waiting = next((one for one in records if not one.ended), None)
            if waiting is None and search.budget.trials is not None and len(records) >= search.budget.trials:
                return f"all its {search.budget.trials} trials have run"
            earlier = [one for one in records if one.ended]
            if waiting is None:
                figures = proposed_figures(search.config, earlier, own)
                waiting = write_record(search.folder, TrialRecord(number=len(records), figures=figures))
            say(f"trial {waiting.number}: {_tried(waiting)}")
            record = write_record(search.folder, _run_trial(search, train, earlier, waiting))
            say(f"trial {record.number}: {_told(record)}")
            _keep_little(search.folder, record)
            _require_going(search, [*earlier, record])


def _run_trial(search: Search, train: Train, earlier: Sequence[TrialRecord], record: TrialRecord) -> TrialRecord:
    """Train it to its end, until it is hopeless, or until the budget is used up."""
    recipe = trial_recipe(search.recipe, record.figures, f"trial-{record.number:04d}")
    values, line = list[float](), Line(record.tokens, record.seconds)
    state: State | None = None
    with train(recipe, trial_output(search.folder, record.number)) as run:
        for line in run.lines():
            values += [] if line.eval_loss is None else [line.eval_loss]
            now = record.model_copy(update={"values": values, "tokens": line.tokens, "seconds": line.seconds})
            if line.eval_loss is not None and not line.last and is_hopeless(search.config, earlier, now):
                state = "pruned"
                break
            if not line.last and ended(search.budget, spent_on([*earlier, now], search.per_hour)):
                state = "unfinished"
                break
        if state is None:
            done = run.ended()
            if done.state == "running":
                raise SearchFailedError(
                    f"the training of trial {record.number} was ended from outside ({done.reason}).",
                    hint="Search again: it goes on from its last checkpoint.",
                )
            state, loss, reason = done.state, done.loss, done.reason
        else:
            # what is charged to a hopeless trial is what it had cost when that was found: the same in every run of the search
            line, loss, reason = (run.stop() if state == "unfinished" else None) or line, None, ""
    return record.model_copy(
        update={
            "state": state, "values": values, "loss": loss, "tokens": line.tokens, "seconds": line.seconds, "reason": reason,
        }
    )  # fmt: skip


def _tried(record: TrialRecord) -> str:
    rounded = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in record.figures.items()}
    return ", ".join(f"{key} {value}" for key, value in rounded.items())


def _told(record: TrialRecord) -> str:
    if record.state == "complete" and record.loss is not None:
        return f"validation loss {record.loss:.4f}"
    if record.state == "pruned":
        return f"given up after {len(record.values)} validations ({min(record.values):.4f})"
    return f"{record.state} {record.reason}".strip()


def _keep_little(search: Path, record: TrialRecord) -> None:
    """Checkpoints of a trial that has ended serve nobody."""
    if record.ended:
        shutil.rmtree(trial_output(search, record.number) / "checkpoints", ignore_errors=True)


def _require_going(search: Search, records: Sequence[TrialRecord]) -> None:
    if records[0].state == "complete" and records[0].loss is None:
        raise SearchFailedError(
            "the dataset has no validation examples, so trials cannot be compared.", hint="Search where there are some."
        )
    if not records[0].ended or records[0].state == "complete":
        last = records[-_FAILURES:]
        if len(last) < _FAILURES or any(one.state != "failed" for one in last):
            return
        raise SearchFailedError(
            f"{_FAILURES} trials in a row failed, the last one so: {last[-1].reason}",
            hint=f"Mend it, remove their folders below {search.folder / 'trials'} and search again.",
        )
    raise SearchFailedError(
        f"the recipe's own figures do not train, so there is nothing to compare with: {records[0].reason or records[0].state}",
        hint=f"Mend the recipe (`lyo train` says the same), remove {search.folder} and search again.",
    )
