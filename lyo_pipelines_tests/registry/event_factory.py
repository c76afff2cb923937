"""Adapters, events and releases, made on the spot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from lyo_pipelines.registry.events import Adapter, Kind, RegistryEvent, Who
from lyo_pipelines.registry.fold import apply_event
from lyo_pipelines.registry.log import append_event
from lyo_pipelines.registry.state import Release
from lyo_pipelines.storage.lake import Lake

SEGMENT = "tutoring.en.math"
START = datetime(2026, 11, 2, 6, tzinfo=UTC)
SENSOR, PERSON = Who("rollout_sensor"), Who("asha", person=True)


def adapter(version: str = "owner-1", segment: str = SEGMENT) -> Adapter:
    return Adapter(version, segment, "lora", "tiny", "feed0001", {"adapter_model.safetensors": f"{len(version):064x}"})


def event(
    kind: Kind, version: str = "owner-1", *, day: float = 0, segment: str = SEGMENT, **fields: Any
) -> RegistryEvent:
    made = RegistryEvent(kind, adapter(version, segment), SENSOR, f"{kind} for a reason", START + timedelta(days=day))
    return replace(made, **fields)


def released(version: str = "owner-1", *, day: float = 0, segment: str = SEGMENT) -> list[RegistryEvent]:
    """From registered to the first users."""
    return [
        event("registered", version, day=day, segment=segment),
        event("candidate", version, day=day, segment=segment),
        event("canary", version, day=day, segment=segment, stage=1, share=0.10),
    ]


def promoted(version: str = "owner-1", *, day: float = 0, segment: str = SEGMENT) -> list[RegistryEvent]:
    """All the way, two weeks."""
    more = {"version": version, "segment": segment}
    return [
        *released(version, day=day, segment=segment),
        event("stepped_up", day=day + 3, stage=2, share=0.25, **more),
        event("stepped_up", day=day + 7, stage=3, share=0.5, **more),
        event("promoted", day=day + 14, stage=4, share=1.0, **more),
    ]


def state(events: list[RegistryEvent], segment: str = SEGMENT) -> Release:
    return reduce(apply_event, events, Release(segment))


def write(lake: Lake, *events: RegistryEvent) -> Release:
    """Append events at their own times; returns the state after them."""
    release = Release(SEGMENT)
    for one in events:
        _, release = append_event(lake, one, now=one.at)
    return release
