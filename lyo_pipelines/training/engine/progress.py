"""What happens at each step: log, validate, save, stop; and the line of metrics.jsonl that says so."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers

from lyo_pipelines.external_process.stopping import StopRequest
from lyo_pipelines.training.batches import TrainingPlan
from lyo_pipelines.training.divergence import diverged, first_divergence
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.metrics_log import MetricsLog, Stage
from lyo_pipelines.training.recipes import Recipe

VALIDATIONS = 8
"""How often a training validates when its recipe names no interval, at most."""
_FORWARD = 1 / 3
"""What a token costs that is only read, against one that is learnt from: there is no backward pass, twice as long as the forward."""
_VALIDATING = 0.2
"""Of the cost of training, what validating may cost: a short training beside a long validation validates less often."""


def validation_steps(recipe: Recipe, steps: int, lengths: Sequence[int] | np.ndarray, tokens: int) -> set[int]:
    """The steps after which to validate: every interval, and always the last; none without validation examples.

    lengths: tokens of each validation example; tokens: of the whole training.
    """
    if not len(lengths):
        return set()
    interval = recipe.validation.interval
    if interval is None:
        affordable = _VALIDATING * tokens / (_FORWARD * sum(map(int, lengths)))
        interval = max(1, round(steps / min(VALIDATIONS, max(affordable, 1))))
    return {*range(interval, steps + 1, interval), steps}


def out_of_patience(losses: Sequence[float], patience: int | None, min_delta: float) -> bool:
    """Whether the last `patience` validations brought no loss better than the best before them by more than min_delta.

    A function of the history alone, so that a resumed run decides as the killed one would have.
    """
    if patience is None or len(losses) <= patience:
        return False
    best = float("inf")
    bad = 0
    for loss in losses:
        bad = 0 if loss < best - min_delta else bad + 1
        best = min(best, loss)
    return bad >= patience


def validation_losses(state: transformers.TrainerState) -> list[float]:
    """Validation losses so far, oldest first."""
    return [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]


def peak_memory_bytes() -> int:
    """Peak memory of this process: on the GPU where one is used, else resident memory."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class TrainingProgress(transformers.TrainerCallback):
    """Steers the Trainer along the recipe and writes metrics.jsonl. `tell` gets a sentence for people now and then."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        plan: TrainingPlan,
        log: MetricsLog,
        stop: StopRequest,
        validations: set[int],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        ranks: Ranks = ALONE,
    ) -> None:
        self.ranks = ranks
        self.recipe, self.plan, self.log, self.stop, self.tell, self.clock = recipe, plan, log, stop, tell, clock
        self.validations = validations
        self.started = clock()
        self.training_started: float | None = None
        self.first_step = self.step = 0
        self.sound_step = 0  # the last one whose loss was seen to be a number
        self.validating_seconds = 0.0  # of this process; not counted in tokens per second
        self.validation_started: float | None = None
        self.stopped_early = False

    # -- called by the Trainer ---------------------------------------------------------------------------------
    def on_train_begin(self, args: Any, state: transformers.TrainerState, control: Any, **kwargs: Any) -> None:
        """Start the clock of this process; a resumed run continues the count of seconds."""
        self.training_started = self.clock()
        self.first_step = self.step = self.sound_step = state.global_step
        self.write("training")

    def on_step_end(
        self, args: Any, state: transformers.TrainerState, control: transformers.TrainerControl, **kwargs: Any
    ) -> Any:
        """Decide what this step is followed by."""
        self.step = step = state.global_step
        interval = self.recipe.checkpoints.interval
        if self.ranks.agree_to_stop(self.stop) and step < self.plan.steps:
            control.should_save = control.should_training_stop = control.should_log = True
            return control
        validate = step in self.validations
        last = step >= self.plan.steps
        checkpoint = validate or last or (interval is not None and step % interval == 0)
        control.should_evaluate = validate
        control.should_save = checkpoint
        # a checkpoint forgets the losses since the last line, so there is always a line with it
        control.should_log = checkpoint or step % self.recipe.logging.interval == 0
        return control

    def on_log(
        self, args: Any, state: transformers.TrainerState, control: Any, logs: Any = None, **kwargs: Any
    ) -> None:
        """One line of metrics.jsonl for each logged step and each validation. Raises DivergedError where a value is no number."""
        logs = logs or {}
        if (found := first_divergence([logs])) is not None:
            what, value, _ = found
            raise diverged(
                self.recipe,
                what,
                value,
                step=self.step,
                steps=self.plan.steps,
                before=min(self.sound_step, self.step - 1),
            )
        self.sound_step = self.step
        if "eval_loss" in logs:
            if self.validation_started is not None:
                self.validating_seconds += self.clock() - self.validation_started
                self.validation_started = None
            self.write("validating", eval_loss=logs["eval_loss"], **self.further(logs))
            self.tell(f"step {self.step} of {self.plan.steps}: validation loss {logs['eval_loss']:.4f}")
        elif "loss" in logs:
            self.write("training", loss=logs["loss"], learning_rate=logs.get("learning_rate"), **self.further(logs))
            rate, left = self.tokens_per_second(), self.eta_seconds()
            self.tell(
                f"step {self.step} of {self.plan.steps}: loss {logs['loss']:.4f}"
                + (f", {rate:,.0f} tokens/s" if rate else "")
                + (f", {left:.0f} s left" if left is not None else "")
            )

    def on_evaluate(
        self, args: Any, state: transformers.TrainerState, control: transformers.TrainerControl, **kwargs: Any
    ) -> Any:
        """Stop when validation has not become better for as long as the recipe is patient, or when a stop was asked for meanwhile."""
        if self.stop.reason and self.step < self.plan.steps:
            control.should_training_stop = True
            return control
        rule = self.recipe.validation
        if out_of_patience(validation_losses(state), rule.patience, rule.min_delta) and self.step < self.plan.steps:
            self.stopped_early = control.should_training_stop = True
            self.tell(f"stopped early at step {self.step}: {rule.patience} validations without a better loss")
        return control

    def further(self, logs: Mapping[str, Any]) -> dict[str, Any]:
        """What else of a log belongs into its line: nothing, but for kinds of training that say so."""
        return {}

    # -- called by the engine ----------------------------------------------------------------------------------
    def on_validation(self, done: int, total: int) -> None:
        """Progress within a validation."""
        if self.validation_started is None:
            self.validation_started = self.clock()
            self.write("validating")

    def seconds(self) -> float:
        """Seconds of this training, those of earlier processes that it resumed from included."""
        return self.log.seconds_before + self.clock() - self.started

    def training_seconds(self) -> float:
        """Seconds of this process inside training steps (loading, validating and saving left out as far as they are known)."""
        return 0.0 if self.training_started is None else self.clock() - self.training_started - self.validating_seconds

    def tokens(self) -> int:
        """Non-padding tokens trained on so far."""
        return int(self.plan.tokens_after[self.step])

    def tokens_per_second(self) -> float | None:
        """Non-padding tokens per second of this process."""
        done = self.tokens() - int(self.plan.tokens_after[self.first_step])
        seconds = self.training_seconds()
        return done / seconds if done and seconds > 0 else None

    def eta_seconds(self) -> float | None:
        """Seconds left: tokens left at the rate so far, and the validations left at what one took."""
        rate = self.tokens_per_second()
        if rate is None:
            return None
        left = (int(self.plan.tokens_after[-1]) - self.tokens()) / rate
        past = sum(1 for step in self.validations if self.first_step < step <= self.step)
        future = sum(1 for step in self.validations if step > self.step)
        return left + (self.validating_seconds / past * future if past else 0.0)

    def write(self, stage: Stage, **values: Any) -> None:
        """One line of metrics.jsonl."""
        self.log.write(
            stage,
            step=self.step,
            steps=self.plan.steps,
            epoch=round(float(self.plan.epoch_after[self.step]), 4),
            tokens=self.tokens(),
            tokens_per_second=self.tokens_per_second(),
            seconds=round(self.seconds(), 2),
            eta_seconds=0.0 if stage == "done" else self.eta_seconds(),
            memory_bytes=peak_memory_bytes(),
            **values,
        )
