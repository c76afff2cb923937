"""What the door asks of every engine: prove that an adapter is applied, then write answers piece by piece. How, each engine knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.verified_loading import DamagedAdapterError


@dataclass(frozen=True)
class GeneratedText:
    """One whole answer. finish_reason: stop, length where it was cut at the longest allowed, or tool_calls.

    tool_calls: calls in the shape of the OpenAI API, from an engine that knows them.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    answer_tokens: int
    tool_calls: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Proof:
    """How far an engine's log-probabilities of the stored probes lie from those of training, in nats.

    measured: mean absolute difference to the adapter's; to_base: to the base's without it; tolerance: what was allowed.
    """

    measured: float
    to_base: float
    tolerance: float


class NotAppliedError(DamagedAdapterError):
    """An engine took an adapter but does not answer as it: what serves the others answers instead."""


class EngineBusyError(Exception):
    """More asks wait than the engine's queue holds. retry_after: seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"too many requests wait; try again in {retry_after:.0f} s")
        self.retry_after = retry_after


class Engine(Protocol):
    """One engine. Every method is called from the one event loop and never blocks it.

    understands: what of a request it knows beyond text (contract.ENGINES_OWN): tools, response_format, logit_bias. The door refuses
    the others, and leaves the fields themselves in ChatRequest.passed.
    """

    name: str
    understands: frozenset[str]

    async def start(self) -> None:
        """Load or reach the base model. Raises LyoError saying what to do."""
        ...

    async def prove(self, choice: ModelChoice) -> Proof | None:
        """Load the choice's adapter, if any, and compare its probes; None: a base, or an adapter of before there were probes.

        Raises NotAppliedError; DamagedAdapterError where the engine cannot load it.
        """
        ...

    def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncIterator[str | GeneratedText]:
        """Pieces of the answer as they are written and, last, the whole of it; closing the iterator ends the work.

        Raises RefusedError where prompt and answer do not fit the model, EngineBusyError.
        """
        ...

    async def trouble(self) -> str:
        """Why the engine cannot answer now; "" when it can."""
        ...

    async def close(self) -> None:
        """End the work and give memory back."""
        ...
