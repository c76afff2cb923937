"""An engine without a model: it says what it is told to, as slowly as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from lyo_pipelines.serving.contract import ChatRequest, RefusedError
from lyo_pipelines.serving.engines.engine import EngineBusyError, GeneratedText, NotAppliedError, Proof
from lyo_pipelines.serving.models import ModelChoice


class EngineDied(Exception):
    """What an engine raises that falls over."""


@dataclass
class StubEngine:
    """Answers `<version> heard: <question>` word by word. What a question says it must do, it does:

    `slow` waits before each word, `hang` for ever, `die` breaks in the middle, `busy` has no room, `long` does not fit the model.
    """

    name: str = "stub"
    understands: frozenset[str] = frozenset()
    not_applied: set[str] = field(default_factory=set)
    pause: float = 0.05
    writing: int = 0
    ended: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    sick: str = ""

    async def start(self) -> None:
        """Nothing to load."""

    async def prove(self, choice: ModelChoice) -> Proof | None:
        self.proved.append(choice.version)
        if choice.version in self.not_applied:
            raise NotAppliedError(f"{choice.version} changes nothing")
        return Proof(0.0, 0.5, 0.01)

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        question = request.messages[-1].content
        if question.startswith("busy"):
            raise EngineBusyError(7)
        if question.startswith("long"):
            raise RefusedError("the prompt is too long", param="messages", code="context_length_exceeded")
        self.writing += 1
        try:
            words = f"{choice.version} heard: {question}".split(" ")
            for number, word in enumerate(words):
                if question.startswith("slow"):
                    await asyncio.sleep(self.pause)
                if question.startswith("hang") and number == 2:
                    self.paused.append(question)
                    await asyncio.Event().wait()
                if question.startswith("die") and number == 2:
                    raise EngineDied
                yield word if number == 0 else f" {word}"
            if request.passed.get("tools"):
                call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}
                yield GeneratedText("", "tool_calls", 5, 3, (call,))
            else:
                yield GeneratedText(" ".join(words), "stop", len(question.split()), len(words))
        finally:
            self.writing -= 1
            self.ended.append(question)

    async def trouble(self) -> str:
        return self.sick

    async def close(self) -> None:
        """Nothing to free."""
