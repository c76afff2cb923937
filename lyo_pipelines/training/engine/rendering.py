"""Turns to text with the base model's own chat template: the same for whoever asks (training, evaluation, serving), on every day.

What a template writes around an answer is found out once, by rendering a probe: what belongs to the prompt (a header, an empty
block of thoughts) and which mark ends the answer. Tokens belong to chat.py, what a model is asked with to decoding.py.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

Message = dict[str, str]

FIXED_DATE = datetime.datetime(2024, 7, 26)
"""The date in prompts. A template that writes today's would make another prompt in every training, report and answer."""
WITHOUT_THOUGHTS = {"enable_thinking": False, "thinking": False}
"""The switches of templates for models that think before they answer. What is learnt here are answers without thoughts."""
OPEN, CLOSE = "<think>", "</think>"
_PROBE = "probe-7f3a"


@dataclass(frozen=True)
class Frame:
    """What a template writes around an answer.

    opening: after its own generation prompt and still part of the prompt ("" but for models that think). space: blank characters
    before the answer. after: all that follows it, end: its part up to the mark that ends the turn, stop: that mark's token, None
    where the template has none and the tokenizer has no end mark either.
    """

    opening: str
    space: str
    after: str
    end: str
    stop: int | None


def rendered(turns: Sequence[Message], tokenizer: Any, *, asks: bool) -> str:
    """Render turns as they are. asks: up to where the assistant begins to write, else with a last answer."""
    template = tokenizer.get_chat_template()
    return tokenizer.apply_chat_template(
        folded(turns, tokenizer),
        tokenize=False,
        add_generation_prompt=asks,
        chat_template=TODAY + template if "strftime_now" in template else template,
        **WITHOUT_THOUGHTS,
    )


def prompt_text(turns: Sequence[Message], tokenizer: Any) -> str:
    """Render turns (without the answer) up to where the assistant's own words begin."""
    return rendered(turns, tokenizer, asks=True) + frame(tokenizer).opening


def answered_text(turns: Sequence[Message], tokenizer: Any, prompt: str) -> str:
    """What follows the prompt: the last turn's answer with the mark that ends it, and nothing after it."""
    around, content = frame(tokenizer), turns[-1]["content"]
    whole = rendered(turns, tokenizer, asks=False)
    if whole.startswith(prompt) and whole.endswith(around.after):
        return whole[len(prompt) : len(whole) - len(around.after)] + around.end
    # a template may write earlier turns anew (Mistral keeps the system turn in the last question)
    return around.space + content.strip() + around.end


def frame(tokenizer: Any) -> Frame:
    """What the template writes around an answer (found out once for each tokenizer and template)."""
    key = (str(tokenizer.chat_template), tokenizer.eos_token)
    known = _FRAMES.get(tokenizer)
    if known is None or known[0] != key:
        known = _FRAMES[tokenizer] = key, _frame(tokenizer)
    return known[1]


def _frame(tokenizer: Any) -> Frame:
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": _PROBE}]
    prompt = rendered(turns[:1], tokenizer, asks=True)
    before, _, after = rendered(turns, tokenizer, asks=False).rpartition(_PROBE)
    continued = before.startswith(prompt)
    between = before[len(prompt) :] if continued else ""
    opening, space = (between, "") if between.strip() else ("", between)
    if not between.strip() and prompt.rstrip().endswith(OPEN):  # a model that always thinks: here it has done so
        opening = f"\n{CLOSE}\n\n"
    end, stop = _end(after, tokenizer)
    return Frame(opening, space, after, end, stop)


def _end(after: str, tokenizer: Any) -> tuple[str, int | None]:
    """What ends the answer: `after` up to its first mark that is one token, else the tokenizer's own end mark alone."""
    marks = tokenizer.get_added_vocab() | dict(
        zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    )
    found = [(after.find(mark), -len(mark), mark) for mark in marks if mark.strip() and mark in after]
    if found:
        start, _, mark = min(found)
        return after[: start + len(mark)], marks[mark]
    if tokenizer.eos_token:
        return tokenizer.eos_token, tokenizer.eos_token_id
    return after.rstrip("\n "), None


def folded(turns: Sequence[Message], tokenizer: Any) -> list[Message]:
    """Fold the system turn into the first user turn where the template refuses a system role (Gemma)."""
    copies = [dict(message) for message in turns]
    if not copies or copies[0]["role"] != "system" or accepts_system(tokenizer):
        return copies
    system, *rest = copies
    if rest and rest[0]["role"] == "user":
        rest[0]["content"] = f"{system['content']}\n\n{rest[0]['content']}"
        return rest
    return [{"role": "user", "content": system["content"]}, *rest]


def accepts_system(tokenizer: Any) -> bool:
    """Whether the chat template renders a system turn (probed once per template)."""
    template = str(tokenizer.chat_template)
    known = _ACCEPTS.get(template)
    if known is None:
        import jinja2

        probe = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "u"}]
        try:
            known = _PROBE in tokenizer.apply_chat_template(probe, tokenize=False, **WITHOUT_THOUGHTS)
        except jinja2.TemplateError:
            known = False
        _ACCEPTS[template] = known
    return known


def _today() -> str:
    """A macro of Jinja that stands before the function of that name: strftime of the fixed date."""
    forms = [f"%{flag}{letter}" for letter in "aAbBdeFHIjmMpSTuyY" for flag in ("-", "")]
    replaced = "".join(f"|replace({form!r}, {FIXED_DATE.strftime(form)!r})" for form in forms)
    return "{%- macro strftime_now(format) -%}{{- format" + replaced + " -}}{%- endmacro -%}"


TODAY = _today()
_ACCEPTS: dict[str, bool] = {}
_FRAMES: WeakKeyDictionary[Any, tuple[tuple[str, str | None], Frame]] = WeakKeyDictionary()
