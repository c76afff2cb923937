"""Which field of ours comes from where in a file's rows, in words for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Readable
from dataclasses import dataclass

from lyo_pipelines.interactions.contract import FEEDBACK, FEEDBACK_INPUT_FIELDS, INPUT_FIELDS, LANDED
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import UNFORESEEN
from lyo_pipelines.interactions.fields.mapping import FieldMapping, Mapping
from lyo_pipelines.interactions.formats.mapped import found
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.preview.provenance import sources_of

_LOOKED_AT = 200
_NOT_IN_ROWS = "not in the rows: a default of the configuration, or found out"
_COLUMNS = {"user_id": "user_pseudonym", "trace_id": "trace_key"}


@dataclass(frozen=True)
class FieldSource:
    """Where a field comes from, and in how many of the accepted rows it is there; None where the lake does not keep it as such."""

    field: str
    source: str
    filled: int | None


def field_sources(opened: Reading, filled: Readable[str, int]) -> list[FieldSource]:
    """Each field that an accepted row holds or that a mapping fills. filled: column of the lake -> rows in which it is there."""
    feedback = opened.row_format.rows == "feedback"
    names = FEEDBACK_INPUT_FIELDS if feedback else INPUT_FIELDS
    pairs = list(_pairs(opened.row_format, opened.sample[:_LOOKED_AT]))
    sources = sources_of(pairs, names)
    if opened.mapping is not None:
        sources |= _said(opened.mapping, [source for source, _ in pairs])
    columns = (FEEDBACK if feedback else LANDED).names
    result = []
    for name in names:
        column = _COLUMNS.get(name, name)
        count = filled.get(column, 0) if column in columns else None
        if count or name in sources:
            result.append(FieldSource(name, sources.get(name, _NOT_IN_ROWS), count))
    return result


def _pairs(row_format: RowFormat, rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Rows of the source with what the format makes of each; those that it refuses are left out."""
    for line in rows:
        for row in (line,) if row_format.expand is None else row_format.expand(line):
            if row_format.convert is None:
                yield row, row
                continue
            try:
                yield row, row_format.convert(row)
            except UNFORESEEN:  # RowError among them: what is wrong is counted where the file is converted
                continue


def _said(mapping: Mapping, rows: Sequence[Row]) -> dict[str, str]:
    """What a mapping says of each field, with the paths that were used in these rows."""
    said = {name: "constant of the mapping" for name, value in mapping.constants.items() if value is not None}
    for name, spec in mapping.fields.items():
        used = Counter(pair[0] for row in rows if (pair := found(row, spec.source)))
        paths = ", ".join(f"`{path}`" for path in spec.source if used[path])
        where = paths or f"`{spec.source[0]}`, which is in none of the first {len(rows)} rows"
        if not paths and name in said:
            continue
        said[name] = "; ".join((where, *_turned(spec)))
    return said


def _turned(spec: FieldMapping) -> Iterator[str]:
    if spec.pick:
        yield f"its {spec.pick.replace('_', ' ')}"
    if spec.scale:
        yield f"scale {spec.scale[0]:g} to {spec.scale[1]:g}"
    if spec.until:
        yield f"until `{spec.until}`"
    if spec.values:
        yield f"{len(spec.values)} values translated"
    if spec.time or spec.unit:
        yield spec.time or spec.unit or ""
    if spec.only:
        yield f"only where {', '.join(f'{path} is {_listed(values)}' for path, values in spec.only.items())}"


def _listed(values: Sequence[str | None]) -> str:
    return " or ".join("nothing" if value is None else value for value in values)
