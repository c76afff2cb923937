"""What was said in a model call, from its span: every way in which GenAI and OpenInference spans hold their messages.

Newest first: gen_ai.input.messages / gen_ai.output.messages / gen_ai.system_instructions (GenAI conventions 1.37 and later, parts),
llm.input_messages / llm.output_messages (OpenInference), gen_ai.prompt.N / gen_ai.completion.N (OpenLLMetry), gen_ai.prompt and
gen_ai.completion (up to 1.27), events gen_ai.user.message, gen_ai.choice and their like (1.28 to 1.36), gen_ai.content.prompt and
gen_ai.content.completion, input.value / output.value (OpenInference). The first that is there counts; of several choices the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.scrub import dump_json
from lyo_pipelines.interactions.formats.attributes import attribute_branch
from lyo_pipelines.interactions.formats.messages import Chat, answer_of, chat_of, content_text, split_chat
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.formats.span import SpanEvent, TelemetrySpan

CONTENT = (
    *(
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt",
        "gen_ai.completion",
    ),
    *("llm.input_messages", "llm.output_messages", "input.value", "output.value"),
)
"""Attributes that hold what was said: a span with one of them is likely a model call."""

_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_DETAILS = "gen_ai.client.inference.operation.details"
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system"}
Message = dict[str, str]


def chat_in(span: TelemetrySpan) -> Chat:
    """Question, history, system prompt and answer of a model call. Raises RowError when they cannot be understood."""
    attributes = _with_details(span)
    asked = next((messages for messages in _inputs(attributes, span.events) if messages), None)
    chat = split_chat(asked, answered=False) if asked else chat_of(attributes.get("input.value"))
    instructions = _system(attribute_branch(attributes, "gen_ai.system_instructions"))
    system = "\n\n".join(part for part in (instructions, chat.system_prompt) if part) or None
    return Chat(chat.question, chat.history, system, _answer(attributes, span.events))


def finish_reason(span: TelemetrySpan) -> str | None:
    """Why the model stopped."""
    attributes = _with_details(span)
    for name in ("gen_ai.response.finish_reasons", "gen_ai.completion.0.finish_reason", "llm.finish_reason"):
        reasons = attribute_branch(attributes, name)
        if isinstance(reasons, list):
            reasons = reasons[0] if reasons else None
        if isinstance(reasons, str) and reasons:
            return reasons
    output = attribute_branch(attributes, "gen_ai.output.messages")
    ended = [item.get("finish_reason") for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    ended += [event.attributes.get("finish_reason") for event in span.events if event.name == "gen_ai.choice"]
    return next((str(reason) for reason in ended if reason), None)


def _with_details(span: TelemetrySpan) -> Row:
    """The span's attributes and those of an event that holds the details in their place."""
    details = (event.attributes for event in span.events if event.name == _DETAILS)
    return {**next(details, {}), **span.attributes}


def _inputs(attributes: Row, events: tuple[SpanEvent, ...]) -> Iterator[list[Message]]:
    yield _messages(attribute_branch(attributes, "gen_ai.input.messages"), "user")
    yield _messages(attribute_branch(attributes, "llm.input_messages"), "user")
    yield _messages(attribute_branch(attributes, "gen_ai.prompt"), "user")
    yield [_message(_body(event), role) for event in events if (role := _EVENTS.get(event.name))]
    yield _content_event(events, "gen_ai.content.prompt", "gen_ai.prompt", "user")


def _answer(attributes: Row, events: tuple[SpanEvent, ...]) -> str | None:
    choices = [_message(_choice(event), "assistant") for event in events if event.name == "gen_ai.choice"]
    for messages in (
        _messages(attribute_branch(attributes, "gen_ai.output.messages"), "assistant"),
        _messages(attribute_branch(attributes, "llm.output_messages"), "assistant"),
        _messages(attribute_branch(attributes, "gen_ai.completion"), "assistant"),
        choices,
        _content_event(events, "gen_ai.content.completion", "gen_ai.completion", "assistant"),
    ):
        said = [message["content"] for message in messages if message["role"] == "assistant" and message["content"]]
        if said:
            return said[0]
    return answer_of(attributes.get("output.value"))


def _content_event(events: tuple[SpanEvent, ...], name: str, attribute: str, role: str) -> list[Message]:
    found = (attribute_branch(event.attributes, attribute) for event in events if event.name == name)
    return _messages(next(found, None), role)


def _body(event: SpanEvent) -> Row:
    body = attribute_branch(event.attributes, "body")
    return {**event.attributes, **(body if isinstance(body, dict) else {})}


def _choice(event: SpanEvent) -> Any:
    body = _body(event)
    message = attribute_branch(body, "message")
    return message if isinstance(message, (dict, str)) else body


def _messages(value: Any, role: str) -> list[Message]:
    """Messages in a list, an object or plain text. Raises RowError when an item is none."""
    if value is None or value == "":
        return []
    if isinstance(value, dict) and isinstance(inner := parsed_json(value.get("messages")), list):
        value = inner
    return [_message(item, role) for item in (value if isinstance(value, list) else [value])]


def _message(item: Any, role: str) -> Message:
    if isinstance(item, str):
        return {"role": role, "content": item}
    if isinstance(item, dict) and isinstance(item.get("message"), dict):  # OpenInference
        item = item["message"]
    said = item.get("role", role) if isinstance(item, dict) else None
    if not isinstance(said, str):
        raise RowError("bad_messages", "expected messages with role and content")
    said = said.strip().lower()
    return {"role": _ROLES.get(said, said), "content": _content(item)}


def _content(item: Row) -> str:
    """Text of a message; without text its tool calls or a tool's response, as JSON."""
    for name in ("parts", "contents", "content"):
        value = parsed_json(item.get(name))
        if isinstance(value, list):
            parts = [part.get("message_content", part) if isinstance(part, dict) else part for part in value]
            text = "\n".join(filter(None, map(_part_text, parts)))
            if text:
                return text
            calls = [part for part in parts if isinstance(part, dict) and str(part.get("type")).startswith("tool_call")]
            if calls:
                return dump_json(calls)
        elif value not in (None, ""):
            return item[name] if isinstance(item[name], str) else content_text(value)
    calls = parsed_json(item.get("tool_calls")) or item.get("function_call")
    return dump_json(calls) if calls else ""


def _part_text(part: Any) -> str | None:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else None
    if part.get("type") not in (None, "text", "output_text", "input_text"):
        return None
    text = part.get("content", part.get("text"))
    return text if isinstance(text, str) else None


def _system(value: Any) -> str | None:
    parts = value if isinstance(value, list) else [value]
    return "\n\n".join(filter(None, map(_part_text, parts))) or None
