"""Many answers written at once: a row joins when its prompt is read, gets a token or more at every step, and leaves at its end.

The numbers of a row are its own, whoever shares the batch. Which prompts join, and when, is decided by whoever drives it: a list of
prompts (greedy.py), or a server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from lyo_pipelines.inference.drafts import Drafts
from lyo_pipelines.inference.kv_cache import KeyValueCache
from lyo_pipelines.inference.lean_model import LeanModel
from lyo_pipelines.inference.lora_rows import AdapterStack, RowGroups, RowLora

Choose = Callable[[torch.Tensor, Sequence[int]], int]
"""The next token, given its logits [vocabulary] and the tokens written so far."""
_STACKED = 8  # adapters whose products are made together, though some of them have no row
_STEP = 64  # tokens by which the room for a row grows at least


@dataclass(eq=False)
class Row:
    """One answer. tokens: the prompt and what is written behind it. limit: most tokens of the answer; choose: None for the likeliest.

    ended: how it did, and "" until then. length: tokens in the cache, all but the last one while it is being written.
    """

    tokens: list[int]
    limit: int
    stops: frozenset[int]
    adapter: RowLora | None = None
    choose: Choose | None = None
    drafts: Drafts | None = None
    length: int = 0
    ended: Literal["", "stop", "limit"] = ""
    prompt: int = field(init=False)

    def __post_init__(self) -> None:
        self.prompt = len(self.tokens)

    @property
    def written(self) -> list[int]:
        """Tokens of the answer, without the one that ended it."""
        return self.tokens[self.prompt :]

    @property
    def needs(self) -> int:
        """Tokens that it may come to."""
        return self.prompt + self.limit


@dataclass(eq=False)
class Reading:
    """Prompts that are being read, all with one adapter, behind the rows that write. past: tokens read of each."""

    rows: list[Row]
    place: int
    past: int
    last: list[torch.Tensor | None]
    groups: RowGroups


class RowBatch:
    """The rows that write and the cache they share. most: rows at once; widest: tokens of all rows that one step checks."""

    def __init__(
        self,
        model: LeanModel,
        *,
        most: int,
        widest: int = 0,
        on_end: Callable[[Row, KeyValueCache], None] = lambda row, cache: None,
    ) -> None:
        """on_end: is shown each row that ends, with the cache of its first `row.length` tokens, before others take its place."""
        self.model, self.most, self._widest, self._on_end = model, most, widest, on_end
        self.rows: list[Row] = []
        self._reading: Reading | None = None
        self._cache: KeyValueCache | None = None
        self._groups, self._stack = RowGroups([]), AdapterStack([])

    @property
    def nbytes(self) -> int:
        """Memory of the cache."""
        return 0 if self._cache is None else self._cache.nbytes

    @property
    def token_bytes(self) -> int:
        """Memory of one token of one row."""
        model = self.model
        return 2 * model.depth * model.kv_heads * model.head_size * model.dtype.itemsize

    def would_need(self, more: Row) -> int:
        """Bytes of the cache, at most, if one more row joined."""
        rows = [*self.rows, *(self._reading.rows if self._reading else []), more]
        return _rounded(len(rows), self.most) * self._longest(rows) * self.token_bytes

    def reserve(self, rows: int, length: int) -> None:
        """Have room for so many rows and tokens at once: memory then fails at once or never."""
        self._made(rows, length)

    def start(self, rows: Sequence[Row], prefix: tuple[KeyValueCache, int] | None = None) -> Reading:
        """Begin to read prompts of one adapter. prefix: a cache of one row with the first tokens of each of them, read already.

        One reading at a time.
        """
        place = len(self.rows)
        past = prefix[1] if prefix else 0
        cache = self._room(place + len(rows), max(row.prompt for row in rows), joining=rows)
        if prefix is not None:
            cache.part(place, place + len(rows)).start(*prefix)
        groups = RowGroups([row.adapter for row in rows])
        self._reading = Reading(list(rows), place, past, [None] * len(rows), groups)
        return self._reading

    def read_on(self, most: int | None = None) -> list[Row] | None:
        """Read up to `most` more tokens of each prompt; None until all are read.

        Then the rows have joined with their first token; those that it ended are returned.
        """
        reading, model = self._reading, self.model
        assert reading is not None and self._cache is not None
        rows, past = reading.rows, reading.past
        end = max(row.prompt for row in rows)
        end = end if most is None else min(end, past + most)
        ids = torch.zeros(len(rows), end - past, dtype=torch.long)
        for number, row in enumerate(rows):
            part = row.tokens[past:end]
            ids[number, : len(part)] = torch.tensor(part, dtype=torch.long)
        cache = self._cache.part(reading.place, reading.place + len(rows))
        hidden = model.read(ids.to(model.device), cache, reading.groups, past=past)
        for number, row in enumerate(rows):
            if past < row.prompt <= end:
                reading.last[number] = hidden[number, row.prompt - 1 - past]
        reading.past = end
        if any(one is None for one in reading.last):
            return None
        self._reading = None
        return self._join(reading)

    def give_up_reading(self) -> None:
        """Nobody waits for the prompts that are being read."""
        self._reading = None

    def step(self) -> list[Row]:
        """One pass for every row that writes; those that ended have left and are returned."""
        rows, model = self.rows, self.model
        width = max(self._widest // len(rows), 1) if self._widest else 1
        guesses = [
            []
            if row.drafts is None or width == 1
            else row.drafts.guess(row.tokens, min(width - 1, row.needs - len(row.tokens) - 1))
            for row in rows
        ]
        width = 1 + max(map(len, guesses))
        cache = self._room(len(rows), max(row.length for row in rows) + width)
        ids = torch.tensor(
            [
                [row.tokens[-1], *guess, *[0] * (width - 1 - len(guess))]
                for row, guess in zip(rows, guesses, strict=True)
            ],
            device=model.device,
        )
        lengths = torch.tensor([row.length for row in rows], device=model.device)
        logits = model.logits(model.step(ids, lengths, cache, self._groups))
        likeliest = logits.argmax(dim=-1).tolist()
        for number, (row, guess) in enumerate(zip(rows, guesses, strict=True)):
            self._take(row, guess, logits[number], likeliest[number])
        return self._close_up()

    def remove(self, row: Row) -> None:
        """Take a row out before it has ended."""
        row.ended = row.ended or "limit"
        self._close_up()

    def nearest(self, tokens: Sequence[int], adapter: RowLora | None) -> tuple[KeyValueCache, int] | None:
        """(cache, in the batch's own memory, of the adapter's row that began most like these tokens; how many are the same)."""
        found = [
            (common(tokens, row.tokens[: row.length]), place)
            for place, row in enumerate(self.rows)
            if row.adapter is adapter
        ]
        same, place = max(found, default=(0, 0))
        return (self._cache.part(place, place + 1), same) if same and self._cache is not None else None

    def release(self) -> None:
        """Give the cache's memory back; only while no row writes or is read."""
        if not self.rows and self._reading is None:
            self._cache = None

    def _join(self, reading: Reading) -> list[Row]:
        assert self._cache is not None
        for number, row in enumerate(reading.rows):  # rows may have left since: close up behind those that stayed
            place = len(self.rows)
            if place != reading.place + number:
                self._cache.move(reading.place + number, place, row.prompt)
            row.length = row.prompt - 1  # `_take` counts the last one
            self.rows.append(row)
        logits = self.model.logits(torch.stack([one for one in reading.last if one is not None]))
        likeliest = logits.argmax(dim=-1).tolist()
        for number, row in enumerate(reading.rows):
            self._take(row, [], logits[number : number + 1], likeliest[number : number + 1])
        self._regroup()
        return self._close_up()

    def _take(self, row: Row, guess: list[int], logits: torch.Tensor, likeliest: list[int]) -> None:
        """Choose the next tokens of a row, as far as what was guessed is what is chosen."""
        right = 0
        for place in range(len(guess) + 1):
            token = likeliest[place] if row.choose is None else row.choose(logits[place], row.written)
            row.length += 1
            if token in row.stops:
                row.ended = "stop"
            else:
                row.tokens.append(token)
                if len(row.tokens) >= row.needs:
                    row.ended = "limit"
            was_right = place < len(guess) and token == guess[place]
            right += was_right
            if row.ended or not was_right:
                break
        if row.drafts is not None:
            row.drafts.judged(len(guess), right)

    def _close_up(self) -> list[Row]:
        """The last rows move into the places of those that ended, so that the busy ones lie together."""
        assert self._cache is not None
        ended = [row for row in self.rows if row.ended]
        for place, row in enumerate(self.rows):
            if row.ended:
                self._on_end(row, self._cache.part(place, place + 1))
        for place in range(len(self.rows) - 1, -1, -1):
            if not self.rows[place].ended:
                continue
            last = self.rows.pop()
            if place < len(self.rows):
                self._cache.move(len(self.rows), place, last.length)
                self.rows[place] = last
        if ended:
            self._regroup()
        return ended

    def _regroup(self) -> None:
        adapters = [row.adapter for row in self.rows]
        if len({id(one) for one in adapters}) > 1 and not self._stack.holds(adapters):
            self._stack = self._stack.with_others(adapters, _STACKED)
        self._groups = RowGroups(adapters, self._stack)

    def _room(self, rows: int, length: int, joining: Sequence[Row] = ()) -> KeyValueCache:
        """The cache, made anew where it is too small: with room for half as many tokens more, but never for more than the rows may
        come to."""
        cache, reading = self._cache, self._reading
        if reading is not None:
            rows = max(rows, reading.place + len(reading.rows))
        if cache is not None and rows <= cache.rows and length <= cache.length:
            return cache
        everyone = [*self.rows, *(reading.rows if reading else []), *joining]
        kept = max([row.length for row in self.rows] + [reading.past if reading else 0])
        length = max(length, kept)
        length = min(max(length * 3 // 2, length + _STEP), max(self._longest(everyone), length))
        rows = _rounded(rows, self.most)
        if cache is None:
            return self._made(rows, length)
        self._cache = cache.copied(rows, length, kept_rows=min(cache.rows, rows), kept_length=kept)
        return self._cache

    def _made(self, rows: int, length: int) -> KeyValueCache:
        self._cache = _new_cache(self.model, rows, length)
        return self._cache

    def _longest(self, rows: Sequence[Row]) -> int:
        """Tokens that the longest of some rows may come to, with what a step may guess beyond its end."""
        return max(row.needs for row in rows) + self._widest


def _rounded(rows: int, most: int) -> int:
    """So many rows, or a little more, that rows which join one after the other do not copy the cache each time."""
    return max(rows, min(most, 1 << (rows - 1).bit_length()))


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    return next(
        (at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def read_only(model: LeanModel, tokens: Sequence[int], adapter: RowLora | None) -> KeyValueCache:
    """A cache of one row that holds these tokens and nothing else: what several prompts begin with."""
    cache = _new_cache(model, 1, len(tokens))
    ids = torch.tensor([list(tokens)], device=model.device)
    model.read(ids, cache, RowGroups([adapter]), past=0)
    return cache


def _new_cache(model: LeanModel, rows: int, length: int) -> KeyValueCache:
    return KeyValueCache(
        layers=model.depth, rows=rows, heads=model.kv_heads, length=length, size=model.head_size,
        dtype=model.dtype, device=model.device,
    )  # fmt: skip
