"""The registry: every event of every segment in a file of its own, appended and never changed.

`lake/registry/<segment>/<sequence>.json`. A number can be taken only once, whoever writes at the same time, and each event names the
sha256 of the one before: nothing is lost, nothing forks, and what was changed afterwards is found. Champion, candidates, stages and
who was served what are folded out of the events (fold.py).

A table of our own instead of MLflow's registry: there, aliases and tags are overwritten in place and keep no history of who was served
what by which decision, which is what this registry is for; and it brings some sixty packages and a database of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from lyo_pipelines.contracts.adapter import AUDIT_PREFIX
from lyo_pipelines.errors import LyoError
from lyo_pipelines.registry.events import EventFormatError, RegistryEvent, digest, event_from_json, event_to_json
from lyo_pipelines.registry.fold import IllegalEventError, apply_event
from lyo_pipelines.registry.state import Release
from lyo_pipelines.storage.damage import told_reason
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import is_hidden

_LIKE_AN_EVENT = re.compile(r"\d{8}")
"""Whatever begins so is an event, or was one before somebody renamed it: then its place in the chain is empty."""
ATTEMPTS = 100
"""Writers that may take the next number before this one gives up: far more than there ever are."""


class RegistryDamagedError(LyoError):
    """The events of a segment cannot be trusted; the message names the file."""


class TaintedVersionError(LyoError):
    """The version is one of a privacy audit, which learnt planted secrets: it is never registered."""


class MovedOnError(LyoError):
    """The segment moved on since it was looked at, so what was decided about it does not count."""


@dataclass(frozen=True)
class ReleaseHistory:
    """A segment's events, oldest first, and the state after them. `last`: digest of the last event as written."""

    events: tuple[RegistryEvent, ...]
    release: Release
    last: str = ""


def registered_segments(lake: Lake) -> list[str]:
    """Segments with at least one event, sorted; files that somebody put beside their folders are none."""
    folder = lake.path("registry")
    return [name for name in lake.names(folder) if not is_hidden(name) and lake.fs.isdir(f"{folder}/{name}")]


def read_all(lake: Lake) -> tuple[dict[str, ReleaseHistory], dict[str, str]]:
    """Every segment's history, and what is wrong with those that cannot be trusted: one of them must not stop the others."""
    found, troubles = dict[str, ReleaseHistory](), dict[str, str]()
    for segment in registered_segments(lake):
        history, damage = read_intact(lake, segment)
        if damage is None:
            found[segment] = history
        else:
            troubles[segment] = str(damage)
    return found, troubles


def read_history(lake: Lake, segment: str) -> ReleaseHistory:
    """All events of a segment and the state after them. Raises RegistryDamagedError naming the file that does not fit."""
    history, damage = read_intact(lake, segment)
    if damage is not None:
        raise damage
    return history


def read_intact(lake: Lake, segment: str) -> tuple[ReleaseHistory, RegistryDamagedError | None]:
    """The events before the first one that does not fit, the state after them, and what is wrong with that one.

    Names that are no event's (notes, what a file manager left) are passed over: the chain of digests says what belongs to it.
    """
    events, release, last = list[RegistryEvent](), Release(segment), ""
    damage = None
    names = [name for name in lake.names(_folder(lake, segment)) if _LIKE_AN_EVENT.match(name)]
    for number, name in enumerate(names, 1):
        path = f"{_folder(lake, segment)}/{name}"
        try:
            text = _text(lake, path, number)
            event = event_from_json(text)
            if (event.sequence, event.previous) != (number, last):
                raise RegistryDamagedError(
                    f"{path} does not follow the event before it: one of them was changed. Restore it."
                )
            release = apply_event(release, event)
        except RegistryDamagedError as error:
            damage = error
            break
        except (EventFormatError, IllegalEventError) as error:
            damage = RegistryDamagedError(f"{path} was changed or is not ours: {error}. Restore it.")
            break
        events.append(event)
        last = digest(text)
    return ReleaseHistory(tuple(events), release, last), damage


def _text(lake: Lake, path: str, number: int) -> str:
    """The text of one event. Raises RegistryDamagedError."""
    if path.rpartition("/")[2] != _name(number):
        raise RegistryDamagedError(f"{path}: expected {_name(number)} here. Restore it: every number is there once.")
    try:
        return lake.read_text(path)
    except (OSError, ValueError) as error:
        raise RegistryDamagedError(f"{path} cannot be read: {told_reason(error)}. Restore it.") from error


def read_release(lake: Lake, segment: str) -> Release:
    """The state of a segment; an empty one for a segment without events."""
    return read_history(lake, segment).release


def append_event(
    lake: Lake, draft: RegistryEvent, *, now: datetime, expected: int | None = None
) -> tuple[RegistryEvent, Release]:
    """Append an event (its sequence, time and predecessor are set here) and return it with the state after it.

    expected: the sequence that the decision was made on; MovedOnError when another event came meanwhile. Without it the event is
    appended behind whatever came, if it still fits. Raises IllegalEventError when it does not fit, and TaintedVersionError for a
    version of a privacy audit.
    """
    segment = draft.adapter.segment
    if draft.version.startswith(AUDIT_PREFIX):
        raise TaintedVersionError(
            f"{draft.version} is not registered: versions that begin with {AUDIT_PREFIX!r} are a privacy audit's and learnt planted "
            "secrets.",
            hint="Give a recipe of your own another name.",
        )
    for _ in range(ATTEMPTS):
        history = read_history(lake, segment)
        before = history.release
        if expected is not None and before.sequence != expected:
            raise MovedOnError(
                f"{segment} moved on since this was decided (event {expected} was the last, now {before.sequence} is): "
                f"{before.situation}. Look again."
            )
        at = (
            max(now, before.last_at) if before.last_at else now
        )  # two machines' clocks differ, perhaps by a lot: clocks.py
        clock = now if now < at else None
        event = replace(draft, at=at, clock=clock, sequence=before.sequence + 1, previous=history.last)
        after = apply_event(before, event)
        if lake.create_text(event_to_json(event), f"{_folder(lake, segment)}/{_name(event.sequence)}"):
            return event, after
    raise MovedOnError(f"{segment}: others appended {ATTEMPTS} events meanwhile. Look again.")


def _folder(lake: Lake, segment: str) -> str:
    return lake.path("registry", segment)


def _name(number: int) -> str:
    return f"{number:08d}.json"
