"""The proof before an export is published: llama.cpp reads the files and is asked what training's own software is asked.

A wrong conversion answers, too, and often with the same first word; log-probabilities tell. What quantisation alone makes of them
is measured on the base, whose file is written in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lyo_pipelines.export.conversations import Asked
from lyo_pipelines.export.errors import NotProvenError
from lyo_pipelines.export.llama_server import LlamaServer, LlamaSizes, require_llama_cpp
from lyo_pipelines.export.manifest import Closeness, ExportProof, LanguageLoss
from lyo_pipelines.export.reference import Reference, processor_threads
from lyo_pipelines.training.engine.chat import tokenize
from lyo_pipelines.training.engine.prompt_cut import shortened_prompt

MARGIN = 0.01
"""Nats by which an export may be further away than its base's own file."""
_LONGEST = 192
_ANSWER = 32
_PROMPTS = 12


@dataclass(frozen=True)
class Files:
    """What is proven. base: its file, written in the same way; adapter: None where there is none of its own."""

    model: Path
    base: Path
    adapter: Path | None


@dataclass
class _Measured:
    """Mean absolute differences by prompt, and by token of the answers of each language; with the losses there."""

    prompts: list[float] = field(default_factory=list)
    answers: dict[str, list[float]] = field(default_factory=dict)
    told: dict[str, list[float]] = field(default_factory=dict)
    wanted: dict[str, list[float]] = field(default_factory=dict)


def prove_export(
    files: Files,
    trained: Reference,
    base: Reference | None,
    tokenizer: Any,
    asked: Sequence[Asked],
    *,
    context: int,
    say: Callable[[str], None],
) -> ExportProof:
    """Compare the files with the models they were made from. base: None where it is `trained` without its adapter.

    Raises NotProvenError naming what differs and by how much, CannotExportError where llama.cpp does not load or answer.
    """
    program = f"xllamacpp {require_llama_cpp().__version__}"
    questions = _Questions.of(asked, tokenizer, min(_LONGEST, context))
    sizes = LlamaSizes(context=min(context, 2 * _LONGEST), threads=processor_threads())
    say(f"asking {program}: {files.base.name}")
    with LlamaServer(files.base, [files.adapter] if files.adapter else [], sizes) as server:
        with trained.without_adapter() if base is None else nullcontext(base) as alone:
            noise = questions.compare(server, None, alone)
        adapter = questions.compare(server, 0, trained) if files.adapter else None
    say(f"asking {program}: {files.model.name}")
    with LlamaServer(files.model, [], sizes) as server:
        same = _same_tokens(server, tokenizer, asked)
        merged = questions.compare(server, None, trained)
    return ExportProof(
        program=program,
        merged=_close("the merged model", merged, noise),
        adapter=_close("the adapter on its base", adapter, noise) if adapter else None,
        losses=_losses(merged, noise),
        conversations=same,
    )


@dataclass(frozen=True)
class _Questions:
    """prompts: token ids; answers: (language, prompt, the answer's first tokens)."""

    prompts: tuple[list[int], ...]
    answers: tuple[tuple[str, list[int], list[int]], ...]

    @classmethod
    def of(cls, asked: Sequence[Asked], tokenizer: Any, longest: int) -> _Questions:
        learnt = [one for one in asked if one.answer]
        conversations = [[*one.turns, {"role": "assistant", "content": one.answer}] for one in learnt]
        answers = []
        for one, tokens in zip(learnt, tokenize(conversations, tokenizer, longest), strict=True):
            ids = tokens.answer[:-1][:_ANSWER]  # what ends it is no text, and llama.cpp tells nothing of it
            if ids and tokens.prompt:
                answers.append((one.language, tokens.prompt, ids))
        prompts = [shortened_prompt(one.turns, tokenizer, longest)[0] for one in asked]
        # the places inside answers are where an adapter says most
        prompts = [*(prompt + ids[: len(ids) // 2] for _, prompt, ids in answers), *prompts]
        return cls(tuple(prompts[: max(_PROMPTS, len(answers))]), tuple(answers))

    def compare(self, server: LlamaServer, adapter: int | None, reference: Reference) -> _Measured:
        found = _Measured()
        for prompt in self.prompts:
            wanted = reference.next_tokens(prompt)
            told = server.next_tokens(prompt, adapter)
            found.prompts.append(float(np.mean([abs(value - wanted[token]) for token, value in told.items()])))
        for language, prompt, answer in self.answers:
            told = server.log_probabilities(prompt, answer, adapter)
            wanted = reference.log_probabilities(prompt, answer)
            found.answers.setdefault(language, []).extend(abs(a - b) for a, b in zip(told, wanted, strict=True))
            found.told.setdefault(language, []).extend(told)
            found.wanted.setdefault(language, []).extend(wanted)
        return found


def _close(what: str, found: _Measured, noise: _Measured) -> Closeness:
    difference, around = float(np.mean(found.prompts)), float(np.mean(noise.prompts))
    close = Closeness(difference=difference, noise=around, allowed=around + MARGIN, prompts=len(found.prompts))
    if not difference <= close.allowed:  # also where it is no number
        raise NotProvenError(
            f"{what} does not answer as it was trained: its log-probabilities differ by {difference:.4f} nats, those of the base's "
            f"own file by {around:.4f} (allowed: {close.allowed:.4f})",
            hint="Nothing was published. Use `lyo merge`, and please report the base model's name.",
        )
    return close


def _losses(found: _Measured, noise: _Measured) -> dict[str, LanguageLoss]:
    losses = {}
    for language, told in found.told.items():
        exported, trained = -float(np.mean(told)), -float(np.mean(found.wanted[language]))
        allowed = float(np.mean(noise.answers[language])) + MARGIN
        if not abs(exported - trained) <= allowed:
            raise NotProvenError(
                f"the loss of answers in {language or 'no language'} is {exported:.4f} by the exported file and {trained:.4f} by "
                f"training (allowed: {allowed:.4f} apart)",
                hint="Nothing was published. Choose a finer --quantise.",
            )
        losses[language] = LanguageLoss(exported=exported, trained=trained, allowed=allowed, tokens=len(told))
    return losses


def _same_tokens(server: LlamaServer, tokenizer: Any, asked: Sequence[Asked]) -> int:
    from lyo_pipelines.training.engine.prompt_cut import prompt_ids

    for one in asked:
        told, wanted = server.tokens_of(one.turns), prompt_ids(list(one.turns), tokenizer)
        if told != wanted:
            at = next(
                (at for at, pair in enumerate(zip(told, wanted, strict=False)) if pair[0] != pair[1]),
                min(len(told), len(wanted)),
            )
            raise NotProvenError(
                f"llama.cpp makes other tokens of a conversation in {one.language or 'no language'} than training: from token {at} "
                f"on {told[at : at + 5]} instead of {wanted[at : at + 5]}",
                hint="Nothing was published. Use `lyo merge` and a server that reads tokenizer.json, such as vLLM.",
            )
    return len(asked)
