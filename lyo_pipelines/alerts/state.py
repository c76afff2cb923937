"""What one channel has been told and how far it has read; small JSON, kept by the caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from lyo_pipelines.alerts.position import StreamPosition

FIRST_LOOK_BACK = timedelta(hours=1)
"""A channel that is new hears of this much of the past, not of the whole history."""


class ChannelState(BaseModel):
    """State of one channel; nothing that happened before `since` is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    since: datetime
    finished: StreamPosition
    created: StreamPosition
    checks: StreamPosition
    told: dict[str, datetime] = {}


def fresh_state(now: datetime, first_check: float) -> ChannelState:
    """State of a channel that was just turned on; `first_check` is the mark from which checks are read."""
    since = now - FIRST_LOOK_BACK
    start = StreamPosition(after=since.timestamp())
    return ChannelState(since=since, finished=start, created=start, checks=StreamPosition(after=first_check))


def load_state(text: str) -> ChannelState | None:
    """Read a state; None when there is none, or one of another version of this project."""
    try:
        return ChannelState.model_validate_json(text) if text else None
    except ValidationError:
        return None
