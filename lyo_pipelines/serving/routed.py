"""Who serves a user, by the routing file that a release writes; None where there is no such file or it says nothing of the segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lyo_pipelines.rollout.routing import Target, read_routing, routing_path
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

    Raises SegmentKeyError for a name that is no segment, RoutingFileError for a file that cannot be read.
    """
    if not lake.exists(routing_path(lake)):
        return None
    choice = choose_adapter(read_routing(lake), Query.of_segment(segment), user)
    if choice.adapter is None:
        return Routed(segment, None, arm=choice.arm, release_id=choice.release_id) if choice.arm else None
    fallback = None if choice.fallback is None else _to(choice.fallback)
    return replace(_to(choice.adapter), arm=choice.arm, fallback=fallback, release_id=choice.release_id)


def _to(target: Target) -> Routed:
    return Routed(target.segment, target.version, files=target.files)
