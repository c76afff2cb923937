"""A training whose numbers ran away (NaN, infinity): what is said of it, and the note that keeps it from being tried again unchanged.

The same recipe on the same data diverges again, so a retry, or the next run, is refused at once. Light: no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.recipes import TUNING_METHODS, Recipe

NOTE = "diverged.json"
"""In the output folder of a training that diverged: its message and what to change."""
HIGH_RATE = 1e-3
"""A learning rate above this is the first suspect; recipes here have 2e-5 to 5e-4."""


class DivergedError(LyoError):
    """A training's loss, gradient or weights are no numbers any more; the message says since when, the hint what to change."""


def diverged(recipe: Recipe, what: str, value: float, *, step: int, steps: int, before: int) -> DivergedError:
    """The error. what: whose value is no number, first seen after `step` of `steps`; before: the last step with a number, or 0."""
    since = f"at step {step} of {steps}" if step - before <= 1 else f"between step {before + 1} and {step} of {steps}"
    said = "are not all numbers" if what == "weights" else f"is {_said(value)}"
    return DivergedError(f"this training diverged {since}: its {what} {said}.", hint=_advice(recipe))


def first_divergence(history: Sequence[Mapping[str, float]]) -> tuple[str, float, int] | None:
    """(what, value, step) of the first value of a Trainer's history that is no number; None where all are."""
    for entry in history:
        for name, what in (("loss", "loss"), ("grad_norm", "gradient's norm"), ("eval_loss", "validation loss")):
            if name in entry and not math.isfinite(entry[name]):
                return what, entry[name], int(entry.get("step", 0))
    return None


def note_divergence(output: Path, error: DivergedError) -> None:
    """Leave the note in the output folder."""
    write_whole(output / NOTE, json.dumps({"message": error.message, "hint": error.hint}, ensure_ascii=False, indent=1))


def require_not_diverged(output: Path) -> None:
    """Raise DivergedError where the training of this folder (one recipe, one dataset, one start) diverged before."""
    try:
        told = json.loads((output / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # no note, or a torn one: then it is tried
        return
    again = f"It would do so again; to try it all the same, remove {output}."
    raise DivergedError(
        str(told.get("message", "this training diverged.")), hint=f"{told.get('hint', '')} {again}".strip()
    )


def _said(value: float) -> str:
    return "NaN" if math.isnan(value) else "infinite"


def _advice(recipe: Recipe) -> str:
    rate = recipe.optimizer.learning_rate
    usual = "2e-5" if recipe.method in {"full", *TUNING_METHODS} else "2e-4"
    ways = [f"lower optimizer.learning_rate (it is {rate:g}; usual is {usual})"]
    if recipe.optimizer.max_grad_norm == 0:
        ways.append("set optimizer.max_grad_norm=1 (gradients are not clipped)")
    if rate <= HIGH_RATE:
        ways += ["raise optimizer.warmup_ratio", *(["set dtype=float32"] if recipe.dtype != "float32" else [])]
    first, *others = ways
    return f"{first[0].upper()}{first[1:]}{''.join(f', or {way}' for way in others)}, and train again."
