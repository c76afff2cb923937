"""Tasks, languages and subjects that nobody has heard of: asked about before they become segments of their own."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.dataset.scope import DOCUMENTS
from lyo_pipelines.languages.codes import LANGUAGES, language_code
from lyo_pipelines.retraining.curriculum import Curriculum, load_curriculum
from lyo_pipelines.segments import parse_parent, segment_name
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_formats
from lyo_pipelines.tasks.fine_tuning import TASK as FINE_TUNING

KINDS = ("task", "language", "subject")


@dataclass(frozen=True)
class NewName:
    """A name that is neither in the curriculum nor in what is there already. kind: of KINDS; near: known names that look like it."""

    kind: str
    name: str
    rows: int
    near: tuple[str, ...]

    @property
    def says(self) -> str:
        """It, in a sentence without its end."""
        meant = f"near to it: {', '.join(self.near)}" if self.near else "nothing is near to it"
        return f"{self.kind} {self.name!r} ({self.rows:,} rows) is not known; {meant}"


def names_known(lake: Lake, curriculum: Curriculum, minimum: int | None) -> dict[str, frozenset[str]]:
    """Known names by kind: of the tasks' formats, the curriculum, the languages that can be told, and of segments that are there.

    minimum: interactions from which a segment's names count as wanted; None: none of them does.
    """
    counts = {} if minimum is None else segment_counts(lake)
    there = [parse_parent(key) for key, count in counts.items() if minimum is not None and count.read >= minimum]
    return {
        "task": frozenset({*task_formats(), *(one.task for one in there)}),
        "language": frozenset({*curriculum.languages, *LANGUAGES, *(one.language or "" for one in there)}),
        "subject": frozenset(
            {*(segment_name(name) for name in curriculum.subjects), *(one.facet or "" for one in there)}
        ),
    }


def unknown_in(lake: Lake, segments: Iterable[str]) -> list[NewName]:
    """Names in the keys of segments that neither the curriculum nor a task's format knows. Raises CurriculumError."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    read = segment_counts(lake)
    for key in segments:
        one, rows = parse_parent(key), read[key].read if key in read else 0
        for kind, name in zip(KINDS, (one.task, one.language, one.facet), strict=True):
            if name and one.task not in (DOCUMENTS, FINE_TUNING):  # whose names are those of their sets and files
                counts[kind][name] += rows
    return new_names(counts, names_known(lake, load_curriculum(lake), minimum=None))


def new_names(counts: Mapping[str, Mapping[str, int]], known: Mapping[str, Iterable[str]]) -> list[NewName]:
    """Names of `counts` (kind -> name as a log has it -> rows) that nobody knows, most rows first within a kind."""
    found = []
    for kind in KINDS:
        names, merged = set(known[kind]), Counter[str]()
        for said, rows in counts.get(kind, {}).items():
            merged[language_code(said) if kind == "language" else segment_name(said)] += rows
        for name, rows in merged.most_common():
            if name and name not in names:
                near = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.6)
                found.append(NewName(kind, name, rows, tuple(near)))
    return found
