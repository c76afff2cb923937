"""Preference data as token ids, in the rows that TRL's collators take. Which preferences there are is the dataset's to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.storage.damage import CheckedTable
from lyo_pipelines.training.batches import TrainingPlan, plan_training
from lyo_pipelines.training.engine.chat import Tokens, tokenize
from lyo_pipelines.training.recipes import Recipe

TrlRow = dict[str, list[int] | bool]
"""One row for TRL's collators: token ids by name, and the label of a KTO row."""
ANSWERS = {"kto": ("answer",), "dpo": ("chosen", "rejected")}
UNITS = {"kto": "labelled answers", "dpo": "pairs"}


@dataclass(frozen=True)
class PreferenceRows:
    """Rows for TRL: `prompt_ids` with `completion_ids` and `label` (kto) or `chosen_ids` and `rejected_ids` (dpo).

    lengths: int64[n], tokens that one row costs. cut: how many rows truncation shortened, by what it took.
    """

    method: str
    dataset: datasets.Dataset
    lengths: np.ndarray
    cut: dict[str, int]

    @property
    def unit(self) -> str:
        """What a row is."""
        return UNITS[self.method]

    def answered(self) -> list[Tokens]:
        """Each prompt with the answer that it is to get (kto: the one that was rated)."""
        prompts = self.dataset["prompt_ids"]
        answers = self.dataset["completion_ids" if self.method == "kto" else "chosen_ids"]
        return [Tokens(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def with_mismatched(self, collate: Callable[[list[TrlRow]], Any]) -> Callable[[list[TrlRow]], Any]:
        """KTO's reference point needs each prompt with another row's answer: those of its micro-batch, rotated by one."""

        def collated(rows: list[TrlRow]) -> Any:
            others = [rows[-1], *rows[:-1]]
            return collate(
                [{**row, "KL_completion_ids": other["completion_ids"]} for row, other in zip(rows, others, strict=True)]
            )

        return collated


def read_preferences(dataset_dir: Path, method: str, split: str, tokenizer: Any, max_length: int) -> PreferenceRows:
    """Read and tokenise `<method>_<split>.parquet`. Raises DatasetError when it is not there."""
    path = dataset_dir / f"{method}_{split}.parquet"
    try:
        table = CheckedTable(path, str(path)).read()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}). Materialize preference_data again.") from error
    prompts = table["messages"].to_pylist()
    answered = [
        tokenize(
            [[*p, {"role": "assistant", "content": text}] for p, text in zip(prompts, texts, strict=True)],
            tokenizer,
            max_length,
        )
        for texts in (table[name].to_pylist() for name in ANSWERS[method])
    ]
    if method == "dpo":
        answered = _one_prompt(*answered)
    first = answered[0]
    columns: dict[str, list[Any]] = {"prompt_ids": [tokens.prompt for tokens in first]}
    if method == "kto":
        columns |= {"completion_ids": [tokens.answer for tokens in first], "label": table["label"].to_pylist()}
    else:
        columns |= {
            f"{name}_ids": [t.answer for t in tokens] for name, tokens in zip(ANSWERS[method], answered, strict=True)
        }
    kinds = [tokens.cut for part in answered for tokens in part if tokens.cut]
    return PreferenceRows(
        method,
        datasets.Dataset.from_dict(columns, features=_FEATURES[method]),
        np.array([sum(len(part[at]) for part in answered) for at in range(len(first))], np.int64),
        {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    )


def plan_preferences(lengths: np.ndarray, recipe: Recipe) -> TrainingPlan:
    """Plan the training. Raises DatasetError where KTO has nothing to compare.

    KTO compares an answer with others of its micro-batch, good and bad: a micro-batch of one row teaches nothing and is left out, and
    rows are never sorted by length, for good answers are longer than bad ones and micro-batches would hold one label only. DPO's
    pairs hold both answers, so that one pair is a micro-batch.
    """
    if recipe.method != "kto":
        return plan_training(lengths, recipe.batch, recipe.budget, recipe.seed)
    shuffled = recipe.batch.model_copy(update={"group_by_length": False})
    plan = plan_training(lengths, shuffled, recipe.budget, recipe.seed)
    kept = [at for at, batch in enumerate(plan.micro_batches) if len(batch) > 1]
    if not kept:
        raise DatasetError("there is only one preference to learn from: collect more ratings, or use method lora.")
    return replace(
        plan,
        micro_batches=tuple(plan.micro_batches[at] for at in kept),
        tokens=tuple(plan.tokens[at] for at in kept),
    )


def _one_prompt(chosen: Sequence[Tokens], rejected: Sequence[Tokens]) -> list[list[Tokens]]:
    """Both answers after the same prompt: where truncation took more of one, the other gets the shorter prompt too."""
    shorter = [
        better.prompt if len(better.prompt) <= len(worse.prompt) else worse.prompt
        for better, worse in zip(chosen, rejected, strict=True)
    ]
    return [[replace(t, prompt=p) for t, p in zip(part, shorter, strict=True)] for part in (chosen, rejected)]


_IDS = datasets.List(datasets.Value("int64"))
_FEATURES = {
    "kto": datasets.Features({"prompt_ids": _IDS, "completion_ids": _IDS, "label": datasets.Value("bool")}),
    "dpo": datasets.Features({"prompt_ids": _IDS, "chosen_ids": _IDS, "rejected_ids": _IDS}),
}
