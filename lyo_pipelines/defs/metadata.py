"""How things look on an asset's page: column schemas, images, tables. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg
import pyarrow as pa

from lyo_pipelines.plotting import markdown_image

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
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
