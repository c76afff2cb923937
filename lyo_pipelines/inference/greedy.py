"""Greedy answers to many prompts: as many rows at once as fit, and where an answer ends the next prompt takes its place.

What all prompts of an adapter begin with (a persona, a template's head) is read once. The order in which rows share a batch changes
no answer: each row's numbers are its own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lean_model import LeanModel
from lyo_pipelines.inference.lora_rows import RowGroups, RowLora, row_groups

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


@dataclass
class _Row:
    prompt: Prompt
    length: int
    written: list[int] = field(default_factory=list)


def write_greedily(
    model: LeanModel, prompts: Sequence[Prompt], *, stops: Sequence[int], rows: int
) -> Iterator[list[WrittenAnswer]]:
    """Answer every prompt; yields answers as they end, in no promised order.

    rows: prompts answered at once. Prompt and limit together may not be longer than the model's positions.
    """
    if prompts:
        yield from _Batch(model, prompts, frozenset(stops), rows).run()


class _Batch:
    def __init__(self, model: LeanModel, prompts: Sequence[Prompt], stops: frozenset[int], rows: int) -> None:
        self._model, self._stops = model, stops
        by_adapter: dict[int, list[Prompt]] = defaultdict(list)
        for prompt in prompts:
            by_adapter[id(prompt.adapter)].append(prompt)
        # the longest first: memory fails at once or never
        self._waiting = deque(
            prompt
            for group in by_adapter.values()
            for prompt in sorted(group, key=lambda one: (-len(one.tokens), one.key))
        )
        self._size = min(rows, len(prompts))
        self._cache = self._new_cache(self._size, max(len(prompt.tokens) + prompt.limit for prompt in prompts))
        self._prefixes = {key: self._read_prefix(group) for key, group in by_adapter.items()}
        self._rows: list[_Row] = []
        self._groups = RowGroups()

    def run(self) -> Iterator[list[WrittenAnswer]]:
        while self._waiting or self._rows:
            ended = self._admit()
            if self._rows:
                ended += self._step()
            if ended:
                yield ended

    def _admit(self) -> list[WrittenAnswer]:
        """Read the next prompts where rows are free; few at a time only when nothing else is left to do."""
        ended: list[WrittenAnswer] = []
        free = self._size - len(self._rows)
        if not self._waiting or free < min(len(self._waiting), _TOGETHER, self._size):
            return ended
        while self._waiting and len(self._rows) < self._size:
            adapter = self._waiting[0].adapter
            chunk = []
            room = min(_TOGETHER, self._size - len(self._rows))
            while self._waiting and len(chunk) < room and self._waiting[0].adapter is adapter:
                chunk.append(self._waiting.popleft())
            logits = self._read(chunk)
            self._rows += [_Row(prompt, len(prompt.tokens)) for prompt in chunk]
            ended += self._choose(logits, first=len(self._rows) - len(chunk))
        self._regroup()
        return ended

    def _read(self, chunk: list[Prompt]) -> torch.Tensor:
        """Logits behind each prompt; their keys lie in the cache behind the rows that are busy."""
        first = len(self._rows)
        part = self._cache.part(first, first + len(chunk))
        prefix, past = self._prefixes[id(chunk[0].adapter)]
        if past:
            part.start(prefix, past)
        rest = [prompt.tokens[past:] for prompt in chunk]
        ids = torch.zeros(len(chunk), max(map(len, rest)), dtype=torch.long)
        for row, tokens in enumerate(rest):
            ids[row, : len(tokens)] = torch.tensor(tokens)
        groups = row_groups([prompt.adapter for prompt in chunk], self._model.device)
        hidden = self._model.read(ids.to(self._model.device), part, groups, past=past)
        last = torch.tensor([len(tokens) - 1 for tokens in rest], device=self._model.device)
        return self._model.logits(hidden[torch.arange(len(chunk), device=last.device), last])

    def _step(self) -> list[WrittenAnswer]:
        tokens = torch.tensor([row.written[-1] for row in self._rows], device=self._model.device)
        lengths = torch.tensor([row.length for row in self._rows], device=self._model.device)
        hidden = self._model.step(tokens, lengths, self._cache, self._groups)
        for row in self._rows:
            row.length += 1
        return self._choose(self._model.logits(hidden[:, 0]), first=0)

    def _choose(self, logits: torch.Tensor, *, first: int) -> list[WrittenAnswer]:
        """The likeliest token of each row from `first` on; rows that end are taken out."""
        rows = self._rows[first:]
        for place, row in enumerate(rows):
            if row.prompt.allowed is not None:
                allowed = torch.from_numpy(row.prompt.allowed(row.written[-1:], logits.shape[1]))
                logits[place].masked_fill_(~allowed.to(logits.device), -torch.inf)
        ended = []
        for row, token in zip(rows, logits.argmax(dim=-1).tolist(), strict=True):
            if token in self._stops:
                ended.append(WrittenAnswer(row.prompt.key, row.written, True))
                row.length = -1
                continue
            row.written.append(token)
            if len(row.written) >= row.prompt.limit:
                ended.append(WrittenAnswer(row.prompt.key, row.written, False))
                row.length = -1
        if ended:
            self._close_up()
        return ended

    def _close_up(self) -> None:
        """The last rows move into the places of those that ended, so that the busy ones lie together."""
        for place in range(len(self._rows) - 1, -1, -1):
            if self._rows[place].length >= 0:
                continue
            last = self._rows.pop()
            if place < len(self._rows):
                self._cache.move(len(self._rows), place, last.length)
                self._rows[place] = last
        self._regroup()

    def _regroup(self) -> None:
        self._groups = row_groups([row.prompt.adapter for row in self._rows], self._model.device)

    def _read_prefix(self, prompts: Sequence[Prompt]) -> tuple[Any, int]:
        """(cache of one row with what all these prompts begin with, its length); length 0 where that is too little."""
        first, last = min(one.tokens for one in prompts), max(one.tokens for one in prompts)
        shared = next(
            (at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
        )
        shared = min(shared, min(len(one.tokens) for one in prompts) - 1)
        if len(prompts) == 1 or shared < _PREFIX:
            return None, 0
        cache = self._new_cache(1, shared)
        ids = torch.tensor([first[:shared]], device=self._model.device)
        self._model.read(ids, cache, row_groups([prompts[0].adapter], self._model.device), past=0)
        return cache, shared

    def _new_cache(self, rows: int, length: int) -> KeyValueCache:
        model = self._model
        return KeyValueCache(
            layers=model.depth, rows=rows, heads=model.kv_heads, length=length, size=model.head_size,
            dtype=model.dtype, device=model.device,
        )  # fmt: skip
