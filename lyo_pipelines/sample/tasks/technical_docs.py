"""Documentation of small Python functions (functions.yaml): reference pages, docstrings, guides, tables, and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import yaml

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.made import Made, Structured, TaskSample, sentence


@cache
def functions() -> tuple[Structured, ...]:
    """All functions, with their name."""
    rows = yaml.safe_load((Path(__file__).parent / "functions.yaml").read_text(encoding="utf-8"))
    return tuple(row | {"name": row["call"].partition("(")[0]} for row in rows)


def _errors(function: Structured, mark: str = "- ") -> str:
    raised = function["raises"]
    return "\n".join(f"{mark}`{name}`: {why}." for name, why in raised.items()) or f"{mark}None of its own."


def _example(function: Structured) -> str:
    return f"```python\n>>> {function['call']}\n{function['result']}\n```"


def _reference(function: Structured) -> str:
    rows = "\n".join(f"- `{name}`: {says}." for name, says in function["arguments"].items())
    return (
        f"## `{function['name']}`\n\n{sentence(function['purpose'])}.\n\n**Parameters**\n\n{rows}\n\n"
        f"**Returns**\n\n{sentence(function['returns'])}.\n\n**Errors**\n\n{_errors(function)}\n\n"
        f"**Example**\n\n{_example(function)}"
    )


def _docstring(function: Structured) -> str:
    rows = "\n".join(f"    {name}: {says}." for name, says in function["arguments"].items())
    raised = "".join(f"\n    {name}: {why}." for name, why in function["raises"].items())
    raised = f"\n\nRaises:{raised}" if raised else ""
    return (
        f'```text\n"""{sentence(function["purpose"])}.\n\nArgs:\n{rows}\n\nReturns:\n    {sentence(function["returns"])}.'
        f'{raised}\n\nExample:\n    >>> {function["call"]}\n    {function["result"]}\n"""\n```'
    )


def _guide(function: Structured) -> str:
    names = ", ".join(f"`{name}` ({says})" for name, says in function["arguments"].items())
    return (
        f"# How to use `{function['name']}`\n\n1. Decide what you need: the function {function['purpose']}.\n"
        f"2. Prepare its arguments: {names}.\n3. Call it and use the result: {function['returns']}.\n\n{_example(function)}\n\n"
        f"What can go wrong:\n\n{_errors(function)}"
    )


def _table(function: Structured) -> str:
    rows = "\n".join(f"| `{name}` | {says} |" for name, says in function["arguments"].items())
    return (
        f"`{function['name']}` {function['purpose']}.\n\n| Parameter | Meaning |\n| --- | --- |\n{rows}\n| *result* | "
        f"{function['returns']} |\n\n{_example(function)}"
    )


def _trouble(function: Structured) -> str:
    names = ", ".join(f"`{name}`" for name in function["arguments"])
    return (
        f"### Errors of `{function['name']}`\n\nThe function {function['purpose']}; it takes {names}.\n\n{_errors(function)}\n\n"
        f"A call that works:\n\n{_example(function)}"
    )


_KINDS: dict[Callable[[Structured], str], tuple[str, ...]] = {
    _reference: (
        "Write the reference page of `{n}`.",
        "API documentation for `{n}`, please: parameters, result, errors, example.",
    ),
    _docstring: ("Write a docstring for `{n}` in Google style.", "My function `{n}` has no docstring yet. Add one."),
    _guide: (
        "Write a short how-to guide for beginners: how do I use `{n}`?",
        "Explain in steps how to use `{n}` in my project.",
    ),
    _table: (
        "A table of the parameters of `{n}` with their meaning.",
        "Document the arguments of `{n}` as a Markdown table.",
    ),
    _trouble: (
        "Which errors can `{n}` raise? Write the section for our docs.",
        "Write the troubleshooting part for `{n}`.",
    ),
}


def make(rng: Random, _: str) -> Made:
    """Make one request with its documentation; the code stands in the context."""
    function, (write, asks) = pick(rng, functions()), pick(rng, list(_KINDS.items()))
    other = pick(rng, [one for one in functions() if one["name"] != function["name"]])
    return Made(
        question=pick(rng, asks).format(n=function["name"]) + pick(rng, _WITH).format(p=function["purpose"]),
        answer=write(function),
        topic="python",
        subject="programming",
        context=function["code"].strip(),
        bad=write(other),
    )


_WITH = ("", " It {p}.", " Our pupils read it.", " Keep it short.")
SAMPLE = TaskSample(("en",), make)
