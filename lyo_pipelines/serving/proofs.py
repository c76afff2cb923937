"""Which adapters the engine has shown to apply. Each is proved once, before its first answer; a refused one is tried again later."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lyo_pipelines.serving.engines.engine import Engine, Proof
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.verified_loading import DamagedAdapterError

_log = logging.getLogger(__name__)
_Key = tuple[str, str]


@dataclass
class Proofs:
    """Proofs of one engine. again_seconds: how long a refusal stands; seconds: a clock that never goes back."""

    engine: Engine
    again_seconds: float
    seconds: Callable[[], float] = time.monotonic
    proved: dict[_Key, Proof | None] = field(default_factory=dict)
    refused: dict[_Key, str] = field(default_factory=dict)
    _again_at: dict[_Key, float] = field(default_factory=dict)
    _locks: dict[_Key, asyncio.Lock] = field(default_factory=dict)

    async def require(self, choice: ModelChoice) -> None:
        """Return once the engine answers as the choice's adapter. Raises DamagedAdapterError (NotAppliedError)."""
        key = key_of(choice)
        if key in self.proved:
            return
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key in self.proved:
                return
            if key in self.refused and self.seconds() < self._again_at[key]:
                raise DamagedAdapterError(self.refused[key])
            try:
                self.proved[key] = await self.engine.prove(choice)
            except DamagedAdapterError as error:
                _log.error("%s is not served: %s", "@".join(key), error)
                self.refuse(choice, str(error))
                raise
            self.refused.pop(key, None)

    def is_refused(self, choice: ModelChoice) -> bool:
        """Whether a refusal of it stands."""
        return key_of(choice) in self.refused

    def refuse(self, choice: ModelChoice, why: str, again_seconds: float | None = None) -> None:
        """The engine does not answer as this adapter (any more). again_seconds: how long that stands, where not as long as usual."""
        key = key_of(choice)
        self.proved.pop(key, None)
        self.refused[key] = why
        self._again_at[key] = self.seconds() + (self.again_seconds if again_seconds is None else again_seconds)


def key_of(choice: ModelChoice) -> _Key:
    """What is proved: the adapter of a segment in one version, or a base."""
    return choice.segment or choice.spec.identity, choice.version
