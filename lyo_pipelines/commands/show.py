"""`lyo show SEGMENT`: rows that were kept or removed, with filters. What was not accepted at all: rejected.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.commands.known_segments import require_known
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.dataset.scope import is_below
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.lake import Lake

What = Literal["kept", "removed"]
_COLUMNS: dict[What, tuple[str, ...]] = {
    "kept": (
        "interaction_id", "segment", "occurred_at", "topic", "grade", "rating", "weight", "context", "question", "images", "answer",
    ),
    "removed": ("interaction_id", "segment", "rule", "question", "answer"),
}  # fmt: skip
_LONGEST = 1_200


class NothingFoundError(LyoError):
    """No row fits what was asked for; the message says what there is."""


@dataclass(frozen=True)
class RowFilter:
    """Which rows: a segment or a parent ("" for all), days, a rule (of removed rows), a text that question or answer hold."""

    segment: str = ""
    first: date | None = None
    last: date | None = None
    rule: str = ""
    text: str = ""

    def has(self, day: date) -> bool:
        """Whether a day is wanted."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def rows_of(lake: Lake, what: What, wanted: RowFilter) -> Iterator[TableRow]:
    """Rows of curated days that fit, newest day first; each has its `day`. Excerpts of removed rows are kept of a sample only."""
    name = {"kept": "part", "removed": "removed"}[what]
    for day in reversed(lake.days("examples", f"{name}.parquet")):
        if not wanted.has(day):
            continue
        with lake.open_table(lake.examples(day, name)) as file:
            columns = [column for column in _COLUMNS[what] if column in file.schema_arrow.names]
            table = file.read(columns=columns)
        if wanted.segment:
            below = [is_below(key, wanted.segment) for key in table["segment"].to_pylist()]
            table = table.filter(pa.array(below, pa.bool_()))
        for row in table.to_pylist():
            if wanted.rule and row.get("rule") != wanted.rule:
                continue
            if (
                wanted.text
                and wanted.text.lower() not in f"{row.get('question') or ''}\n{row.get('answer') or ''}".lower()
            ):
                continue
            yield {"day": day, **row}


def show_rows(console: Console, what: What, wanted: RowFilter, *, limit: int, as_json: bool) -> None:
    """Print how many rows fit, by rule where they were removed, and the first ones. Raises UnknownSegmentError, NothingFoundError."""
    lake = Lake(Settings.from_env().data_dir)
    if wanted.segment:
        require_known(lake, wanted.segment)
    counts, shown = Counter[str](), list[TableRow]()
    for row in rows_of(lake, what, wanted):
        counts[row.get("rule") or "kept"] += 1
        with_text = what == "kept" or row.get("question") is not None or row.get("answer") is not None
        if len(shown) < limit and with_text:
            shown.append(row)
    if as_json:
        print_json(console, {what: sum(counts.values()), "by_rule": dict(counts.most_common()), "rows": shown})
        return
    if not counts:
        raise NothingFoundError(f"no {what} row fits", hint=_what_there_is(lake, what, wanted))
    where = f" in {wanted.segment}" if wanted.segment else ""
    if what == "removed":
        table = Table(title=f"Removed{where}: {sum(counts.values()):,} rows", title_justify="left")
        table.add_column("rule")
        table.add_column("rows", justify="right")
        for rule, n in counts.most_common():
            table.add_row(rule, f"{n:,}")
        console.print(table)
    else:
        console.print(f"Kept{where}: {sum(counts.values()):,} examples", highlight=False)
    for row in shown:
        _print_row(console, row)
    if sum(counts.values()) > len(shown):
        console.print(
            f"\n{sum(counts.values()) - len(shown):,} more: `--limit`, `--from`, `--to`, `--text`"
            + (", `--rule`; excerpts are kept of a sample of each day." if what == "removed" else "."),
            highlight=False,
        )


def _what_there_is(lake: Lake, what: What, wanted: RowFilter) -> str:
    if wanted.rule and what == "removed":
        rules = Counter(
            row["rule"] for row in rows_of(lake, what, RowFilter(wanted.segment, wanted.first, wanted.last))
        )
        return f"Rules that removed rows there: {', '.join(f'{rule} ({n:,})' for rule, n in rules.most_common()) or 'none'}."
    days = lake.days("examples")
    return (
        f"Curated days: {days[0]} to {days[-1]}."
        if days
        else "No day is curated yet: `lyo ingest PATH`, or `lyo build`."
    )


def _print_row(console: Console, row: TableRow) -> None:
    known = [f"{row['day']}", row["segment"], *(str(row[name]) for name in ("topic", "rule") if row.get(name))]
    if row.get("grade"):
        known.append(f"grade {row['grade']}")
    if "rating" in row:
        known.append("not rated" if row["rating"] is None else f"rated {row['rating']:g}")
    if row.get("weight") is not None:
        known.append(f"weight {row['weight']:.2g}")
    console.print(f"\n[bold]{escape(' · '.join(known))}[/] [dim]{escape(row['interaction_id'])}[/]", highlight=False)
    for image in row.get("images") or ():
        where = "" if not image["turns_back"] else f", {image['turns_back']} messages before the question"
        console.print(
            f"  [dim]picture[/] {image['file']} ({image['width']} x {image['height']}{where})", highlight=False
        )
    for name in ("context", "question", "answer"):
        if text := row.get(name):
            cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
            console.print(f"  [dim]{name}[/] {escape(cut)}", highlight=False, soft_wrap=True)
