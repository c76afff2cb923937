"""Agents: which tools to call with which arguments, or a reply without one. The tools stand in the context (or system prompt)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue, ValidationError

from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.tasks.answers import Answer, Material
from lyo_pipelines.tasks.base import GradedAnswer, TaskFormat, TaskMetric
from lyo_pipelines.tasks.measures import split_words
from lyo_pipelines.tasks.wording import language

FORMAT_VERSION = "agent-1"
ToolName = Annotated[str, Field(min_length=1, max_length=80)]


class ToolCall(Answer):
    """One call."""

    tool: ToolName
    arguments: dict[str, JsonValue]


class AgentTurn(Answer):
    """The answer: calls in order, or (where no tool is needed) a reply; never both."""

    calls: Annotated[list[ToolCall], Field(max_length=8)]
    reply: Annotated[str, Field(max_length=2000)]


class Tool(Material):
    """A tool: its name, and a JSON schema of its arguments."""

    name: str
    parameters: JsonObject = Field(default_factory=dict)


class Tools(Material):
    """What the context says."""

    tools: tuple[Tool, ...]


def system_prompt(row: Mapping[str, Any]) -> str:
    """Return the agent's system prompt."""
    return (
        "You are Lyo, an assistant with the tools that the material names. Answer with one JSON object only: calls (each: tool, "
        f"arguments) and reply (in {language(row)}; empty when you call a tool)."
    )


def tools_of(row: Mapping[str, Any]) -> dict[str, Tool]:
    """Return the tools that the context names, or else the row's own system prompt."""
    for column in ("context", "system_prompt"):
        text = str(row.get(column) or "")
        if found := re.search(r"\{.*\}", text, re.DOTALL):
            try:
                return {tool.name: tool for tool in Tools.model_validate_json(found.group()).tools}
            except ValidationError:
                continue
    return {}


def check(answer: AgentTurn, row: Mapping[str, Any]) -> str | None:
    """Either calls or a reply; every tool is there, and its arguments fit its schema."""
    return next(_flaws(answer, tools_of(row)), None)


def _flaws(answer: AgentTurn, tools: dict[str, Tool]) -> Iterator[str]:
    if bool(answer.calls) == bool(answer.reply.strip()):
        yield "both calls and a reply" if answer.calls else "neither a call nor a reply"
    for call in answer.calls:
        if call.tool not in tools:
            yield f"there is no tool {call.tool}"
        elif problem := _misfit(call.arguments, tools[call.tool].parameters):
            yield f"{call.tool}: {problem}"


def _misfit(arguments: JsonObject, schema: JsonObject) -> str | None:
    """Return why arguments do not fit; without a word on it, no arguments but the schema's are allowed."""
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    wanted = {"type": "object", "additionalProperties": False, **schema}
    try:
        Draft202012Validator.check_schema(wanted)
        # an empty registry: a schema out of a log must never make us fetch an address
        found = next(Draft202012Validator(wanted, registry=Registry()).iter_errors(arguments), None)
    except (SchemaError, Unresolvable, re.error) as error:
        return f"its parameters are no JSON schema ({getattr(error, 'message', error)})"
    return found.message if found else None


def _plain(value: JsonValue) -> JsonValue:
    """Return a value as it is compared: words without case, 3.0 as 3."""
    if isinstance(value, str):
        return " ".join(split_words(value))
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _names(item: GradedAnswer) -> float:
    return float([call.tool for call in item.answer.calls] == [call.tool for call in item.reference.calls])


def _exact(item: GradedAnswer) -> float:
    said, wanted = (
        [(call.tool, _plain(call.arguments)) for call in turn.calls] for turn in (item.answer, item.reference)
    )
    return float(said == wanted)


def _arguments(item: GradedAnswer) -> float | None:
    """Of the reference's arguments, call by call, the share that has the same value."""
    wanted = [(call.tool, call.arguments) for call in item.reference.calls]
    total = sum(len(arguments) for _, arguments in wanted)
    if not total:
        return None
    said = [(call.tool, call.arguments) for call in item.answer.calls]
    same = 0
    for (tool, arguments), (other, given) in zip(wanted, said, strict=False):
        same += tool == other and sum(
            name in given and _plain(given[name]) == _plain(value) for name, value in arguments.items()
        )
    return same / total


FORMAT = TaskFormat(
    task="agent",
    version=FORMAT_VERSION,
    system_prompt=system_prompt,
    description="A request in the question, tools in the context, tool calls or a reply out.",
    answer=AgentTurn,
    check=check,
    prose=("reply",),
    metrics=(
        TaskMetric(
            "tool_names_exact", "higher", "share right", "Share of answers that call the right tools in order.",
            item=_names, invalid=0.0,
        ),
        TaskMetric(
            "tool_calls_exact", "higher", "share right", "Share of answers whose calls are right, names and arguments.",
            item=_exact, invalid=0.0,
        ),
        TaskMetric(
            "tool_arguments_right", "higher", "share of arguments", "Share of the reference's arguments with the right value.",
            item=_arguments, invalid=0.0,
        ),
    ),
    general_metrics=("loss", "length_ratio"),
)  # fmt: skip
