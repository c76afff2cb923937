"""Which field of ours comes from where in a file's rows, in words for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Readable
from dataclasses import dataclass

from lyo_pipelines.interactions.contract import FEEDBACK, FEEDBACK_INPUT_FIELDS, INPUT_FIELDS, LANDED
from lyo_pipelines.interactions.conversion.blocks import Reading
from lyo_pipelines.interactions.conversion.converter import UNFORESEEN
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.mapping import FieldMapping, Mapping
from lyo_pipelines.interactions.formats.mapped import found
from lyo_pipelines.interactions.formats.row_format import Row, RowFormat
from lyo_pipelines.interactions.preview.provenance import sources_of
from lyo_pipelines.personal import EMAIL

_LOOKED_AT = 200
_NOWHERE = "nothing is there"
_MADE = {
    "language": "told from the text",
    "interaction_id": "made of what the row holds",
    "occurred_at": "the date of the file",
}
_NOT_IN_ROWS = "not in the rows: a default of the configuration, or put together"
_METADATA = 6


@dataclass(frozen=True)
class FieldSource:
    """Where a field comes from, and in how many of the accepted rows it is there; None where the lake does not keep it as such."""

    field: str
    source: str
    filled: int | None


def field_sources(opened: Reading, filled: Readable[str, int]) -> list[FieldSource]:
    """Each field that an accepted row holds or that a mapping fills. filled: field -> accepted rows in which it is there."""
    feedback = opened.row_format.rows == "feedback"
    names = FEEDBACK_INPUT_FIELDS if feedback else INPUT_FIELDS
    pairs = list(_pairs(opened.row_format, opened.sample[:_LOOKED_AT]))
    sources = {name: f"`{place}`" for name, place in sources_of(pairs, names).items()}
    if opened.mapping is not None:
        sources |= _said(opened.mapping, [source for source, _ in pairs])
    if opened.message_times and sources.get("occurred_at", _NOWHERE).endswith(_NOWHERE):
        shown = ", ".join(f"`{path}`" for path in opened.message_times)
        sources["occurred_at"] = f"{shown} of the question's row"
    if kept := list(dict.fromkeys(str(key) for _, row in pairs for key in _metadata(row))):
        more = f" and {len(kept) - _METADATA} more" if len(kept) > _METADATA else ""
        sources["metadata"] = f"{', '.join(f'`{name}`' for name in kept[:_METADATA])}{more}"
    known = {*(FEEDBACK if feedback else LANDED).names, *filled}
    result = []
    for name in names:
        count = filled.get(name, 0) if name in known else None
        missing = sources.get(name, "").endswith(_NOWHERE)
        if count and (missing or name not in sources):
            sources[name] = _MADE.get(name, _NOT_IN_ROWS)
        if name in sources and not (missing and not count and opened.row_format.name != "flat"):
            result.append(FieldSource(name, EMAIL.sub("…", sources[name]), count))
    return result


def _metadata(row: Row) -> Row:
    found = parsed_json(row.get("metadata"))
    return found if isinstance(found, dict) else {}


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
    constant = "constant of the mapping" if mapping.name == "flat" else "default of the configuration (ready_mappings)"
    said = {name: constant for name, value in mapping.constants.items() if value is not None}
    for name, spec in mapping.fields.items():
        used = Counter(pair[0] for row in rows if (pair := found(row, spec.source)))
        paths = ", ".join(f"`{path}`" for path in spec.source if used[path])
        if paths:
            said[name] = "; ".join((paths, *_turned(spec)))
        elif spec.default is not None:
            said[name] = "default of the mapping"
        elif name not in said:
            said[name] = f"`{spec.source[0]}`: {_NOWHERE}"
    return said


def _turned(spec: FieldMapping) -> Iterator[str]:
    if spec.clock:
        yield f"with `{spec.clock}`"
    if spec.pick:
        yield f"its {spec.pick.replace('_', ' ')}"
    if spec.scale:
        yield f"scale {spec.scale[0]:g} to {spec.scale[1]:g}"
    if spec.until:
        yield f"until `{spec.until}`"
    if spec.values:
        yield f"{len(spec.values)} {'value' if len(spec.values) == 1 else 'values'} translated"
    if spec.time or spec.unit:
        yield spec.time or spec.unit or ""
    if spec.only:
        yield f"only where {', '.join(f'{path} is {_listed(values)}' for path, values in spec.only.items())}"


def _listed(values: Sequence[str | None]) -> str:
    return " or ".join("nothing" if value is None else value for value in values)
