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
from lyo_pipelines.registry.log import ReleaseHistory, read_all, read_intact
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.assignment import BUCKETS, candidate_buckets, release_id_of, salt_of
from lyo_pipelines.rollout.stops import Stop, read_stop
from lyo_pipelines.storage.damage import DamagedFileError, told_reason
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object

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

    Who writes looks again afterwards: the last of several writers sees what it may have overwritten and mends it. A file that cannot
    be read is kept in `lake/quarantine/` before it is written anew.
    """
    while True:
        routing = current_routing(lake)
        content = to_text(routing).encode()
        if lake.exists(path := routing_path(lake)):
            before = _content(lake, path)
            if before == content:
                return routing
            if before is not None and not _is_routing(before):
                lake.set_aside(path)
        lake.write_text(content.decode(), path)


def current_routing(lake: Lake) -> Routing:
    """The routing as the registry has it now; what cannot be trusted stays as it was (see RoutingSources)."""
    return read_sources(lake).routing


@dataclass(frozen=True)
class RoutingSources:
    """What the routing is made from. troubles: by segment, what of it cannot be trusted.

    Such a segment keeps what the routing file says of it; where that cannot be read either, the champion of its last event that can
    be trusted serves everybody, so that no candidate is in front of users whom nobody watches.
    """

    routing: Routing
    histories: Mapping[str, ReleaseHistory]
    troubles: Mapping[str, str]


def read_sources(lake: Lake) -> RoutingSources:
    """Read the routing file, then the registry (an event is written before the file, so the file is never ahead of it)."""
    try:
        file = read_routing(lake)
    except RoutingFileError:
        file = Routing()
    histories, damaged = read_all(lake)
    for segment, entry in file.entries.items():
        if segment in damaged:
            continue
        known = histories[segment].release.sequence if segment in histories else 0
        if known < entry.sequence:
            damaged[segment] = _lost(lake, segment, known, entry.sequence)
            histories.pop(segment, None)
    served_by, pointers = _served_by(lake, file.served_by)
    routing = routing_of({key: history.release for key, history in histories.items()}, served_by)
    kept = {key: entry for key in damaged if (entry := _kept(lake, key, file)) is not None}
    entries, stops = dict(sorted({**routing.entries, **kept}.items())), dict[str, str]()
    for segment, entry in list(entries.items()):
        try:
            stopped = _without_candidate(entry, read_stop(lake, segment))
        except DamagedFileError as error:  # somebody stopped something: nobody can tell that it is not this candidate
            stops[segment], stopped = str(error), _without_candidate(entry, None, whatever=True)
        if stopped is None:
            del entries[segment]
        else:
            entries[segment] = stopped
    return RoutingSources(replace(routing, entries=entries), histories, {**pointers, **stops, **damaged})


def _without_candidate(entry: RoutingEntry, stop: Stop | None, *, whatever: bool = False) -> RoutingEntry | None:
    """The entry without a candidate that was stopped; None where it serves nothing then."""
    if entry.candidate is None or not (whatever or (stop is not None and stop.version == entry.candidate.version)):
        return entry
    return RoutingEntry(entry.segment, entry.sequence, entry.champion) if entry.champion else None


def _kept(lake: Lake, segment: str, file: Routing) -> RoutingEntry | None:
    """The entry of a segment whose registry cannot be trusted."""
    if (entry := file.entries.get(segment)) is not None:
        return entry
    before = read_intact(lake, segment)[0].release
    entry = RoutingEntry(segment, before.sequence, target_of(before, before.champion))
    return entry if entry.champion else None


def _lost(lake: Lake, segment: str, known: int, told: int) -> str:
    return (
        f"{lake.path('registry', segment)} ends with event {known}, and {routing_path(lake)} was made from event {told}: the last "
        "events are lost. Restore them; if they were taken out on purpose, remove routing.json: it is written anew."
    )


def read_routing(lake: Lake) -> Routing:
    """The routing file; empty before the first release. Raises RoutingFileError."""
    path = routing_path(lake)
    if not lake.exists(path):
        return Routing()
    try:
        return from_text(lake.read_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RoutingFileError(
            f"{path} cannot be read: {told_reason(error)}. `lyo releases` writes it anew."
        ) from error


def _content(lake: Lake, path: str) -> bytes | None:
    """The bytes of a file; None where it cannot be read at all."""
    try:
        return lake.read_bytes(path)
    except OSError:
        return None


def _is_routing(content: bytes) -> bool:
    try:
        from_text(content.decode())
    except (RoutingFileError, UnicodeDecodeError):
        return False
    return True


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
        served_by = {str(key): str(parent) for key, parent in told["served_by"].items()}
        return Routing({key: _read_entry(one) for key, one in told["entries"].items()}, served_by)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RoutingFileError(f"routing.json cannot be read ({error}). `lyo releases` writes it anew.") from error


def _read_entry(told: Mapping[str, Any]) -> RoutingEntry:
    targets = {name: Target(**told[name]) if told[name] else None for name in ("champion", "candidate")}
    entry = RoutingEntry(**{**told, **targets})
    for target in filter(None, targets.values()):
        _require(target, dict.fromkeys(("segment", "version", "method", "base_model", "folder"), str) | {"files": dict})
    _require(
        entry, dict.fromkeys(("segment", "salt", "release_id"), str) | {"sequence": int, "stage": int, "buckets": int}
    )
    if not 0 <= entry.buckets <= BUCKETS:
        raise ValueError(f"{entry.segment}: {entry.buckets} of {BUCKETS} buckets")
    return entry


def _require(told: Target | RoutingEntry, kinds: Mapping[str, type]) -> None:
    """Raise TypeError for a value that somebody made another kind of thing: gateways compare and count with them."""
    for name, kind in kinds.items():
        if not isinstance(getattr(told, name), kind):
            raise TypeError(f"{told.segment}: {name} is no {kind.__name__}")


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


def _served_by(lake: Lake, before: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Thin segments whose newest training pointed them to another segment's adapter; a pointer that cannot be read says what it said
    before, and is told.
    """
    found, troubles = dict[str, str](), dict[str, str]()
    for segment in lake.names(lake.path("adapters")):
        try:
            parent = read_object(lake, f"{lake.adapter_dir(segment)}/latest.json").get("served_by")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except DamagedFileError as error:
            troubles[segment] = str(error)
            parent = before.get(segment)
        if parent:
            found[segment] = str(parent)
    return found, troubles
