"""Which adapter answers a question: pure, on the routing file's content. It reads no files and knows no models.

The most specific champion first: a team's own, then one for the way of reasoning, then one for the subject; then the segment whose
adapter serves a thin one; then the parents, nearest first; the base model last. On the way the first segment with a candidate asks for
the user's arm: a question takes part in one release at most, so that no arm mixes two of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lyo_pipelines.rollout.assignment import ArmName, bucket_of
from lyo_pipelines.rollout.routing import Routing, RoutingEntry, Target
from lyo_pipelines.segments import SegmentKeyError, parse_parent, segment_key


@dataclass(frozen=True)
class Query:
    """What is known of a question before it is answered."""

    task: str
    language: str
    subject: str | None = None
    reasoning_mode: str | None = None
    team: str | None = None

    @classmethod
    def of_segment(cls, segment: str, *, reasoning_mode: str | None = None, team: str | None = None) -> Query:
        """A question of a segment or a parent (`tutoring.hi`). Raises SegmentKeyError."""
        parsed = parse_parent(segment)
        return cls(parsed.task, parsed.language or "", parsed.facet, reasoning_mode, team)


@dataclass(frozen=True)
class Considered:
    """One key that was looked at, and what was found there."""

    key: str
    why: str


@dataclass(frozen=True)
class AdapterChoice:
    """What answers. adapter: None is the base model alone. arm, release, bucket: where the question takes part in a release (of
    that segment; release_id is the name that its rows carry).

    fallback: what answers when the adapter cannot be loaded: what serves the other arm, for a candidate.
    """

    adapter: Target | None
    considered: tuple[Considered, ...]
    arm: ArmName | None = None
    release: str | None = None
    bucket: int | None = None
    fallback: Target | None = None
    release_id: str | None = None


def candidate_keys(query: Query, served_by: dict[str, str] | None = None) -> tuple[str, ...]:
    """The segment keys that may answer a question, most specific first."""
    modes = [query.reasoning_mode] if query.reasoning_mode not in (None, "", "standard") else []
    facets = [facet for facet in (query.team, *modes, query.subject) if facet]
    found: list[str] = []
    for key in [*_of_facets(query, facets), *_wider(query)]:
        found.append(key)
        if parent := (served_by or {}).get(key):
            found.append(parent)
    return tuple(dict.fromkeys(found))


def choose_adapter(routing: Routing, query: Query, user: str | None) -> AdapterChoice:
    """What answers a user's question, and why. Without a user nobody can be assigned, so the current arm answers."""
    considered: list[Considered] = []
    arm: ArmName | None = None
    release: RoutingEntry | None = None
    place, candidate = None, None
    for key in candidate_keys(query, dict(routing.served_by)):
        entry = routing.entries.get(key)
        if entry is None:
            considered.append(Considered(key, "no adapter of its own"))
            continue
        if entry.candidate and release is None and user:
            release, place = entry, bucket_of(user, entry.salt)
            arm = "candidate" if place < entry.buckets else "current"
            candidate = entry.candidate if arm == "candidate" else None
            considered.append(Considered(key, _of_arm(entry, arm, place)))
        elif entry.candidate:
            considered.append(
                Considered(key, "its candidate is passed over: " + _passed(user, release.segment if release else None))
            )
        if entry.champion:
            considered.append(Considered(key, f"champion {entry.champion.version}"))
            return _choice(entry.champion, candidate, considered, arm, release, place)
        if not entry.candidate:
            considered.append(Considered(key, "no champion"))
    considered.append(Considered("base", "the base model, as no segment above has a champion"))
    return _choice(None, candidate, considered, arm, release, place)


def release_of(routing: Routing, query: Query) -> str | None:
    """The segment whose release a question of some user takes part in; None where there is none."""
    return choose_adapter(routing, query, "anybody").release


def _choice(
    champion: Target | None,
    candidate: Target | None,
    considered: Iterable[Considered],
    arm: ArmName | None,
    release: RoutingEntry | None,
    place: int | None,
) -> AdapterChoice:
    return AdapterChoice(
        adapter=candidate or champion,
        considered=tuple(considered),
        arm=arm,
        release=release.segment if release else None,
        bucket=place,
        fallback=champion if candidate else None,
        release_id=(release.release_id or None) if release else None,
    )


def _of_arm(entry: RoutingEntry, arm: ArmName, place: int) -> str:
    assert entry.candidate is not None
    side = "below" if arm == "candidate" else "not below"
    told = f"bucket {place:,} is {side} {entry.buckets:,} (stage {entry.stage}, {entry.share:.0%})"
    return f"{told}: candidate {entry.candidate.version}" if arm == "candidate" else f"{told}: what serves now"


def _passed(user: str | None, release: str | None) -> str:
    return f"the question takes part in the release of {release}" if user else "no user to assign"


def _of_facets(query: Query, facets: list[str]) -> list[str]:
    if not query.language:
        return []
    return [key for facet in facets if (key := _key(query, facet)) is not None]


def _wider(query: Query) -> list[str]:
    if query.language and (key := _key(query, None)) is not None:
        return [key, key.partition(".")[0]]
    try:
        return [parse_parent(query.task).key]
    except SegmentKeyError:
        return []


def _key(query: Query, facet: str | None) -> str | None:
    try:
        return segment_key(query.task, query.language, facet)
    except SegmentKeyError:
        return None
