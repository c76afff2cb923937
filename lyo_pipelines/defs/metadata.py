"""How things look on an asset's page: column schemas, images, tables. Nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg
import pyarrow as pa

from lyo_pipelines.evaluation.report.markdown_tables import code
from lyo_pipelines.plotting import markdown_image

_PLAIN = re.compile(r"[\w\s.,;:%()/+='’“”…·–—−×≥≤±?-]*")
"""Letters and signs of which Markdown makes nothing within a line."""

Metadata: TypeAlias = dict[str, dg.MetadataValue | str | int | float | None]
"""Metadata of an event: entry -> what Dagster shows."""


def column_schema(schema: pa.Schema, *fallbacks: pa.Schema) -> dg.TableSchema:
    """The column schema of an Arrow schema; a field's `doc` (or that of its namesake in a fallback) becomes its description."""
    columns = []
    for field in schema:
        namesakes = [found.field(field.name) for found in fallbacks if field.name in found.names]
        doc = next((d for f in (field, *namesakes) if (d := (f.metadata or {}).get(b"doc", b"").decode())), None)
        constraints = dg.TableColumnConstraints(nullable=field.nullable)
        columns.append(dg.TableColumn(name=field.name, type=str(field.type), description=doc, constraints=constraints))
    return dg.TableSchema(columns=columns)


def image(png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """A PNG as Markdown metadata; keep it under 30 kB, it is stored with the event."""
    return dg.MetadataValue.md(markdown_image(png, alt))


def metadata_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dg.MarkdownMetadataValue:
    """A Markdown table of the named columns."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def counts_table(title: str, values: Mapping[str, int]) -> dg.MarkdownMetadataValue:
    """Counts by name as a table, largest first."""
    rows = [{title: name, "n": n} for name, n in sorted(values.items(), key=lambda item: -item[1])]
    return metadata_table(rows, [title, "n"])


def _cell(value: Any) -> str:
    """A cell; text with signs that Markdown or HTML may act on (a file's keys are anybody's) becomes a code span, where none does."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and "://" not in text and "www." not in text.lower() else cell_code(text)


def cell_code(text: str) -> str:
    """A code span within a table: a bar ends a cell even there, so it is shown as a broken one."""
    return code(text).replace("|", "¦")
