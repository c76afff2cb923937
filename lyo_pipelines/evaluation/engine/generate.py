"""Asking a model: the likelihood of the references, batched greedy answers, and the time a single user waits.

Every function takes a loaded model and yields plain Python numbers and text, batch by batch, so that a caller can keep
each finished batch. Choosing items, caching and metrics do not belong here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import transformers

from lyo_pipelines.evaluation.engine.constrained import Constraint
from lyo_pipelines.evaluation.engine.encoding import Encoded
from lyo_pipelines.evaluation.engine.model_host import LeanRows
from lyo_pipelines.evaluation.planning.assemble import AdapterError
from lyo_pipelines.inference.greedy import Prompt, WrittenAnswer, write_greedily
from lyo_pipelines.inference.row_batch import Row, RowBatch
from lyo_pipelines.training.engine.data import IGNORED
from lyo_pipelines.training.engine.decoding import generate_ids, padding_id, positions_of, read_answer, stop_ids
from lyo_pipelines.training.engine.loss import shifted_right


def batches_by_length(encoded: Sequence[Encoded], size: int, *, whole: bool) -> list[list[Encoded]]:
    """Fixed batches, longest first (memory fails at once or never), by prompt or by the whole sequence (`whole`)."""
    ordered = sorted(
        encoded, key=lambda e: (-(len(e.prompt) + (len(e.reference) if whole else 0)), -len(e.reference), e.item_id)
    )
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def likelihood(model: Any, tokenizer: Any, batch: Sequence[Encoded]) -> dict[str, list[Any]]:
    """Teacher-forced negative log-likelihood of each reference: nats summed over its tokens, and their number.

    Padded on the left, so that all references end together and only their positions go through the vocabulary's head.
    """
    if model.config.is_encoder_decoder:
        return _decoder_likelihood(model, tokenizer, batch)
    sequences = [e.prompt + e.reference for e in batch]
    ids, mask = _left_padded(sequences, padding_id(tokenizer), model.device)
    longest = max(len(e.reference) for e in batch)
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=_positions(mask), logits_to_keep=longest + 1, use_cache=False
    ).logits[:, -(longest + 1) : -1]
    targets = ids[:, -longest:]
    sums = []
    for row, e in enumerate(batch):  # row by row: float32 log-probabilities of one answer at a time
        scores = logits[row, longest - len(e.reference) :].float()
        losses = torch.nn.functional.cross_entropy(scores, targets[row, longest - len(e.reference) :], reduction="sum")
        sums.append(float(losses))
    return _scored(batch, sums)


def _decoder_likelihood(model: Any, tokenizer: Any, batch: Sequence[Encoded]) -> dict[str, list[Any]]:
    """The same for an encoder-decoder: it reads the prompts, and its decoder writes the references from their beginning."""
    ids, mask = _left_padded([e.prompt for e in batch], padding_id(tokenizer), model.device)
    longest = max(len(e.reference) for e in batch)
    labels = torch.tensor(
        [[*e.reference, *[IGNORED] * (longest - len(e.reference))] for e in batch], device=model.device
    )
    logits = model(
        input_ids=ids, attention_mask=mask, decoder_input_ids=shifted_right(model, labels), use_cache=False
    ).logits
    sums = [
        float(torch.nn.functional.cross_entropy(scores.float(), targets, ignore_index=IGNORED, reduction="sum"))
        for scores, targets in zip(logits, labels, strict=True)
    ]
    return _scored(batch, sums)


def _scored(batch: Sequence[Encoded], sums: list[float]) -> dict[str, list[Any]]:
    return {
        "ids": [e.item_id for e in batch],
        "nll_sums": sums,
        "nll_tokens": [len(e.reference) for e in batch],
        "cut": [e.cut for e in batch],
    }


def answers(
    model: Any,
    tokenizer: Any,
    batch: Sequence[Encoded],
    *,
    max_new_tokens: int,
    constraint: Constraint | None = None,
) -> dict[str, list[Any]]:
    """Greedy answers of a batch, each ended at its first stop token; `truncated` where none came in time.

    constraint: what holds them to their schemas; None asks freely.
    """
    ids, mask = _left_padded([e.prompt for e in batch], padding_id(tokenizer), model.device)
    stops = stop_ids(tokenizer, model)
    started = time.perf_counter()
    held = [] if constraint is None else [constraint.processor([e.item_id for e in batch])]
    longest = _room(model, ids.shape[1], max_new_tokens)
    output = generate_ids(model, tokenizer, ids, mask, stops=stops, longest=longest, processors=held)
    written = [_until_stop(row, stops) for row in output]
    return _read(tokenizer, batch, written, time.perf_counter() - started)


def _read(
    tokenizer: Any, batch: Sequence[Encoded], written: Sequence[tuple[list[int], bool]], seconds: float
) -> dict[str, list[Any]]:
    return {
        "ids": [e.item_id for e in batch],
        "texts": [read_answer(tokenizer, tokens) for tokens, _ in written],
        "answer_tokens": [len(tokens) for tokens, _ in written],
        "truncated": [not stopped for _, stopped in written],
        "prompt_tokens": [len(e.prompt) for e in batch],
        "seconds": [seconds],
    }


def lean_answers(
    rows: LeanRows,
    tokenizer: Any,
    asked: Sequence[Encoded],
    *,
    stops: list[int],
    max_new_tokens: int,
    at_once: int,
    constraint: Constraint | None = None,
) -> Iterator[dict[str, list[Any]]]:
    """The same answers from the lean forward pass, whose rows are filled up as answers end; yields about `at_once` at a time."""
    items = {e.item_id: e for e in asked}
    held = {key: None if constraint is None else constraint.held(key) for key in items}
    prompts = [
        Prompt(
            key, e.prompt, min(max_new_tokens, rows.model.positions - len(e.prompt)), rows.adapter,
            None if (holder := held[key]) is None else holder.allowed,
        )
        for key, e in items.items()
    ]  # fmt: skip
    ended: list[WrittenAnswer] = []
    started, left = time.perf_counter(), len(prompts)
    for some in write_greedily(rows.model, prompts, stops=stops, rows=at_once):
        ended += some
        left -= len(some)
        if len(ended) >= at_once or not left:
            now = time.perf_counter()
            yield _read(
                tokenizer,
                [items[one.key] for one in ended],
                [(one.tokens, one.stopped) for one in ended],
                now - started,
            )
            started, ended = now, []


def _room(model: Any, prompt: int, wanted: int) -> int:
    """As many new tokens as wanted, or as the model's positions leave. Raises AdapterError where they leave none."""
    positions = positions_of(model)
    if positions is None or model.config.is_encoder_decoder:
        return wanted
    if prompt >= positions:
        raise AdapterError(
            f"a prompt of {prompt} tokens leaves no room for an answer: the model knows {positions} positions.",
            hint="Lower max_length in the evaluation configuration.",
        )
    return min(wanted, positions - prompt)


def waiting_times(
    model: Any, tokenizer: Any, encoded: Sequence[Encoded], *, new_tokens: int, synchronize: Callable[[], None]
) -> Iterator[dict[str, float]]:
    """Ask one question at a time and yield what one user waits: seconds to the first token and for all new tokens.

    Exactly `new_tokens` are written each time, so that models with short and long answers are compared on the same
    work. The clock runs from the prompt's ids to the token being on the host. One unmeasured question warms up.
    """
    for number, e in enumerate([encoded[0], *encoded] if encoded else []):
        ids = torch.tensor([e.prompt], device=model.device)
        clock = _Clock(synchronize)
        longest = _room(model, ids.shape[1], new_tokens)
        generate_ids(
            model, tokenizer, ids, torch.ones_like(ids), stops=(), longest=longest, shortest=longest, criteria=[clock]
        )
        if number:
            yield {"first": clock.ticks[0], "total": clock.ticks[-1], "tokens": float(len(clock.ticks))}


def lean_waiting_times(
    rows: LeanRows, encoded: Sequence[Encoded], *, new_tokens: int, synchronize: Callable[[], None]
) -> Iterator[dict[str, float]]:
    """The same of the lean forward pass, which is what answers users of a model that it knows."""
    for number, e in enumerate([encoded[0], *encoded] if encoded else []):
        longest = min(new_tokens, rows.model.positions - len(e.prompt))
        batch = RowBatch(rows.model, most=1)
        synchronize()
        started = time.perf_counter()
        batch.start([Row(list(e.prompt), longest, frozenset(), rows.adapter)])
        batch.read_on()
        ticks = [time.perf_counter() - started]  # the token was read from the device: nothing is left to wait for
        while batch.rows:
            batch.step()
            ticks.append(time.perf_counter() - started)
        if number:
            yield {"first": ticks[0], "total": ticks[-1], "tokens": float(len(ticks))}


class _Clock(transformers.StoppingCriteria):
    """Called by generate after every token: keeps the seconds since it was made, and never stops anything."""

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self.ticks: list[float] = []
        self._synchronize = synchronize
        synchronize()
        self._started = time.perf_counter()

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        self._synchronize()
        self.ticks.append(time.perf_counter() - self._started)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _until_stop(tokens: list[int], stops: list[int]) -> tuple[list[int], bool]:
    end = next((at for at, token in enumerate(tokens) if token in stops), None)
    return (tokens, False) if end is None else (tokens[:end], True)


def _left_padded(sequences: Sequence[Sequence[int]], padding: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, sequences))
    ids = torch.full((len(sequences), longest), padding, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, longest - len(sequence) :] = torch.tensor(sequence)
        mask[row, longest - len(sequence) :] = 1
    return ids.to(device), mask.to(device)


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(dim=1) - 1).clamp(min=0)
