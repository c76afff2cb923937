"""`lyo rejected`: the rows that were not accepted, with reason, value and what mends them."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.store.ledger import landed_files
from lyo_pipelines.json_types import TableRow, is_dict
from lyo_pipelines.storage.lake import Lake

_MENDS = {
    "missing_": "a mapping names the column that holds it (`lyo mapping draft FILE`), or gives it a `default`",
    "bad_rating": "say the scale: `rating_scales` under `interactions:` in config.yaml, or `scale` in the mapping",
    "bad_occurred_at": "say the zone: `time_zones` under `interactions:` in config.yaml, or `timezone` in the mapping",
    "occurred_at_out_of_range": "see `earliest` and `clock_skew_hours` under `interactions:` in config.yaml",
    "score_not_configured": "say what the score means: `scores` under `interactions:` in config.yaml",
    "broken_json": "see whether the export was cut off; each line is one JSON object",
    "not_an_object": "each line is one JSON object",
    "broken_csv": "quote cells that hold commas, quotes or line breaks",
    "wrong_number_of_cells": "quote cells that hold commas, quotes or line breaks",
    "row_too_long": "shorten it, or raise `max_row_bytes` under `interactions:` in config.yaml",
    "bad_": "mend the value where it is written, or leave the field out in a mapping",
}
"""Beginning of a reason -> what mends it, where the detail does not say so itself."""


class NothingRejectedError(LyoError):
    """No rejected row fits what was asked for; the message says which there are."""


@dataclass(frozen=True)
class RejectedFilter:
    """What is wanted: glob of file names, reason (or its beginning), text in the row; "" for all."""

    file: str = ""
    reason: str = ""
    text: str = ""

    def fits(self, row: TableRow) -> bool:
        """Whether a row of lake/rejected is wanted."""
        return (
            (not self.file or fnmatch.fnmatchcase(row["file"], self.file))
            and row["reason"].startswith(self.reason)
            and self.text.lower() in f"{row['raw'] or ''} {row['detail'] or ''}".lower()
        )


def rejected_rows(lake: Lake) -> Iterator[TableRow]:
    """Rejected rows of every file whose landing counts, file by file."""
    landed = landed_files(lake)
    for name in lake.names(lake.path("rejected")):
        if name.removesuffix(".parquet") in landed:
            yield from lake.read_table(lake.path("rejected", name)).to_pylist()


def examples_of_reasons(lake: Lake, file_hash: str) -> dict[str, tuple[str, str]]:
    """Reason -> (`file, line n`, value and mend) of the first row of one file that was rejected for it."""
    if not lake.exists(path := lake.rejected(file_hash)):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for row in lake.read_table(path, ["file", "line", "reason", "detail", "raw"]).to_pylist():
        found.setdefault(row["reason"], (f"{row['file']}, line {row['line']}", told(row)))
    return found


def told(row: TableRow) -> str:
    """What was expected and found in a row, the value itself where the row names it so, and what mends it."""
    mend = next((text for start, text in _MENDS.items() if row["reason"].startswith(start)), "")
    return "; ".join(filter(None, (row.get("detail") or "", _value(row), mend)))


def _value(row: TableRow) -> str:
    """The value that was rejected, as it was kept (people in it are pseudonyms)."""
    field = row["reason"].removeprefix("bad_")
    if field == row["reason"] or not row.get("raw"):
        return ""
    try:
        raw = json.loads(row["raw"])
    except ValueError:  # it was too long to be kept whole
        return ""
    return f"here {json.dumps(raw[field], ensure_ascii=False)[:120]}" if is_dict(raw) and field in raw else ""


def show_rejected(console: Console, wanted: RejectedFilter, *, limit: int, as_json: bool) -> None:
    """Print how many rows were rejected for which reason, and the first ones. Raises NothingRejectedError."""
    lake = Lake(Settings.from_env().data_dir)
    counts, of_all, shown = Counter[tuple[str, str]](), Counter[str](), list[TableRow]()
    for row in rejected_rows(lake):
        of_all[row["reason"]] += 1
        if wanted.fits(row):
            counts[row["file"], row["reason"]] += 1
            if len(shown) < limit:
                shown.append({**row, "mend": told(row)})
    if as_json:
        by_reason = [{"file": file, "reason": reason, "rows": n} for (file, reason), n in counts.most_common()]
        print_json(console, {"rejected": sum(counts.values()), "by_reason": by_reason, "rows": shown})
        return
    if not of_all:
        console.print("No row was rejected.")
        return
    if not counts:
        there = ", ".join(f"{reason} ({n:,})" for reason, n in of_all.most_common())
        raise NothingRejectedError("no rejected row fits", hint=f"There are: {there}.")
    table = Table(title=f"Rejected rows: {sum(counts.values()):,}", title_justify="left")
    for name in ("file", "reason", "rows"):
        table.add_column(name, justify="right" if name == "rows" else "left", overflow="fold")
    for (file, reason), n in counts.most_common(40):
        table.add_row(escape(file), reason, f"{n:,}")
    console.print(table)
    for row in shown:
        console.print(f"\n[bold]{escape(row['file'])}, line {row['line']}[/]: {row['reason']}", highlight=False)
        console.print(f"  {escape(row['mend'])}", highlight=False, soft_wrap=True)
        raw = row["raw"] or f"(could not be parsed; {row['raw_bytes']:,} bytes)"
        console.print(f"  [dim]{escape(raw[:600])}{'…' if len(raw) > 600 else ''}[/]", highlight=False, soft_wrap=True)
    if sum(counts.values()) > len(shown):
        console.print(
            f"\n{sum(counts.values()) - len(shown):,} more: `--limit`, `--reason`, `--file`, `--text`.", highlight=False
        )
