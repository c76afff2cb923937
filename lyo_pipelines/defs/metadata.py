"""How things look on an asset's page: column schemas, tables, rows with texts of people. Nothing is computed here.

The page lists the entries of an event in the order in which they are given, so what matters stands first. A table of metadata is shown
at once, whatever its length; Markdown only below 1,000 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg
import pyarrow as pa

from lyo_pipelines.evaluation.report.markdown_tables import code

LOCATION = "lyo_pipelines"
"""The name of the code location, however it is loaded (pyproject.toml and workspace.yaml say the same)."""
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


TableOrWord: TypeAlias = dg.TableMetadataValue | dg.MarkdownMetadataValue | dg.TextMetadataValue
"""What a table becomes: a table, Markdown where it is long, a word where it is empty."""


def automation(*sensors: str) -> dict[str, dg.MarkdownMetadataValue]:
    """Which sensors look after an asset that no run makes, as its page says it: Dagster itself lists sensors of jobs only, and says
    "no automations" of such an asset.
    """
    links = ", ".join(f"[{name}](/locations/{LOCATION}/sensors/{name})" for name in sensors)
    return {"automated_by": dg.MetadataValue.md(links)}


LONGEST_ROWS = 40
"""A table of more rows would push what follows off the page: it is Markdown, which opens with a click."""
_ENDLESS = re.compile(r"(\S{24})(?=\S)")
LONGEST_TEXT = 200
"""Characters of a text of people in a cell."""


def metadata_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> TableOrWord:
    """A table of the named columns that the page shows at once; one without rows is the word "none"."""
    filled = [{column: _cell(row.get(column, "")) for column in columns} for row in rows]
    if not filled:
        return dg.MetadataValue.text("none")
    if len(filled) <= LONGEST_ROWS:
        schema = dg.TableSchema(columns=[dg.TableColumn(name=column, type="string") for column in columns])
        return dg.MetadataValue.table([dg.TableRecord(row) for row in filled], schema=schema)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_inert(row[column]) for column in columns) + " |" for row in filled]
    return dg.MetadataValue.md("\n".join(lines))


def counts_table(title: str, values: Mapping[str, int], *, most: int | None = None) -> TableOrWord:
    """Counts by name as a table, largest first, with their shares. most: names that are shown, the others are one row."""
    whole = sum(values.values())
    ordered = sorted(values.items(), key=lambda item: -item[1])
    shown, others = ordered[:most], ordered[len(ordered[:most]) :]
    if others:
        shown = [*shown, (f"{len(others):,} others", sum(n for _, n in others))]
    rows = [{title: name, "n": n, "share": f"{n / whole:.1%}" if whole else ""} for name, n in shown]
    return metadata_table(rows, [title, "n", "share"])


def excerpt(text: str, length: int = LONGEST_TEXT) -> str:
    """The beginning of a text of people for a cell, which shows it as it is and runs nothing."""
    one_line = " ".join(text.split())
    cut = one_line if len(one_line) <= length else f"{one_line[: length - 1]}…"
    # a word that nothing breaks (a model that repeats a digit) would push everything beside it off the page
    return _ENDLESS.sub("\\1\u200b", cut)


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("\n", " ")


def _inert(text: str) -> str:
    """A cell of Markdown; text with signs that Markdown or HTML may act on (a file's keys are anybody's) becomes a code span, where
    none does. A bar ends a cell even there, so it is shown as a broken one.
    """
    plain = _PLAIN.fullmatch(text) and "://" not in text and "www." not in text.lower()
    return text if plain else code(text).replace("|", "¦")
