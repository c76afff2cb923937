"""What one dataset is made of: a segment, a parent of segments, or a named mixture. Reading the examples belongs to
read_examples.py.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lyo_pipelines.curation.segments import SegmentCount, segment_counts
from lyo_pipelines.dataset.errors import UnknownMixtureError
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake

MIXTURE = "mixture"
"""Task of a key that names an entry of `dataset.mixtures`: `mixture.<name>`."""
DOCUMENTS = "documents"


@dataclass(frozen=True)
class ScopePart:
    """One file of examples: a curated day (`name` is its ISO date) or a document set."""

    name: str
    path: str
    documents: bool = False


@dataclass(frozen=True)
class Scope:
    """`key` is what is trained; `counts` are the segments at or below it that have been read, with their sizes.

    team: of whose rows alone it consists, "" for everybody's; `counts` are then those of everybody.
    """

    key: str
    counts: Mapping[str, SegmentCount]
    team: str = ""

    @property
    def segments(self) -> tuple[str, ...]:
        """Keys of the segments, sorted."""
        return tuple(sorted(self.counts))

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Tasks of the segments, or of the key where there are none."""
        return tuple(sorted({parse_parent(key).task for key in self.counts or (self.key,)}))

    @property
    def interactions(self) -> int | None:
        """Interactions read, before any rule; None where the examples come from documents alone, or of a team."""
        if self.team:
            return None
        read = [count.read for key, count in self.counts.items() if parse_parent(key).task != DOCUMENTS]
        return sum(read) if read or self.tasks != (DOCUMENTS,) else None

    def parts(self, lake: Lake) -> list[ScopePart]:
        """Every file that may hold examples of the scope: days by date, then document sets by name."""
        found = []
        if self.tasks != (DOCUMENTS,):
            found += [ScopePart(day.isoformat(), lake.examples(day)) for day in lake.days("examples")]
        if DOCUMENTS in self.tasks:
            found += [ScopePart(name, lake.documents(name), documents=True) for name in lake.document_sets()]
        return found

    def with_disliked(self, lake: Lake) -> list[ScopePart]:
        """The same, and beside each day the badly rated answers that curation kept apart."""
        days = [part for part in self.parts(lake) if not part.documents]
        apart = [
            ScopePart(f"{day} (disliked)", path)
            for day in lake.days("examples", "disliked.parquet")
            if lake.exists(path := lake.examples(day, "disliked"))
        ]
        return [*days, *apart]


def scope_of(lake: Lake, key: str, mixtures: Mapping[str, Iterable[str]], teams: Collection[str] = ()) -> Scope:
    """Find what a key stands for: its own segment and all below it, the segments of the mixture that it names, or the rows of a team.

    teams: those that may be learnt from by themselves. A facet that is a segment's own (a subject) is never taken for a team.

    Raises SegmentKeyError for a key of the wrong shape, UnknownMixtureError for a mixture that the figures do not name.
    """
    parsed = parse_parent(key)
    sources = [key]
    if parsed.task == MIXTURE:
        name = key.partition(".")[2]
        if name not in mixtures:
            raise UnknownMixtureError(_unknown(name, mixtures))
        sources = list(mixtures[name])
    counts = segment_counts(lake)
    if parsed.facet and parsed.facet in teams and key not in counts:
        sources = [key.rpartition(".")[0]]
        return Scope(key, {name: count for name, count in counts.items() if is_below(name, sources[0])}, parsed.facet)
    return Scope(key, {name: count for name, count in counts.items() if any(is_below(name, s) for s in sources)})


def is_below(key: str, other: str) -> bool:
    """Whether a key is another one or lies below it."""
    return key == other or key.startswith(f"{other}.")


def _unknown(name: str, mixtures: Mapping[str, Iterable[str]]) -> str:
    near = difflib.get_close_matches(name, list(mixtures), n=1)
    meant = f" Did you mean mixture.{near[0]}?" if near else ""
    known = ", ".join(f"mixture.{known}" for known in sorted(mixtures)) or "none yet"
    return f"mixture.{name}: no such mixture.{meant} There are: {known}. Name its segments in config.yaml (dataset: mixtures:)."
