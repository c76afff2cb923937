"""What one task's module makes: the content of one interaction, without its user, time and rating."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

Structured: TypeAlias = dict[str, Any]
"""A structured answer or context, or a part of one: the task's own model (in tasks/) says its fields, and reads it."""


@dataclass(frozen=True, slots=True)
class Made:
    """One question and its good answer; a structured answer or context is a dict. `bad` is a wrong answer that looks right."""

    question: str
    answer: str | Structured
    topic: str | None = None
    subject: str | None = None
    grade: int | None = None
    context: str | Structured | None = None
    reference_answer: str | None = None
    reasoning_mode: str = "standard"
    bad: str | Structured | None = None


Maker = Callable[[Random, str], Made]
"""(random numbers, language) -> content."""


@dataclass(frozen=True, slots=True)
class TaskSample:
    """How one task's content is made, and in which languages."""

    languages: tuple[str, ...]
    make: Maker


def sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]
