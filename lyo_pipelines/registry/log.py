"""The registry: every event of every segment in a file of its own, appended and never changed.

`lake/registry/<segment>/<sequence>.json`. A number can be taken only once, whoever writes at the same time, and each event names the
sha256 of the one before: nothing is lost, nothing forks, and what was changed afterwards is found. Champion, candidates, stages and
who was served what are folded out of the events (fold.py).

A table of our own instead of MLflow's registry: there, aliases and tags are overwritten in place and keep no history of who was served
what by which decision, which is what this registry is for; and it brings some sixty packages and a database of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import EventFormatError, RegistryEvent, digest, event_from_json, event_to_json
from lyo_pipelines.registry.fold import IllegalEventError, apply_event
from lyo_pipelines.registry.state import Release
from lyo_pipelines.storage.lake import Lake

ATTEMPTS = 100
"""Writers that may take the next number before this one gives up: far more than there ever are."""


class RegistryDamagedError(LyoError):
    """The events of a segment cannot be trusted; the message names the file."""


class MovedOnError(LyoError):
    """The segment moved on since it was looked at, so what was decided about it does not count."""


@dataclass(frozen=True)
class ReleaseHistory:
    """A segment's events, oldest first, and the state after them. `last`: digest of the last event as written."""

    events: tuple[RegistryEvent, ...]
    release: Release
    last: str = ""


def registered_segments(lake: Lake) -> list[str]:
    """Segments with at least one event, sorted."""
    return lake.names(lake.path("registry"))


def read_all(lake: Lake) -> tuple[dict[str, ReleaseHistory], dict[str, str]]:
    """Every segment's history, and what is wrong with those that cannot be trusted: one of them must not stop the others."""
    found, troubles = dict[str, ReleaseHistory](), dict[str, str]()
    for segment in registered_segments(lake):
        try:
            found[segment] = read_history(lake, segment)
        except RegistryDamagedError as error:
            troubles[segment] = str(error)
    return found, troubles


def read_history(lake: Lake, segment: str) -> ReleaseHistory:
    """All events of a segment and the state after them. Raises RegistryDamagedError naming the file that does not fit."""
    events, release, last = list[RegistryEvent](), Release(segment), ""
    for number, name in enumerate(lake.names(_folder(lake, segment)), 1):
        path = f"{_folder(lake, segment)}/{name}"
        if name != _name(number):
            raise RegistryDamagedError(
                f"{path}: expected {_name(number)} here. Restore it: every number is there once."
            )
        text = lake.read_text(path)
        try:
            event = event_from_json(text)
            if (event.sequence, event.previous) != (number, last):
                raise RegistryDamagedError(
                    f"{path} does not follow the event before it: one of them was changed. Restore it."
                )
            release = apply_event(release, event)
        except (EventFormatError, IllegalEventError) as error:
            raise RegistryDamagedError(f"{path} was changed or is not ours: {error}. Restore it.") from error
        events.append(event)
        last = digest(text)
    return ReleaseHistory(tuple(events), release, last)


def read_release(lake: Lake, segment: str) -> Release:
    """The state of a segment; an empty one for a segment without events."""
    return read_history(lake, segment).release


def append_event(
    lake: Lake, draft: RegistryEvent, *, now: datetime, expected: int | None = None
) -> tuple[RegistryEvent, Release]:
    """Append an event (its sequence, time and predecessor are set here) and return it with the state after it.

    expected: the sequence that the decision was made on; MovedOnError when another event came meanwhile. Without it the event is
    appended behind whatever came, if it still fits. Raises IllegalEventError when it does not fit.
    """
    segment = draft.adapter.segment
    for _ in range(ATTEMPTS):
        history = read_history(lake, segment)
        before = history.release
        if expected is not None and before.sequence != expected:
            raise MovedOnError(
                f"{segment} moved on since this was decided (event {expected} was the last, now {before.sequence} is): "
                f"{before.situation}. Look again."
            )
        at = max(now, before.last_at) if before.last_at else now  # clocks of two machines differ a little
        event = replace(draft, at=at, sequence=before.sequence + 1, previous=history.last)
        after = apply_event(before, event)
        if lake.create_text(event_to_json(event), f"{_folder(lake, segment)}/{_name(event.sequence)}"):
            return event, after
    raise MovedOnError(f"{segment}: others appended {ATTEMPTS} events meanwhile. Look again.")


def _folder(lake: Lake, segment: str) -> str:
    return lake.path("registry", segment)


def _name(number: int) -> str:
    return f"{number:08d}.json"
