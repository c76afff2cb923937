"""Parts rows among releases that are looked at together, so that each day is read once.

A row goes to every release that it may belong to, by what was asked and by the release that it names; whether it does belong to one
says release_rows.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.release_rows import ASKED
from lyo_pipelines.rollout.routing import Routing, release_id
from lyo_pipelines.rollout.selection import Query, candidate_keys

_PARTS = (*ASKED, "release_id")


class Parting:
    """Parts rows among releases; each kind of question is looked up once."""

    def __init__(self, releases: Sequence[Release], routing: Routing) -> None:
        self._count, self._served_by = len(releases), dict(routing.served_by)
        self._of_segment = {release.segment: place for place, release in enumerate(releases)}
        self._of_name = {release_id(release): place for place, release in enumerate(releases)}
        self._known: dict[tuple[str | None, ...], frozenset[int]] = {}

    def of(self, rows: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The place of each release among those given, with those of the rows (columns OF_RELEASE) that may be its own."""
        if self._count == 1:
            yield 0, rows
            return
        kinds = rows.select(_PARTS).unique(maintain_order=True)
        takers = [self._takers(*kind) for kind in kinds.iter_rows()]
        # parted once, not once for each
        groups = {of_kind: number for number, of_kind in enumerate(dict.fromkeys(takers))}
        kinds = kinds.with_columns(_group=pl.Series([groups[of_kind] for of_kind in takers], dtype=pl.Int32))
        parts = rows.join(kinds, on=_PARTS, how="left", nulls_equal=True).partition_by("_group", as_dict=True)
        for place in range(self._count):
            for of_kind, number in groups.items():
                if place in of_kind and (mine := parts.get((number,))) is not None:
                    yield place, mine.drop("_group")

    def _takers(self, *kind: str | None) -> frozenset[int]:
        """A question takes part in no release but one that its row names, or one of the segments that may answer it."""
        if kind not in self._known:
            task, language, subject, mode, team, named = kind
            keys = candidate_keys(Query(task or "", language or "", subject, mode, team), self._served_by)
            places = {self._of_segment[key] for key in keys if key in self._of_segment}
            self._known[kind] = frozenset(places | ({self._of_name[named]} if named in self._of_name else set()))
        return self._known[kind]
