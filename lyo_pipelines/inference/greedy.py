"""Greedy answers to many prompts: as many rows at once as fit, and where an answer ends the next prompt takes its place.

What all prompts of an adapter begin with (a persona, a template's head) is read once. The order in which rows share a batch changes
no answer: each row's numbers are its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lean_model import LeanModel
from lyo_pipelines.inference.lora_rows import RowLora
from lyo_pipelines.inference.row_batch import Choose, Row, RowBatch, common, read_only

Allowed = Callable[[Sequence[int], int], np.ndarray]
"""Given the tokens written since the last call and the width of the logits, which may come next: bool [width]."""
_PREFIX = 8  # tokens from which reading them once is worth it
_TOGETHER = 8  # prompts read in one pass: the pass is bounded by products then, and its memory stays small


@dataclass(frozen=True)
class Prompt:
    """One prompt. limit: most tokens of its answer; allowed: what holds the answer to a grammar."""

    key: str
    tokens: tuple[int, ...]
    limit: int
    adapter: RowLora | None = None
    allowed: Allowed | None = None


@dataclass(frozen=True)
class WrittenAnswer:
    """The tokens of one answer, without the one that ended it. stopped: whether one did, before the limit."""

    key: str
    tokens: list[int]
    stopped: bool


def write_greedily(
    model: LeanModel, prompts: Sequence[Prompt], *, stops: Sequence[int], rows: int
) -> Iterator[list[WrittenAnswer]]:
    """Answer every prompt; yields answers as they end, in no promised order.

    rows: prompts answered at once. Prompt and limit together may not be longer than the model's positions.
    """
    by_adapter: dict[int, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_adapter[id(prompt.adapter)].append(prompt)
    prefixes = {key: _read_prefix(model, group) for key, group in by_adapter.items()}
    # the longest first: memory fails at once or never
    waiting = deque(
        prompt for group in by_adapter.values() for prompt in sorted(group, key=lambda one: (-len(one.tokens), one.key))
    )
    batch = RowBatch(model, most=min(rows, len(prompts)))
    if prompts:
        batch.reserve(batch.most, max(len(prompt.tokens) + prompt.limit for prompt in prompts))
    keys: dict[Row, str] = {}
    while waiting or batch.rows:
        ended = []
        for chunk in _admitted(batch, waiting):
            asked = [_row(prompt, frozenset(stops)) for prompt in chunk]
            keys |= {row: prompt.key for row, prompt in zip(asked, chunk, strict=True)}
            batch.start(asked, prefixes[id(chunk[0].adapter)])
            ended += batch.read_on() or []
        if batch.rows:
            ended += batch.step()
        if ended:
            yield [WrittenAnswer(keys.pop(row), row.written, row.ended == "stop") for row in ended]


def _admitted(batch: RowBatch, waiting: deque[Prompt]) -> Iterator[list[Prompt]]:
    """Prompts to be read next where rows are free, together by adapter; few only when nothing else is left to do."""
    free = batch.most - len(batch.rows)
    if not waiting or free < min(len(waiting), _TOGETHER, batch.most):
        return
    while waiting and (free := batch.most - len(batch.rows)) > 0:
        adapter, chunk = waiting[0].adapter, []
        while waiting and len(chunk) < min(_TOGETHER, free) and waiting[0].adapter is adapter:
            chunk.append(waiting.popleft())
        yield chunk


def _row(prompt: Prompt, stops: frozenset[int]) -> Row:
    choose = None if prompt.allowed is None else _likeliest_of(prompt.allowed)
    return Row(list(prompt.tokens), prompt.limit, stops, prompt.adapter, choose)


def _likeliest_of(allowed: Allowed) -> Choose:
    """Chooses the likeliest token of those that may come next."""

    def choose(logits: torch.Tensor, written: Sequence[int]) -> int:
        may = torch.from_numpy(allowed(written[-1:], logits.shape[0]))
        return int(logits.masked_fill(~may.to(logits.device), -torch.inf).argmax())

    return choose


def _read_prefix(model: LeanModel, prompts: Sequence[Prompt]) -> tuple[KeyValueCache, int] | None:
    """(cache of one row with what all these prompts begin with, its length); None where that is too little."""
    first, last = min(one.tokens for one in prompts), max(one.tokens for one in prompts)
    shared = min(common(first, last), min(len(one.tokens) for one in prompts) - 1)
    if len(prompts) == 1 or shared < _PREFIX:
        return None
    return read_only(model, first[:shared], prompts[0].adapter), shared
