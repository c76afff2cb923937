"""The one clock of the definitions: assets, ops and sensors ask it, and pass the moment down. Below `defs/` nobody reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime


def current_time() -> datetime:
    """Now, in UTC. Call it as `clock.current_time()`, so that tests can set it in one place."""
    return datetime.now(UTC)
