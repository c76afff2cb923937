"""Whether a segment that a person typed is one: asked of the lake before anything starts, with the near names and their counts."""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

from lyo_pipelines.config.loading import Config
from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.dataset.scope import MIXTURE, is_below, scope_of
from lyo_pipelines.errors import LyoError
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake

_NEAR = 3
_FOLDERS = ("adapters", "datasets", "preferences", "reports", "registry")


class UnknownSegmentError(LyoError):
    """Nothing in the lake has the segment; the message names the near ones and how many examples they hold."""


def known_segments(lake: Lake) -> dict[str, int]:
    """Segment -> curated examples, of every segment that the lake holds anything of."""
    found = dict.fromkeys((name for folder in _FOLDERS for name in lake.names(lake.path(folder))), 0)
    return found | {key: count.kept for key, count in segment_counts(lake).items()}


def require_known(lake: Lake, key: str) -> None:
    """Raises UnknownSegmentError unless something in the lake is of the segment or below it; SegmentKeyError for a wrong shape."""
    parse_parent(key)
    known = known_segments(lake)
    if not any(is_below(name, key) for name in known):
        raise unknown_segment(key, known)


@contextmanager
def near_names_told(lake: Lake, key: str) -> Generator[None]:
    """What an error of the block says of a segment that the lake does not know, it says with the near names and their counts."""
    parse_parent(key)
    try:
        yield
    except LyoError as error:
        known = known_segments(lake)
        near = [] if any(is_below(name, key) for name in known) else near_segments(key, known)
        if not near:
            raise
        said = " or ".join(f"{name} ({_examples(known[name])})" for name in near)
        raise type(error)(error.message, hint=f"{error.hint} Did you mean {said}?".strip()) from error


def require_examples(lake: Lake, key: str, config: Config) -> None:
    """Raises UnknownSegmentError unless the segment, parent or mixture has curated examples.

    Days that wait to be built may hold it: the message says so, too. Raises SegmentKeyError, UnknownMixtureError.
    """
    scope = scope_of(lake, key, config.dataset.mixtures, config.dataset.teams.allowed)
    if any(count.kept for count in scope.counts.values()):
        return
    known = {name: count.kept for name, count in segment_counts(lake).items()}
    if parse_parent(key).task == MIXTURE:
        missing = config.dataset.mixtures[key.partition(".")[2]]
        raise UnknownSegmentError(
            f"{key}: none of its segments has an example ({', '.join(missing)})",
            hint="`lyo segments` lists those that have.",
        )
    from lyo_pipelines.commands.days import days_waiting  # brings Dagster's client, which most commands do not need

    waiting = len(days_waiting(lake, config))
    if scope.counts:
        read = sum(count.read for count in scope.counts.values())
        raise UnknownSegmentError(
            f"{key}: none of its {read:,} interactions became an example", hint=f"`lyo show {key} --removed` says why."
        )
    raise unknown_segment(key, known, waiting=waiting)


def unknown_segment(key: str, known: Mapping[str, int], *, waiting: int = 0) -> UnknownSegmentError:
    """The error that says which segments are near."""
    days = f" {waiting:,} days wait to be built: `lyo build` first, if it is in them." if waiting else ""
    if not known:
        return UnknownSegmentError(
            f"{key}: nothing has this segment, and no other is there yet",
            hint=f"`lyo ingest PATH` reads logs, and their rows say task, language and subject.{days}",
        )
    near = near_segments(key, known)
    said = " or ".join(f"{name} ({_examples(known[name])})" for name in near)
    listed = f"`lyo segments` lists all {len(known):,}." if len(known) > 1 else ""
    return UnknownSegmentError(
        f"{key}: nothing has this segment",
        hint=f"Did you mean {said}? {listed}{days}".strip() if near else f"{listed}{days}",
    )


def near_segments(key: str, known: Iterable[str]) -> list[str]:
    """Up to three segments whose names are near, nearest first; without any, those of the same task and language."""
    names = sorted(known)
    parents = {".".join(name.split(".")[:size]) for name in names for size in (1, 2)}
    level = key.count(".")
    same_level = [name for name in {*names, *parents} if name.count(".") == level and name in names]
    found = difflib.get_close_matches(key, same_level, n=_NEAR, cutoff=0.75)
    found += [name for name in difflib.get_close_matches(key, names, n=_NEAR, cutoff=0.75) if name not in found]
    if found:
        return found[:_NEAR]
    head = key.rpartition(".")[0]
    return [name for name in names if head and name.startswith(f"{head}.")][:_NEAR]


def _examples(count: int) -> str:
    return f"{count:,} example{'' if count == 1 else 's'}"
