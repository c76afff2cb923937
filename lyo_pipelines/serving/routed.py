"""Who serves a user, by the routing file that a release writes; None where there is no such file or it says nothing of the segment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from lyo_pipelines.registry.log import registered_segments
from lyo_pipelines.rollout.routing import Routing, RoutingFileError, Target, current_routing, read_routing, routing_path
from lyo_pipelines.rollout.selection import Query, choose_adapter
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class Routed:
    """What answers this user. segment: whose adapter it is, perhaps a parent's; version: None is the base model alone (the current
    arm of a segment's first release); files: the adapter's checksums as it was released; arm, release_id: where the user takes part
    in a release.

    fallback: what answers where this one cannot be loaded, if anything does.
    """

    segment: str
    version: str | None
    arm: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    fallback: Routed | None = None
    release_id: str | None = None


def routed_adapter(lake: Lake, segment: str, user: str | None) -> Routed | None:
    """Read the routing file, as it is now, and decide for one user; without a user the champion answers.

    A segment that was ever released is served by what the registry lets serve, and by the base model where that is nothing: its newest
    adapter may be the one that was sent back. None: nothing was ever released for it. Raises SegmentKeyError for a name that is no
    segment.
    """
    query, routing = Query.of_segment(segment), _routing(lake)
    choice = choose_adapter(routing, query, user)
    if choice.adapter is None:
        was_released = {segment, routing.served_by.get(segment)} & set(registered_segments(lake))
        if choice.arm or was_released:
            return Routed(segment, None, arm=choice.arm, release_id=choice.release_id)
        return None
    fallback = None if choice.fallback is None else _to(choice.fallback)
    return replace(_to(choice.adapter), arm=choice.arm, fallback=fallback, release_id=choice.release_id)


def _routing(lake: Lake) -> Routing:
    """The routing file; where there is none, or it is damaged, what it would say."""
    if lake.exists(routing_path(lake)):
        with suppress(RoutingFileError):
            return read_routing(lake)
    return current_routing(lake) if registered_segments(lake) else Routing()


def _to(target: Target) -> Routed:
    return Routed(target.segment, target.version, files=target.files)
