"""What a mapping asks for that is not in the rows: columns that are missing, value maps of which no value is met, each with its line.

A gap is told and refuses nothing: one mapping serves many files, of which some have no ratings. Where a needed field is missing, every
row is rejected for it already, and the gap says why.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Readable
from dataclasses import dataclass

import pyarrow as pa

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import FieldMapping, Mapping, lookup, value_key
from lyo_pipelines.interactions.formats.mapped import found, mapped, selected
from lyo_pipelines.interactions.formats.row_format import Row

_LOOKED_AT = 1_000
_FOUND_OUT = ("language", "interaction_id")
"""Fields that get a value also where the source has none."""
_ASKED_AS = {"user_pseudonym": "user_id", "trace_key": "trace_id"}


@dataclass(frozen=True)
class Gap:
    """A sentence about a mapping. column: of ours, which a value in any later row fills after all; None where none does."""

    sentence: str
    column: str | None = None


def gaps_of(mapping: Mapping, lines: Sequence[Row]) -> list[Gap]:
    """The gaps that the first lines of a file show. A ready mapping has none: its tool leaves out what it has not."""
    if mapping.name != "flat" or not lines:
        return []
    expand = mapped(mapping).expand
    rows = [row for line in lines[:_LOOKED_AT] for row in ((line,) if expand is None else expand(line))]
    return list(_gaps(mapping, _Sample(rows[:_LOOKED_AT])))


def open_gaps(gaps: Sequence[Gap], filled: Readable[str, int]) -> list[str]:
    """The sentences of those that hold for the whole file. filled: as `filled_in` gives it, of all its blocks."""
    return [gap.sentence for gap in gaps if gap.column is None or not filled.get(gap.column)]


def filled_in(table: pa.Table) -> dict[str, int]:
    """Field of an input row -> in how many accepted rows it is there."""
    counts = {name: len(table) - table[name].null_count for name in table.column_names}
    return {str(_ASKED_AS.get(name, name)): count for name, count in counts.items()}


class _Sample:
    """Rows in which paths are looked for."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._known: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether the column is there in any row, be it empty."""
        if path not in self._known:
            self._known[path] = any(_is_there(row, path) for row in self.rows)
        return self._known[path]

    def meant(self, path: str) -> str:
        """The end of a sentence: a name close to the one that is missing, or nothing."""
        above, dot, last = path.rpartition(".")
        parents = (parsed_json(lookup(row, above)) for row in self.rows) if dot else self.rows
        names = list(dict.fromkeys(str(name) for parent in parents if isinstance(parent, dict) for name in parent))
        lower = {name.lower(): name for name in reversed(names)}
        close = difflib.get_close_matches(last.lower(), lower, 1, cutoff=0.7)
        return f"; did you mean `{above}{dot}{lower[close[0]]}`?" if close else ""


def _is_there(row: Row, path: str) -> bool:
    if path in row or lookup(row, path) is not None:
        return True
    above, _, last = path.rpartition(".")
    parent = parsed_json(lookup(row, above)) if above else row
    return isinstance(parent, dict) and last in parent


def _gaps(mapping: Mapping, sample: _Sample) -> Iterator[Gap]:
    looked = f"the first {len(sample.rows):,} rows" if len(sample.rows) > 1 else "the first row"
    if mapping.answers_of is not None and not sample.has(mapping.answers_of):
        yield Gap(_missing(mapping, sample, looked, (mapping.answers_of,), "answers_of"))
        return
    for path in mapping.only:
        if not sample.has(path):
            yield Gap(_missing(mapping, sample, looked, (path,), "only", path))
    for name, spec in mapping.fields.items():
        ours = spec.default is not None or name in mapping.constants or name in _FOUND_OUT
        for sentence in _missing_of(name, spec, mapping, sample, looked):
            yield Gap(sentence, None if ours else name)
        if sentence := _unmet_values(name, spec, mapping, sample, looked):
            yield Gap(sentence)
    for name, path in mapping.metadata.items():
        if not sample.has(path):
            yield Gap(_missing(mapping, sample, looked, (path,), "metadata", name))


def _missing_of(name: str, spec: FieldMapping, mapping: Mapping, sample: _Sample, looked: str) -> Iterator[str]:
    place = ("fields", name)
    if not any(map(sample.has, spec.source)):
        yield _missing(mapping, sample, looked, spec.source, *place)
        return
    if spec.until and not sample.has(spec.until):
        yield _missing(mapping, sample, looked, (spec.until,), *place, "until")
    if spec.clock and not sample.has(spec.clock):
        yield _missing(mapping, sample, looked, (spec.clock,), *place, "clock")
    for path in spec.only:
        if not sample.has(path):
            yield _missing(mapping, sample, looked, (path,), *place, "only", path)


def _unmet_values(name: str, spec: FieldMapping, mapping: Mapping, sample: _Sample, looked: str) -> str | None:
    """What to say of a map of values of which none is met in rows in which the field counts."""
    rows = [row for row in sample.rows if not spec.only or selected(row, spec.only) is None]
    met = [pair[1] for row in rows if (pair := found(row, spec.source)) is not None]
    if not spec.values or not met or any(value_key(value) in spec.values for value in met):
        return None
    what = {"keep": "kept as it is", "null": "left out", "reject": "rejected with its row"}[spec.otherwise]
    paths = " and ".join(f"`{path}`" for path in spec.source if sample.has(path))
    line = _line(mapping, "fields", name, "values")
    return f"mapping, {line}fields.{name}: no value of {paths} in {looked} is one of its `values`: each is {what}"


def _missing(mapping: Mapping, sample: _Sample, looked: str, paths: Sequence[str], *place: str) -> str:
    shown = " and ".join(f"`{path}`" for path in paths)
    are = "is" if len(paths) == 1 else "are"
    close = sample.meant(paths[0]) if len(paths) == 1 else ""
    return f"mapping, {_line(mapping, *place)}{'.'.join(place[:2])}: {shown} {are} in none of {looked}{close}"


def _line(mapping: Mapping, *place: str) -> str:
    line = mapping.line(*place)
    return f"line {line}: " if line else ""
