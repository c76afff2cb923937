"""How often a key may ask and how many tokens it may use, counted in this process alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from lyo_pipelines.config.gateway import KeyLimits

_DAY = 86_400.0
_HOURS = 24


@dataclass
class _Used:
    """places: requests that may be made at once now; at: when that was so; tokens: by hour since the clock began."""

    places: float
    at: float
    tokens: dict[int, int] = field(default_factory=dict)


@dataclass
class Limits:
    """A bucket of requests that fills by the minute, and a budget of tokens over the last 24 hours, for each key by its name.

    seconds: a clock that never goes back.
    """

    config: KeyLimits
    seconds: Callable[[], float]
    _used: dict[str, _Used] = field(default_factory=dict)

    def request(self, name: str) -> tuple[str, int] | None:
        """Count a request; or which limit (rate, budget) is in its way, and for how many seconds."""
        now, most = self.seconds(), float(self.config.requests_per_minute)
        used = self._used.setdefault(name, _Used(most, now))
        used.places = min(most, used.places + (now - used.at) * most / 60)
        used.at = now
        hour = int(now // 3600)
        used.tokens = {at: count for at, count in used.tokens.items() if at > hour - _HOURS}
        if sum(used.tokens.values()) >= self.config.tokens_per_day:
            return "budget", math.ceil((min(used.tokens) + _HOURS) * 3600 - now)
        if used.places < 1:
            return "rate", math.ceil((1 - used.places) * 60 / most)
        used.places -= 1
        return None

    def spend(self, name: str, tokens: int) -> None:
        """Count tokens of an answer."""
        if (used := self._used.get(name)) is not None:
            hour = int(self.seconds() // 3600)
            used.tokens[hour] = used.tokens.get(hour, 0) + tokens
