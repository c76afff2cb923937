"""Who serves a user, by the routing file that a release writes; None where there is no such file or it says nothing of the question.

The file is parsed again when it is another one (time, size, inode), not for each question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lyo_pipelines.registry.log import registered_segments
from lyo_pipelines.rollout.routing import Routing, RoutingFileError, Target, current_routing, read_routing, routing_path
from lyo_pipelines.rollout.selection import AdapterChoice, Query, candidate_keys, choose_adapter
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


@dataclass
class RoutingFile:
    """The routing file as it is now. May be asked from several threads."""

    lake: Lake
    _known: tuple[str, Routing] | None = None

    def now(self) -> Routing:
        """Its content; where there is none, or it is damaged, what it would say."""
        path = routing_path(self.lake)
        try:
            mark = self.lake.fingerprint(path)
        except FileNotFoundError:
            return current_routing(self.lake) if registered_segments(self.lake) else Routing()
        known = self._known
        if known is None or known[0] != mark:
            try:
                known = mark, read_routing(self.lake)
            except RoutingFileError:
                return current_routing(self.lake)
            self._known = known
        return known[1]


def routed_adapter(lake: Lake, segment: str, user: str | None, routing: Routing | None = None) -> Routed | None:
    """Decide for one user of a segment, by the routing (None: the file as it is now); without a user the champion answers.

    A segment that was ever released is served by what the registry lets serve, and by the base model where that is nothing: its newest
    adapter may be the one that was sent back. None: nothing was ever released for it. Raises SegmentKeyError for a name that is no
    segment.
    """
    query = Query.of_segment(segment)
    routing = RoutingFile(lake).now() if routing is None else routing
    choice = choose_adapter(routing, query, user)
    if choice.adapter is None and not choice.arm:
        was_released = {segment, routing.served_by.get(segment)} & set(registered_segments(lake))
        return Routed(segment, None) if was_released else None
    return _routed(choice, segment)


def routed_query(lake: Lake, query: Query, user: str | None, routing: Routing) -> tuple[Routed | None, tuple[str, ...]]:
    """The same for a question whose model nobody named; and, where it is None, the segments whose newest adapter may answer,
    most specific first: those that were never released.
    """
    keys = candidate_keys(query, dict(routing.served_by))
    choice = choose_adapter(routing, query, user)
    if choice.adapter is not None or choice.arm:
        return _routed(choice, choice.release or (keys[0] if keys else "")), ()
    released = set(registered_segments(lake))
    return None, tuple(key for key in keys if key not in released)


def _routed(choice: AdapterChoice, segment: str) -> Routed:
    if choice.adapter is None:
        return Routed(segment, None, arm=choice.arm, release_id=choice.release_id)
    fallback = None if choice.fallback is None else _to(choice.fallback)
    return replace(_to(choice.adapter), arm=choice.arm, fallback=fallback, release_id=choice.release_id)


def _to(target: Target) -> Routed:
    return Routed(target.segment, target.version, files=target.files)
