"""The routing file `lake/routing.json`: who is served what right now, for any gateway. Written whole, folded out of the registry.

The same registry gives the same bytes, so a rewrite changes nothing unless something happened. Which of its entries a question takes
stands in selection.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.log import read_all
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.assignment import BUCKETS, candidate_buckets, release_id_of, salt_of
from lyo_pipelines.storage.lake import Lake

FORMAT = 1


@dataclass(frozen=True)
class Target:
    """An adapter that is served. folder: below the lake; files: name -> sha256, to be verified when it is loaded."""

    segment: str
    version: str
    method: str
    base_model: str
    folder: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class RoutingEntry:
    """What one segment's own adapters serve. buckets: those below this number get the candidate; salt, release_id: of its release."""

    segment: str
    sequence: int
    champion: Target | None = None
    candidate: Target | None = None
    salt: str = ""
    stage: int = 0
    share: float = 0.0
    buckets: int = 0
    release_id: str = ""


@dataclass(frozen=True)
class Routing:
    """The whole file. served_by: segments too thin for an adapter of their own -> the segment whose adapters serve them.

    releases: the states that it was folded out of, which know the past, too; the file does not hold them.
    """

    entries: Mapping[str, RoutingEntry] = field(default_factory=dict)
    served_by: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict, compare=False, repr=False)


class RoutingFileError(LyoError):
    """The routing file cannot be read; the message says what to do."""


def routing_of(releases: Mapping[str, Release], served_by: Mapping[str, str]) -> Routing:
    """The routing that follows from the state of all segments; one that serves nothing of its own has no entry."""
    entries = {segment: _entry(release) for segment, release in sorted(releases.items())}
    return Routing(
        {key: entry for key, entry in entries.items() if entry.champion or entry.candidate},
        dict(sorted(served_by.items())),
        releases,
    )


def routing_at(routing: Routing, moment: datetime) -> Routing:
    """What was routed at a moment of the past, as far as the choice of a release depends on it: champions and candidates.

    Segments whose past is not known keep their entry of now.
    """
    entries = {key: entry for key, entry in routing.entries.items() if key not in routing.releases}
    for segment, release in routing.releases.items():
        served = {
            one.arm: target_of(release, one.version)
            for one in release.served
            if one.since <= moment and (one.until is None or moment < one.until)
        }
        if any(served.values()):
            entries[segment] = RoutingEntry(segment, 0, served.get("current"), served.get("candidate"))
    return replace(routing, entries=entries)


def refresh_routing(lake: Lake) -> Routing:
    """Bring the routing file up to the registry, and return it. Safe at any time, from any process.

    Who writes looks again afterwards: the last of several writers sees what it may have overwritten and mends it.
    """
    while True:
        routing = current_routing(lake)
        text = to_text(routing)
        if lake.exists(path := routing_path(lake)) and lake.read_text(path) == text:
            return routing
        lake.write_text(text, path)


def current_routing(lake: Lake) -> Routing:
    """The routing as the registry has it now. A segment whose events cannot be trusted keeps what the file says of it."""
    histories, troubles = read_all(lake)
    routing = routing_of({key: history.release for key, history in histories.items()}, _served_by(lake))
    if not troubles:
        return routing
    kept = {key: entry for key, entry in read_routing(lake).entries.items() if key in troubles}
    return replace(routing, entries=dict(sorted({**routing.entries, **kept}.items())))


def read_routing(lake: Lake) -> Routing:
    """The routing file; empty before the first release. Raises RoutingFileError."""
    path = routing_path(lake)
    return from_text(lake.read_text(path)) if lake.exists(path) else Routing()


def routing_path(lake: Lake) -> str:
    """Where the file lies."""
    return lake.path("routing.json")


def to_text(routing: Routing) -> str:
    """The file's content."""
    entries = {key: asdict(entry) for key, entry in routing.entries.items()}
    told = {"format": FORMAT, "total_buckets": BUCKETS, "entries": entries, "served_by": dict(routing.served_by)}
    return json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def from_text(text: str) -> Routing:
    """Read the file's content. Raises RoutingFileError."""
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']}, expected {FORMAT}")
        return Routing({key: _read_entry(one) for key, one in told["entries"].items()}, told["served_by"])
    except (ValueError, KeyError, TypeError) as error:
        raise RoutingFileError(f"routing.json cannot be read ({error}). `lyo releases` writes it anew.") from error


def _read_entry(told: Mapping[str, Any]) -> RoutingEntry:
    targets = {name: Target(**told[name]) if told[name] else None for name in ("champion", "candidate")}
    return RoutingEntry(**{**told, **targets})


def _entry(release: Release) -> RoutingEntry:
    champion = target_of(release, release.champion)
    if not release.in_canary:
        return RoutingEntry(release.segment, release.sequence, champion)
    named = release.segment, release.candidate, _attempt(release)
    return RoutingEntry(
        release.segment,
        release.sequence,
        champion,
        target_of(release, release.candidate),
        salt_of(*named),
        release.stage,
        release.share,
        candidate_buckets(release.share),
        release_id_of(*named),
    )


def release_id(release: Release) -> str:
    """The name of the release that is under way, as rows carry it."""
    return release_id_of(release.segment, release.candidate, _attempt(release))


def _attempt(release: Release) -> int:
    return release.attempts.get(release.candidate, 1)


def target_of(release: Release, version: str) -> Target | None:
    """A registered version as a gateway needs it; None for ""."""
    adapter = release.adapter(version)
    if adapter is None:
        return None
    folder = f"adapters/{adapter.segment}/{adapter.version}"
    return Target(adapter.segment, adapter.version, adapter.method, adapter.base_model, folder, dict(adapter.files))


def _served_by(lake: Lake) -> dict[str, str]:
    """Thin segments whose newest training pointed them to another segment's adapter."""
    found = {}
    for segment in lake.names(lake.path("adapters")):
        pointer = f"{lake.adapter_dir(segment)}/latest.json"
        if lake.exists(pointer) and (parent := lake.read_json(pointer).get("served_by")):
            found[segment] = str(parent)
    return found
