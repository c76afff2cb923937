"""The wrappers in which models and their libraries put an answer, to turns. What is none of them is no wrapper.

Messages in any form (turns.py), choices (message, text, delta, also a list of streamed chunks), generations (LangChain, Cohere),
candidates (Gemini, also streamed), events of a stream (Anthropic), an output with items or a message (Responses, Bedrock), content
parts (Anthropic), `message` (Ollama, Cohere), `results` (Titan), `generated_text` (Hugging Face). Of several choices the first:
one was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lyo_pipelines.interactions.chats.parts import are_parts, content_of
from lyo_pipelines.interactions.chats.turns import Turn, are_messages, is_message, reason_in, turns_of
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.json_types import RawRow, is_dict

Turns = list[Turn] | None


def turns_in_wrapper(value: Any) -> Turns:
    """The turns inside a known wrapper, or None where a value is none. Raises RowError for parts that are not known."""
    if isinstance(value, list):
        found = (read(value) for read in _OF_LISTS)
    elif is_dict(value):
        found = (read(value) for read in _OF_OBJECTS)
    else:
        return None
    return next((turns for turns in found if turns is not None), None)


def ended(turns: list[Turn], reason: str | None) -> list[Turn]:
    """The same turns, the last one with the reason of the object around them, where it has none of its own."""
    if not turns or reason is None or turns[-1].finish_reason:
        return turns
    return [*turns[:-1], replace(turns[-1], finish_reason=reason)]


def _messages(value: list[Any]) -> Turns:
    return turns_of(value) if are_messages(value) else None


def _parts(value: list[Any]) -> Turns:
    return turns_of({"content": value}, "assistant") if are_parts(value) else None


def _chunks(value: list[Any]) -> Turns:
    """Chunks of one streamed answer: their texts, one after the other."""
    if not any(is_dict(item) and isinstance(item.get("choices"), list) for item in value):
        return None
    texts, reason = [], None
    for chunk in value:
        choice = next(iter(chunk.get("choices") or ()), None) if is_dict(chunk) else None
        delta = choice.get("delta") if is_dict(choice) else None
        if not is_dict(choice) or not is_dict(delta):
            continue
        if _calls(delta):
            return None
        texts.append(content_of(delta.get("content")).text)
        reason = reason_in(choice) or reason
    return [Turn("assistant", "".join(texts), finish_reason=reason)]


def _candidates(value: list[Any]) -> Turns:
    """Responses of Gemini, one or the pieces of a streamed one: their texts, one after the other."""
    if not value or not all(is_dict(item) and isinstance(item.get("candidates"), list) for item in value):
        return None
    pieces = [turn for item in value for turn in _choices(item) or []]
    if any(turn.calls for turn in pieces):
        return pieces if len(value) == 1 else None
    reason = next((turn.finish_reason for turn in reversed(pieces) if turn.finish_reason), None)
    return [Turn("assistant", "".join(turn.text for turn in pieces), finish_reason=reason)]


def _events(value: list[Any]) -> Turns:
    """Events of a streamed answer of Claude: its texts, one after the other. None where it calls tools."""
    kinds = [item.get("type") if is_dict(item) else None for item in value]
    if "content_block_delta" not in kinds:
        return None
    texts, reason = [], None
    for item, kind in zip(value, kinds, strict=True):
        delta = item.get("delta") if kind in ("content_block_delta", "message_delta") else None
        if not is_dict(delta):
            continue
        reason = reason_in(delta) or reason
        if delta.get("type") == "input_json_delta":
            return None
        texts += [delta["text"]] if isinstance(delta.get("text"), str) else []
    return [Turn("assistant", "".join(texts), finish_reason=reason)]


def _bare_choices(value: list[Any]) -> Turns:
    whole = all(is_dict(item) and is_dict(item.get("message")) and is_message(item["message"]) for item in value)
    return turns_of([value[0]], "assistant") if whole and value else None


def _generated(value: list[Any]) -> Turns:
    item = value[0] if len(value) == 1 and is_dict(value[0]) else {}
    text = item.get("generated_text")
    if not item.keys() <= {"generated_text", "details"}:
        return None
    return [Turn("assistant", text)] if isinstance(text, str) else _messages(text) if isinstance(text, list) else None


def _choices(value: RawRow) -> Turns:
    for name in ("choices", "candidates"):
        if isinstance(choices := value.get(name), list):
            return _choice(choices[0]) if choices else []
    return None


def _choice(choice: Any) -> Turns:
    if not is_dict(choice):
        return None
    inner = next((choice[name] for name in ("message", "delta", "content") if choice.get(name) is not None), None)
    if is_dict(inner):
        return ended(turns_of(inner, "assistant"), reason_in(choice))
    text = inner if isinstance(inner, str) else choice.get("text")
    return [Turn("assistant", text, finish_reason=reason_in(choice))] if isinstance(text, str) else None


def _generations(value: RawRow) -> Turns:
    generations = value.get("generations")
    if not isinstance(generations, list):
        return None
    first = generations[0] if generations else None
    if isinstance(first, list):
        first = first[0] if first else None
    if not is_dict(first):
        return [] if first is None else None
    turns = turns_of(first["message"], "assistant") if is_dict(first.get("message")) else []
    if not any(turn.content for turn in turns):
        turns = [Turn("assistant", str(first.get("text") or ""))]
    return ended(turns, reason_in(first))


def _state(value: RawRow) -> Turns:
    """The messages of a graph or an agent: all of the conversation, or its end."""
    inner = parsed(value.get("messages"))
    if not isinstance(inner, list):
        return None
    return turns_of(inner) if are_messages(inner) or not inner else None


def _output(value: RawRow) -> Turns:
    output = value.get("output")
    if isinstance(output, list) and are_messages(output):
        details = value.get("incomplete_details")
        return ended(turns_of(output), details.get("reason") if is_dict(details) else None)
    if is_dict(output) and is_message(output.get("message")):
        return ended(turns_of(output["message"]), reason_in(value))
    return None


def _results(value: RawRow) -> Turns:
    results = value.get("results")
    first = results[0] if isinstance(results, list) and results else None
    if is_dict(first) and isinstance(first.get("outputText"), str):
        return [Turn("assistant", first["outputText"], finish_reason=reason_in(first))]
    return None


def _message(value: RawRow) -> Turns:
    whole = is_message(value) or any(are_parts(value.get(name)) for name in ("content", "parts"))
    return turns_of(value, "assistant") if whole else None


def _around_a_message(value: RawRow) -> Turns:
    inner = value.get("message")
    if is_dict(inner) and (is_message(inner) or _calls(inner) or are_parts(inner.get("content"))):
        return ended(turns_of(inner, "assistant"), reason_in(value))
    return None


def _with_calls(value: RawRow) -> Turns:
    if not _calls(value):
        return None
    return turns_of({**value, "content": value.get("content", value.get("text"))}, "assistant")


def _calls(value: RawRow) -> bool:
    calls = value.get("tool_calls") or value.get("toolCalls")
    legacy = value.get("function_call")
    return (isinstance(calls, list) and bool(calls)) or (is_dict(legacy) and "name" in legacy)


_OF_LISTS: tuple[Callable[[list[Any]], Turns], ...] = (
    *(_messages, _parts, _chunks, _candidates, _events, _bare_choices, _generated),
)
_OF_OBJECTS: tuple[Callable[[RawRow], Turns], ...] = (
    *(_choices, _generations, _state, _output, _results, _message, _around_a_message),
    _with_calls,
)
