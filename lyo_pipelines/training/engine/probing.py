"""Making probes.json at the end of a training: where do the finished adapter and its base differ most, and what do both say there?

A few of the training's own examples are read with their answers, with the adapter and without; what is kept of them are the
beginnings up to the chosen places. What is compared later, and how strictly, is in training/probes.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict

from lyo_pipelines.storage.whole_files import write_whole
from lyo_pipelines.training.engine.chat import Tokens
from lyo_pipelines.training.engine.loss import shifted_right
from lyo_pipelines.training.engine.ranks import ALONE, Ranks
from lyo_pipelines.training.engine.sharded import is_sharded, load_weights
from lyo_pipelines.training.probes import PROBES, TOP, NextToken, Probe, ProbeSet, Quantisation

_COUNT = 6
_OF_ONE = 2
"""Places of one example at most: beginnings that share most of their tokens say the same twice."""
_EXAMPLES = 8
_LENGTH = 512
"""Tokens of an example that is read: every load of the adapter reads its probes again."""


@dataclass(frozen=True)
class _Place:
    """A place in an example: what was read before it, and the log-probabilities [vocabulary] there, with the adapter and without."""

    example: int
    encoder_tokens: tuple[int, ...]
    tokens: tuple[int, ...]
    adapter: torch.Tensor
    base: torch.Tensor
    distance: float


def write_probes(
    output: Path,
    model: Any,
    tokenizer: Any,
    examples: Sequence[Tokens],
    quantisation: Quantisation,
    *,
    ranks: Ranks = ALONE,
) -> list[str]:
    """Measure the adapter that was published in a folder and write its probes there; returns the files' names.

    model: with peft's layers, as it was trained; it gets the published weights. A whole model has no base to be mistaken for: none.
    ranks: who trained it together; where the model is split, all must be here, and the first one writes.
    """
    if not isinstance(model, peft.PeftModel) or not (ranks.first or is_sharded(model)):
        return []
    _load_published(model, output)
    with _still(model):
        places = _most_telling(
            [place for number, one in enumerate(_few(examples)) for place in _places(model, one, number)]
        )
    if not places or not ranks.first:
        return []
    probes = ProbeSet(quantisation=quantisation, probes=tuple(_probe(place, tokenizer) for place in places))
    write_whole(output / PROBES, probes.to_json())
    return [PROBES]


def _load_published(model: peft.PeftModel, output: Path) -> None:
    name, device = str(model.active_adapter), next(model.parameters()).device
    weights = load_peft_weights(str(output), device=str(device))
    if not is_sharded(model):
        set_peft_model_state_dict(model, weights, adapter_name=name)
        return
    # in the file the adapter has no name
    load_weights(model, {key.removesuffix("weight") + f"{name}.weight": weight for key, weight in weights.items()})


@contextmanager
def _still(model: Any) -> Iterator[None]:
    """Without dropout, gradients, or compiling anew for a few rows."""
    was_training = model.training
    model.eval()
    compiled = any(module._compiled_call_impl is not None for module in model.modules())
    try:
        # asking for the stance alone loads the compiler
        stance = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
        with torch.no_grad() if is_sharded(model) else torch.inference_mode(), stance:
            yield
    finally:
        model.train(was_training)


def _few(examples: Sequence[Tokens]) -> list[Tokens]:
    """Examples of all lengths that are quickly read, the same ones for the same data; the shortest where all are long."""
    # a probe is tokens alone, so what shows a picture is none
    readable = (one for one in examples if one.answer and not one.files)
    ordered = sorted(readable, key=lambda one: (len(one), one.prompt, one.answer))
    short = [one for one in ordered if len(one) <= _LENGTH] or ordered[:_EXAMPLES]
    step = max(len(short) / _EXAMPLES, 1)
    return [short[int(at * step)] for at in range(min(_EXAMPLES, len(short)))]


def _places(model: Any, one: Tokens, number: int) -> list[_Place]:
    """The places of an example's answer where adapter and base differ most."""
    adapter = _log_probabilities(model, one)
    with model.disable_adapter():
        base = _log_probabilities(model, one)
    apart = (adapter.exp() - base.exp()).abs().sum(dim=-1) / 2  # total variation
    found = []
    for at in apart.argsort(descending=True, stable=True)[:_OF_ONE].tolist():
        encoder, tokens = _read_before(model, one, at)
        if tokens:
            found.append(_Place(number, encoder, tokens, adapter[at], base[at], float(apart[at])))
    return found


def _log_probabilities(model: Any, one: Tokens) -> torch.Tensor:
    """Of each answer token's place, float32 [answer tokens, vocabulary]."""
    if model.config.is_encoder_decoder:
        labels = torch.tensor([one.answer], device=model.device)
        ids = torch.tensor([one.prompt], device=model.device)
        logits = model(input_ids=ids, decoder_input_ids=shifted_right(model, labels), use_cache=False).logits[0]
    else:
        ids = torch.tensor([one.prompt + one.answer], device=model.device)
        before = max(len(one.prompt) - 1, 0)
        logits = model(input_ids=ids, use_cache=False).logits[0, before:-1]
    return torch.log_softmax(logits.float(), dim=-1)


def _read_before(model: Any, one: Tokens, at: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(encoder's tokens, tokens) that were read where place `at` of the log-probabilities is."""
    if model.config.is_encoder_decoder:
        start = shifted_right(model, torch.tensor([one.answer]))[0].tolist()
        return tuple(one.prompt), tuple(start[: at + 1])
    whole = one.prompt + one.answer
    return (), tuple(whole[: max(len(one.prompt), 1) + at])


def _most_telling(places: Sequence[_Place]) -> list[_Place]:
    return sorted(places, key=lambda place: (-place.distance, place.example, len(place.tokens)))[:_COUNT]


def _probe(place: _Place, tokenizer: Any) -> Probe:
    width = min(TOP, place.adapter.numel())
    likely = dict.fromkeys([*place.adapter.topk(width).indices.tolist(), *place.base.topk(width).indices.tolist()])
    return Probe(
        tokens=place.tokens,
        encoder_tokens=place.encoder_tokens,
        next=tuple(
            NextToken(
                id=token,
                text=tokenizer.decode([token]),
                adapter=round(float(place.adapter[token]), 6),
                base=round(float(place.base[token]), 6),
            )
            for token in likely
        ),
    )
