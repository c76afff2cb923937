"""What was said in a model call, from its span: every way in which spans hold their messages.

Newest first: gen_ai.input.messages / gen_ai.output.messages / gen_ai.system_instructions (GenAI conventions 1.37 and later, parts),
llm.input_messages / llm.output_messages (OpenInference), gen_ai.prompt.N / gen_ai.completion.N (OpenLLMetry), gen_ai.prompt and
gen_ai.completion (up to 1.27), events gen_ai.user.message, gen_ai.choice and their like (1.28 to 1.36; in Logfire an attribute
`events`), gen_ai.content.prompt and gen_ai.content.completion, ai.prompt.messages / ai.response.text (Vercel AI SDK),
langfuse.observation.input / output, mlflow.spanInputs / mlflow.spanOutputs, input.value / output.value (OpenInference). The first that
is there counts; of several choices the first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lyo_pipelines.interactions.chats.pairing import Chat, exchange
from lyo_pipelines.interactions.chats.parts import content_of
from lyo_pipelines.interactions.chats.questions import Asked, asked_of
from lyo_pipelines.interactions.chats.replies import Reply, reply_of
from lyo_pipelines.interactions.chats.roles import Role
from lyo_pipelines.interactions.chats.turns import Turn, is_message, turns_of
from lyo_pipelines.interactions.chats.written import parsed
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.attributes import attribute_branch
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.interactions.formats.span import SpanEvent, TelemetrySpan, first_of, flat_events

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

_EVENTS: dict[str, Role] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_DETAILS = "gen_ai.client.inference.operation.details"
_ASKED = ("gen_ai.input.messages", "llm.input_messages", "gen_ai.prompt", "ai.prompt.messages")
_CHOICES = ("gen_ai.output.messages", "gen_ai.completion")
_INPUTS = ("ai.prompt", "langfuse.observation.input", "mlflow.spanInputs", "input.value")
_OUTPUTS = ("ai.response.object", "langfuse.observation.output", "mlflow.spanOutputs", "output.value")
_REASONS = (
    *(
        "gen_ai.response.finish_reasons",
        "gen_ai.completion.0.finish_reason",
        "llm.finish_reason",
        "ai.response.finishReason",
    ),
    "ai.finishReason",
)


def chat_in(span: TelemetrySpan) -> Chat:
    """Question, history, system prompt, answer and finish reason of a model call. Raises RowError when they cannot be understood."""
    attributes = _with_details(span)
    events = (*span.events, *flat_events(attributes.get("events")))
    asked = _asked(attributes, events)
    system = _system(attributes)
    if any(turn.role == "system" and turn.text == item.text for turn in asked.turns for item in system):
        system = []
    turns = [*system, *asked.turns]
    reply = _reply(attributes, events, asked)
    chat = exchange(turns, reply, question=asked.question, context=asked.context, pictures=asked.pictures)
    reason = _stated_reason(attributes)
    return chat if reason is None else replace(chat, finish_reason=reason)


def _stated_reason(attributes: Row) -> str | None:
    for name in _REASONS:
        reasons = attribute_branch(attributes, name)
        if isinstance(reasons, list):
            reasons = reasons[0] if reasons else None
        if isinstance(reasons, str) and reasons:
            return reasons
    return None


def _with_details(span: TelemetrySpan) -> Row:
    """The span's attributes and those of an event that holds the details in their place."""
    details = (event.attributes for event in span.events if event.name == _DETAILS)
    return {**next(details, {}), **span.attributes}


def _asked(attributes: Row, events: tuple[SpanEvent, ...]) -> Asked:
    for name in _ASKED:
        if turns := turns_of(_held(attributes, name), "user"):
            return Asked(tuple(turns))
    said = [
        turn for event in events if (role := _EVENTS.get(event.name)) for turn in turns_of(_body(event, role), role)
    ]
    said = said or turns_of(_content_event(events, "gen_ai.content.prompt", "gen_ai.prompt"), "user")
    if said:
        return Asked(tuple(said))
    return asked_of(first_of(attributes, *_INPUTS) or _branch(attributes, *_INPUTS))


def _reply(attributes: Row, events: tuple[SpanEvent, ...], asked: Asked) -> Reply:
    for name in _CHOICES:
        held = _held(attributes, name)
        if held is not None and (turns := _first_choice(held)):
            return Reply(tuple(turns))
    held = _held(attributes, "llm.output_messages")
    if held is not None:
        turns = _first_choice(held) if _several(attributes) else turns_of(held, "assistant")
        if any(turn.content for turn in turns):
            return Reply(tuple(turns))
    for event in events:
        if event.name == "gen_ai.choice" and (turns := turns_of(_choice(event), "assistant")) and turns[-1].content:
            return Reply(tuple(turns))
    if turns := turns_of(_content_event(events, "gen_ai.content.completion", "gen_ai.completion"), "assistant"):
        return Reply(tuple(turns))
    if turns := _vercel_turns(attributes):
        return Reply(tuple(turns))
    output = first_of(attributes, *_OUTPUTS) or _branch(attributes, *_OUTPUTS)
    return reply_of(output, asked=asked.text, from_object=asked.is_object)


def _first_choice(held: Any) -> list[Turn]:
    """The first choice that says something: text as it is written, or messages of which each is a choice."""
    reply = reply_of(held) if isinstance(held, str) else None
    if reply is not None and not _is_list_of_messages(held):
        return list(reply.turns)
    messages = parsed(held)
    for item in messages if isinstance(messages, list) else [messages]:
        turns = turns_of(item, "assistant")
        if any(turn.content for turn in turns):
            return turns
    return []


def _is_list_of_messages(held: Any) -> bool:
    found = parsed(held)
    return isinstance(found, list) and bool(found) and all(is_message(item) for item in found)


def _several(attributes: Row) -> bool:
    """Whether several choices were asked for."""
    wanted = parsed_json(attributes.get("llm.invocation_parameters"))
    count = wanted.get("n") if isinstance(wanted, dict) else None
    return isinstance(count, int) and count > 1


def _vercel_turns(attributes: Row) -> list[Turn]:
    text, calls = attributes.get("ai.response.text"), parsed(attributes.get("ai.response.toolCalls"))
    if text is None:
        text = attributes.get("ai.result.text")  # versions before 4
    if text in (None, "") and not calls:
        return []
    return turns_of({"role": "assistant", "content": text, "tool_calls": calls}, "assistant")


def _held(attributes: Row, name: str) -> Any:
    """The value of an attribute as it was written, or what stands below its name; dotted names inside are undone."""
    own = attributes.get(name)
    if isinstance(own, str) and own:
        items = parsed_json(own)
        listed = items if isinstance(items, list) else [items]
        dotted = any(isinstance(item, dict) and any("." in key for key in item) for item in listed)
        return attribute_branch(attributes, name) if dotted else own
    return attribute_branch(attributes, name)


def _branch(attributes: Row, *names: str) -> Any:
    return next((found for name in names if (found := attribute_branch(attributes, name)) is not None), None)


def _content_event(events: tuple[SpanEvent, ...], name: str, attribute: str) -> Any:
    return next((_held(event.attributes, attribute) for event in events if event.name == name), None)


def _body(event: SpanEvent, role: Role) -> Row:
    body = attribute_branch(event.attributes, "body")
    found = {**event.attributes, **(body if isinstance(body, dict) else {})}
    for name in ("content", "tool_calls"):
        if name not in found and (below := attribute_branch(event.attributes, name)) is not None:
            found[name] = below
    return {"role": role, **found}


def _choice(event: SpanEvent) -> Any:
    body = _body(event, "assistant")
    message = attribute_branch(body, "message")
    if isinstance(message, (dict, str)):
        reason = {"finish_reason": body["finish_reason"]} if body.get("finish_reason") else {}
        inner = message if isinstance(message, dict) else {"content": message}
        return {"role": "assistant", **inner, **reason}
    return body


def _system(attributes: Row) -> list[Turn]:
    held = parsed(_held(attributes, "gen_ai.system_instructions"))
    if held in (None, "", []):
        return []
    if isinstance(held, list):
        texts = [content_of([part]).text for part in held]
        return [Turn("system", "\n\n".join(filter(None, texts)))]
    return [Turn("system", content_of(held).text)]
