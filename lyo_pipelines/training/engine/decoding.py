"""How a model is asked, wherever it is asked: where it stops, how far it may go, with which settings, and what is read of its tokens.

Evaluation, rehearsal and `lyo serve` generate through here and nowhere else, so that what is judged is what is served.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import transformers

from lyo_pipelines.training.engine.loss import plain_model
from lyo_pipelines.training.engine.rendering import CLOSE, OPEN, frame


def stop_ids(tokenizer: Any, model: Any) -> list[int]:
    """Every token that ends an answer: what the template teaches, the tokenizer's end mark, and those that the model's files name."""
    named = [
        getattr(settings, "eos_token_id", None)
        for settings in (model.generation_config, model.config, model.config.get_text_config())
    ]
    known = [token for tokens in named for token in (tokens if isinstance(tokens, list) else [tokens])]
    taught = frame(tokenizer).stop if tokenizer.chat_template else None
    return sorted({token for token in (taught, tokenizer.eos_token_id, *known) if token is not None})


def padding_id(tokenizer: Any) -> int:
    """What rows of a batch are filled up with."""
    return tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0


def positions_of(model: Any) -> int | None:
    """How many tokens a row of this model may have, answer included; None where its positions know no end (T5's distances)."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)


def generate_ids(
    model: Any,
    tokenizer: Any,
    ids: torch.Tensor,
    mask: torch.Tensor,
    *,
    stops: Sequence[int],
    longest: int,
    shortest: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    processors: Sequence[transformers.LogitsProcessor] = (),
    criteria: Sequence[transformers.StoppingCriteria] = (),
) -> list[list[int]]:
    """The tokens that the model writes after each row, [rows][tokens], stop tokens and padding after them included.

    Greedy, or sampled where a temperature is given; whatever else the base's generation_config asks for (penalties, beams, bans,
    forced tokens) has no part in it. ids, mask: [rows, length], padded on the left.
    """
    settings = transformers.GenerationConfig(
        do_sample=bool(temperature),
        max_new_tokens=longest,
        min_new_tokens=shortest,
        eos_token_id=list(stops) or None,
        pad_token_id=padding_id(tokenizer),
        decoder_start_token_id=getattr(model.config, "decoder_start_token_id", None),
        use_cache=True,
        **({"temperature": temperature, "top_p": top_p, "top_k": 0} if temperature else {}),
    )
    with _without_settings_of_its_own(model):
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=settings,
            logits_processor=transformers.LogitsProcessorList(processors),
            stopping_criteria=transformers.StoppingCriteriaList(criteria),
        )
    before = 1 if model.config.is_encoder_decoder else ids.shape[1]  # the decoder's start, or the prompt again
    return output[:, before:].tolist()


@contextmanager
def _without_settings_of_its_own(model: Any) -> Iterator[None]:
    """generate() fills whatever its caller leaves open from the model's own generation_config."""
    owners = [model, plain_model(model)]
    own = [owner.generation_config for owner in owners]
    for owner in owners:
        owner.generation_config = transformers.GenerationConfig()
    try:
        yield
    finally:
        for owner, settings in zip(owners, own, strict=True):
            owner.generation_config = settings


def read_answer(tokenizer: Any, tokens: Sequence[int], *, finished: bool = True) -> str:
    """The text of an answer's tokens, without what the model thought before it and without an end mark that is written in letters.

    finished: False for the beginning of an answer that is still being written; what is not certain yet is then left out.
    """
    return read_text(tokenizer, tokenizer.decode(tokens, skip_special_tokens=True), finished=finished)


def read_text(tokenizer: Any, text: str, *, finished: bool = True) -> str:
    """The same, of an answer's text as another program decoded it, without special tokens."""
    text = _after_thoughts(text.lstrip(), finished=finished)
    around = frame(tokenizer) if tokenizer.chat_template else None
    if around is not None and (mark := around.after.strip()):
        text = text.partition(mark)[0]  # of several pieces, so that no single token stands for it
    return text.rstrip() if finished else text


def _after_thoughts(text: str, *, finished: bool) -> str:
    if text.startswith(OPEN):
        _, closed, answer = text.partition(CLOSE)
        return answer.lstrip() if closed else ""
    if not finished and OPEN.startswith(text):
        return ""
    return text
