"""Python code inside Markdown answers: finding it, and whether it can be read. Nothing is ever run."""

from __future__ import annotations

import ast
import re
import warnings

from lyo_pipelines.tasks.base import GradedAnswer, TaskMetric

_BLOCK = re.compile(r"```[ \t]*+([\w+-]*+)[^`\n]*+\n(.*?)(?:```|\Z)", re.DOTALL)
_PYTHON = frozenset({"python", "py", "python3"})
_PROMPT = re.compile(r"^(?:>>>|\.\.\.) ?", re.MULTILINE)


def python_blocks(text: str) -> list[str]:
    """Return the code of the fenced blocks that call themselves Python; a session's prompts and results are left out."""
    blocks = [code for name, code in _BLOCK.findall(text) if name.lower() in _PYTHON]
    return [_session(code) if ">>>" in code else code for code in blocks]


def is_readable(code: str) -> bool:
    """Whether Python can parse the code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is ugly and no error
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def names_in(code: str) -> list[str]:
    """Return the functions, their arguments and the classes that a piece of Python defines; nothing where it cannot be read."""
    if not is_readable(code):
        return []
    found: list[str] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            found += [node.name, *(one.arg for one in every if one)]
    return [name for name in dict.fromkeys(found) if name not in {"self", "cls"}]


def _session(code: str) -> str:
    typed = [line for line in code.splitlines() if line.startswith((">>>", "..."))]
    return _PROMPT.sub("", "\n".join(typed))


def _readable(item: GradedAnswer) -> float | None:
    blocks = python_blocks(item.answer)
    return sum(map(is_readable, blocks)) / len(blocks) if blocks else None


CODE_READABLE = TaskMetric(
    "code_readable",
    "higher",
    "share of blocks",
    "Share of an answer's Python blocks that Python can parse; answers without one are left out.",
    item=_readable,
)
