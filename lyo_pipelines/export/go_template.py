"""A chat template in Go's template language as Ollama runs it, written from what stands around each turn, and read as Go reads it.

Ollama gives a template `.Messages` (consecutive ones of a role joined) and `.System`, all system turns joined. Only these actions are
written, and only they are read: a text in quotes, a field, if / else if / else / end, range, eq, and.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lyo_pipelines.export.turns import Turns

_ACTION = re.compile(r'\{\{ ((?:"(?:[^"\\]|\\.)*"|[^"}])*?) \}\}')


def go_template(turns: Turns) -> str:
    """The template's text; a beginning mark stands in it, and the tokenizer must not add one."""
    system = turns.system[0]
    user = f"{_text(turns.user[0])}{{{{ .Content }}}}{_text(turns.user[1])}"
    answer = f"{_text(turns.assistant[0])}{{{{ .Content }}}}{_text(turns.assistant[1])}"
    if turns.folded:
        first = f"{_text(system)}{{{{ $.System }}}}{_text(turns.system[1])}{{{{ .Content }}}}{_text(turns.user[1])}"
        user = f"{{{{ if and $.System (eq $i 1) }}}}{first}{{{{ else }}}}{user}{{{{ end }}}}"
        told = ""
    else:
        told = f'{{{{ if eq .Role "system" }}}}{_text(system)}{{{{ .Content }}}}{_text(turns.system[1])}{{{{ end }}}}'
    alone = f"{{{{ if .System }}}}{{{{ else }}}}{_text(turns.alone)}{{{{ end }}}}" if turns.alone else ""
    return (
        f"{alone}{{{{ range $i, $_ := .Messages }}}}{told}"
        f'{{{{ if eq .Role "user" }}}}{user}{{{{ else if eq .Role "assistant" }}}}{answer}{{{{ end }}}}'
        f"{{{{ end }}}}{_text(turns.ask)}"
    )


def _text(text: str) -> str:
    """A text as an action of its own: whatever stands in it, its spaces are kept."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""


@dataclass
class _Node:
    """kind: text, field, range or if; branches of an if: (condition, nodes), the condition of else is ""."""

    kind: str
    value: str = ""
    branches: list[tuple[str, list[_Node]]] = field(default_factory=list)


def render_go(template: str, messages: Sequence[Mapping[str, str]]) -> str:
    """Run a template that `go_template` wrote. Raises ValueError for anything else."""
    system = "\n\n".join(one["content"] for one in messages if one["role"] == "system")
    nodes, rest = _parsed(_actions(template))
    if rest:
        raise ValueError("an end too many")
    joined: list[dict[str, str]] = []
    for one in messages:
        if joined and joined[-1]["role"] == one["role"]:
            joined[-1]["content"] += f"\n\n{one['content']}"
        else:
            joined.append(dict(one))
    return _run(nodes, {"System": system, "Messages": joined})


def _actions(template: str) -> list[str]:
    found, at = [], 0
    for match in _ACTION.finditer(template):
        if match.start() != at:
            raise ValueError(f"text outside an action: {template[at : match.start()]!r}")
        found.append(match[1])
        at = match.end()
    if at != len(template):
        raise ValueError(f"text outside an action: {template[at:]!r}")
    return found


def _parsed(actions: list[str]) -> tuple[list[_Node], list[str]]:
    """Nodes up to the else or end that closes them, and the actions from there on."""
    nodes: list[_Node] = []
    while actions:
        one = actions[0]
        if one == "end" or one.startswith("else"):
            return nodes, actions
        actions = actions[1:]
        if one.startswith('"'):
            nodes.append(_Node("text", json.loads(one)))
        elif one == "range $i, $_ := .Messages":
            body, actions = _parsed(actions)
            nodes.append(_Node("range", branches=[("", body)]))
            actions = _closed(actions)
        elif one.startswith("if "):
            node = _Node("if")
            condition = one.removeprefix("if ")
            while True:
                body, actions = _parsed(actions)
                node.branches.append((condition, body))
                if not actions or actions[0] == "end":
                    break
                condition = actions[0].removeprefix("else").strip().removeprefix("if ")
                actions = actions[1:]
            actions = _closed(actions)
            nodes.append(node)
        else:
            nodes.append(_Node("field", one))
    return nodes, []


def _closed(actions: list[str]) -> list[str]:
    if not actions or actions[0] != "end":
        raise ValueError("an end is missing")
    return actions[1:]


def _run(nodes: Sequence[_Node], top: Mapping[str, Any], number: int = -1) -> str:
    told = []
    for node in nodes:
        if node.kind == "text":
            told.append(node.value)
        elif node.kind == "field":
            told.append(str(_value(node.value, top, number)))
        elif node.kind == "range":
            told += [_run(node.branches[0][1], top, at) for at in range(len(top["Messages"]))]
        else:
            chosen = next(
                (body for condition, body in node.branches if not condition or _holds(condition, top, number)), []
            )
            told.append(_run(chosen, top, number))
    return "".join(told)


def _holds(condition: str, top: Mapping[str, Any], number: int) -> bool:
    if condition == "and $.System (eq $i 1)":
        return bool(top["System"]) and number == 1
    if condition.startswith("eq .Role "):
        return _value(".Role", top, number) == json.loads(condition.removeprefix("eq .Role "))
    return bool(_value(condition, top, number))


def _value(name: str, top: Mapping[str, Any], number: int) -> Any:
    if name in {"$.System", ".System"}:
        return top["System"]
    if name in {".Role", ".Content"} and number >= 0:
        return top["Messages"][number][name.removeprefix(".").lower()]
    raise ValueError(f"no such action: {name}")
