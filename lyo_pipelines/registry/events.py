"""What can happen to an adapter on its way to users and back: one frozen event, and its JSON. What follows from events: fold.py."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, cast, get_args

from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import is_dict, is_list

Kind = Literal[
    "registered", "candidate", "canary", "stepped_up", "stepped_back", "paused", "resumed", "fell_back", "promoted", "retired",
    "rejected", "rolled_back",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
FORMAT = 1
_ADAPTER_TEXTS = ("version", "segment", "method", "base_model", "dataset_fingerprint")


@dataclass(frozen=True)
class Adapter:
    """One registered adapter: what it is, and the sha256 of each of its files (with that of its manifest)."""

    version: str
    segment: str
    method: str
    base_model: str
    dataset_fingerprint: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Who:
    """Who decided: a sensor or run by its name, or a person by the login."""

    name: str
    person: bool = False


@dataclass(frozen=True)
class RegistryEvent:
    """One thing that happened, with everything it was decided on. `sequence` and `previous` are given when it is appended.

    stage, share: in force after it, where it changes them. to: version that serves instead of one that goes ("" : none of the
    segment's own). metrics: the candidate's, out of its report. figures: what was found, as plain values.
    previous: sha256 of the event before as it was written, so that the past cannot be changed unseen.
    at: never before the event before it. clock: what the writer's clock said, where that was earlier than `at`.
    """

    kind: Kind
    adapter: Adapter
    who: Who
    reason: str
    at: datetime
    stage: int = 0
    share: float = 0.0
    to: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict[str, Any])
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sequence: int = 0
    previous: str = ""
    clock: datetime | None = None

    @property
    def happened_at(self) -> datetime:
        """When it happened, by the clock of whoever wrote it."""
        return self.clock or self.at

    @property
    def version(self) -> str:
        """The adapter version it is about."""
        return self.adapter.version


class EventFormatError(LyoError):
    """A text is no event; the message says what is wrong with it."""


def event_to_json(event: RegistryEvent) -> str:
    """The event as the JSON text that is written."""
    told = json_values({"format": FORMAT, **asdict(event), "at": event.at.astimezone(UTC).isoformat()})
    del told["clock"]  # written where it says something
    if event.clock is not None:
        told["clock"] = event.clock.astimezone(UTC).isoformat()
    return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


def json_values(values: Any) -> Any:
    """The same as JSON can say it: nan and infinities as None, numpy's numbers as Python's. No figure may hold up a fallback."""
    if isinstance(values, Mapping):
        return {str(key): json_values(value) for key, value in cast("Mapping[Any, Any]", values).items()}
    if is_list(values):
        return [json_values(value) for value in values]
    if hasattr(values, "item"):
        values = values.item()
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    return values if values is None or isinstance(values, bool | int | str) else str(values)


def event_from_json(text: str) -> RegistryEvent:
    """Read an event back. Raises EventFormatError."""
    try:
        told: dict[str, Any] = json.loads(text)
        if told.pop("format") != FORMAT or told["kind"] not in KINDS:
            raise ValueError(f"of another format than {FORMAT}, or of an unknown kind")
        adapter, who = Adapter(**told.pop("adapter")), Who(**told.pop("who"))
        read: dict[str, Any] = {"adapter": adapter, "who": who, "at": datetime.fromisoformat(told["at"])}
        if told.get("clock") is not None:
            read["clock"] = datetime.fromisoformat(told["clock"])
        event = RegistryEvent(**{**told, **read})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EventFormatError(f"no event: {error}") from error
    _require_types(event)
    return event


def _require_types(event: RegistryEvent) -> None:
    """Raise EventFormatError for values that no event has: whoever folds and compares them may rely on what they are."""
    texts = (
        event.reason,
        event.to,
        event.previous,
        event.who.name,
        *(asdict(event.adapter)[name] for name in _ADAPTER_TEXTS),
    )
    fits = {
        "at has no time zone": event.at.tzinfo is not None and event.happened_at.tzinfo is not None,
        "a text is none": all(isinstance(text, str) for text in texts),
        "stage or sequence is no whole number": all(type(n) is int for n in (event.stage, event.sequence)),
        "share is no number": type(event.share) in (int, float) and math.isfinite(event.share),
        "files, metrics or figures are no object": all(
            map(is_dict, (event.adapter.files, event.metrics, event.figures))
        ),
    }
    if wrong := [name for name, good in fits.items() if not good]:
        raise EventFormatError(f"no event: {wrong[0]}")


def digest(text: str) -> str:
    """The name of an event's text in the next event."""
    return sha256(text.encode("utf-8")).hexdigest()
