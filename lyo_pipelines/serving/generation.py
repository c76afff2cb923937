"""Writing one answer with one model, piece by piece. Asks are answered one after the other: there is one model in memory.

Prompts are rendered with training's own template, as evaluation does. HTTP does not belong here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.models import ModelChoice

Emit = Callable[[str], None]


@dataclass(frozen=True)
class GeneratedText:
    """One whole answer. finish_reason: stop, or length where it was cut at the longest allowed."""

    text: str
    finish_reason: str
    prompt_tokens: int
    answer_tokens: int


class Generator:
    """Holds the models in memory (evaluation's host) and lets one request at a time use them."""

    def __init__(self, models_dir: Path, *, device: str = "auto", dtype: str = "auto") -> None:
        from lyo_pipelines.evaluation.engine.model_host import ModelHost, quiet_libraries

        quiet_libraries()
        self._host = ModelHost(models_dir, device=device, dtype=dtype, attention=None)
        self._lock = threading.Lock()

    def load(self, choice: ModelChoice) -> None:
        """Have a model in memory before anybody asks it."""
        with self._lock, self._host.using(choice.spec):
            pass

    def write(
        self, choice: ModelChoice, request: ChatRequest, emit: Emit, stopped: Callable[[], bool]
    ) -> GeneratedText:
        """Answer; `emit` gets the pieces as they are written, and `stopped` says when nobody waits any more.

        Raises RefusedError when prompt and answer do not fit the model.
        """
        with self._lock, self._host.using(choice.spec) as (model, tokenizer):
            prompt = _prompt(request, tokenizer)
            limit = _room(model, prompt, request.limit)
            return _generate(model, tokenizer, prompt, request, limit, emit, stopped)


def _prompt(request: ChatRequest, tokenizer: Any) -> list[int]:
    import jinja2

    from lyo_pipelines.training.engine.prompt_cut import prompt_ids

    try:
        return prompt_ids([message.turn() for message in request.messages], tokenizer)
    except jinja2.TemplateError as error:  # a template may refuse an order of turns
        raise RefusedError(f"messages: {error}", param="messages") from error


def _room(model: Any, prompt: list[int], wanted: int) -> int:
    from lyo_pipelines.training.engine.decoding import positions_of

    positions = None if model.config.is_encoder_decoder else positions_of(model)
    left = wanted if positions is None else positions - len(prompt)
    if left < 1:
        raise RefusedError(
            f"the prompt has {len(prompt)} tokens, the model knows {positions} positions",
            param="messages", code="context_length_exceeded",
        )  # fmt: skip
    return min(wanted, left)


def _generate(
    model: Any, tokenizer: Any, prompt: list[int], request: ChatRequest, limit: int, emit: Emit, stopped: Callable[[], bool]
) -> GeneratedText:  # fmt: skip
    import torch
    import transformers

    from lyo_pipelines.training.engine.decoding import generate_ids, read_answer, stop_ids

    stops = stop_ids(tokenizer, model)
    before = 1 if model.config.is_encoder_decoder else len(prompt)
    pieces = Pieces(lambda tokens, finished: read_answer(tokenizer, tokens, finished=finished), request.stop, emit)

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


class Pieces:
    """Turns a growing list of tokens into pieces of text that are never taken back.

    Held back until more is known: half a character, space at the end, and what may be the beginning of a stop text.
    """

    def __init__(self, decode: Callable[[list[int], bool], str], stops: tuple[str, ...], emit: Emit) -> None:
        """decode: of tokens, and whether they are all there will be."""
        self._decode, self._stops, self._emit = decode, stops, emit
        self._told = ""
        self.met_stop = False

    def grow(self, tokens: list[int]) -> bool:
        """Tell what is certain of the text so far; whether a stop text has come."""
        text = self._cut(self._decode(tokens, False).lstrip())
        if not self.met_stop:
            text = text.rstrip("\ufffd")
            held = max((len(stop) - 1 for stop in self._stops), default=0)
            text = text[: len(text) - held] if held else text
        self._tell(text.rstrip())
        return self.met_stop

    def finish(self, tokens: list[int]) -> str:
        """Tell the rest and return the whole text."""
        text = self._cut(self._decode(tokens, True).lstrip()).rstrip()
        self._tell(text)
        return text

    def _cut(self, text: str) -> str:
        ends = [at for stop in self._stops if stop and (at := text.find(stop)) >= 0]
        self.met_stop = self.met_stop or bool(ends)
        return text[: min(ends)] if ends else text

    def _tell(self, text: str) -> None:
        if len(text) > len(self._told) and text.startswith(self._told):
            self._emit(text[len(self._told) :])
            self._told = text
