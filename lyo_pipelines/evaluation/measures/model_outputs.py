"""What came out of asking one model, as plain lists in the order of the items. Metrics and verdicts do not belong here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.inputs.known_results import known_result


@dataclass(frozen=True)
class Timing:
    """How long a model took. Response times are of single questions (batch 1), throughput is of batched generation."""

    first_token_seconds: list[float]
    total_seconds: list[float]
    probe_tokens: int
    generation_seconds: float
    generation_tokens_per_second: float
    peak_memory_bytes: int
    device: str
    dtype: str
    reused: bool


@dataclass(frozen=True)
class ModelOutputs:
    """Everything one model did, one entry for each item; nll in nats summed over the reference's tokens.

    A model behind an endpoint tells no likelihoods (nll None, of 0 tokens), perhaps no numbers of tokens, and has no timing of its
    own; answered: which items it answered, None for all.
    """

    nll_sums: list[float | None]
    nll_tokens: list[int]
    cut: list[bool]
    texts: list[str]
    answer_tokens: list[int | None]
    truncated: list[bool]
    prompt_tokens: list[int | None]
    max_new_tokens: int
    timing: Timing | None
    answered: list[bool] | None = None

    @property
    def without_a_number(self) -> list[bool]:
        """Of each item whose likelihood was asked for, in order: whether it is no number (a broken adapter, or an overflow)."""
        known = zip(self.nll_sums, self.nll_tokens, strict=True)
        return [total is None or not math.isfinite(total) for total, tokens in known if tokens]

    def is_answered(self, row: int) -> bool:
        """Whether there is an answer to look at."""
        return self.answered is None or self.answered[row]

    @property
    def has_likelihoods(self) -> bool:
        """Whether the references' likelihoods are known."""
        return any(self.nll_tokens)


def metric_inputs(items: Sequence[Item], outputs: ModelOutputs) -> dict[str, list[Any]]:
    """The columns of `catalogue.INPUTS`."""
    return {
        "predictions": outputs.texts,
        "references": [item.reference for item in items],
        "questions": [item.question for item in items],
        "expected_answers": [known_result(item).text for item in items],
        "languages": [item.language for item in items],
        "subjects": [item.subject or "" for item in items],
        "grades": [item.grade or "" for item in items],
        # infinity as well is no loss that could be averaged; without_a_number counts both
        "nll_sums": [
            math.nan if total is not None and not math.isfinite(total) else total for total in outputs.nll_sums
        ],
        "nll_tokens": outputs.nll_tokens,
        "prompt_tokens": outputs.prompt_tokens,
        "answer_tokens": outputs.answer_tokens,
        "truncated": outputs.truncated,
    }
