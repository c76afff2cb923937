"""The plain way of answering, one request at a time with transformers' own generation: for models that the lean forward pass does not
know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers

from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.engines.pieces import Emit, Pieces
from lyo_pipelines.serving.engines.prompts import asked_tokens, room_left
from lyo_pipelines.training.engine.decoding import generate_ids, positions_of, read_answer, stop_ids


def pieces_of(tokenizer: Any, request: ChatRequest, emit: Emit) -> Pieces:
    """What turns the tokens of an answer to this request into text."""
    return Pieces(lambda tokens, finished: read_answer(tokenizer, tokens, finished=finished), request.stop, emit)


def answer_alone(
    model: Any, tokenizer: Any, request: ChatRequest, emit: Emit, stopped: Callable[[], bool]
) -> GeneratedText:
    """Write one answer; `emit` gets its pieces, and `stopped` says when nobody waits any more."""
    prompt = asked_tokens(request, tokenizer)
    limit = room_left(None if model.config.is_encoder_decoder else positions_of(model), prompt, request.limit)
    stops = stop_ids(tokenizer, model)
    before = 1 if model.config.is_encoder_decoder else len(prompt)
    pieces = pieces_of(tokenizer, request, emit)

    class EachToken(transformers.StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            tokens = input_ids[0, before:].tolist()
            done = stopped() or (tokens[-1] not in stops and pieces.grow(tokens))
            return torch.full((1,), done, dtype=torch.bool, device=input_ids.device)

    ids = torch.tensor([prompt], device=model.device)
    if request.temperature and request.seed is not None:
        torch.manual_seed(request.seed)
    (tokens,) = generate_ids(
        model, tokenizer, ids, torch.ones_like(ids), stops=stops, longest=limit,
        temperature=request.temperature, top_p=request.top_p, criteria=[EachToken()],
    )  # fmt: skip
    ended = bool(tokens) and tokens[-1] in stops
    text = pieces.finish(tokens[:-1] if ended else tokens)
    reason = "stop" if ended or pieces.met_stop else "length"
    return GeneratedText(text, reason, len(prompt), len(tokens))
