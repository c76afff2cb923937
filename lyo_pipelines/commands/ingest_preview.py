"""`lyo ingest PATH --dry-run`: what each file would become, on the screen. It decides and writes nothing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.faults import EXIT_CODE
from lyo_pipelines.interactions.formats.ready_mappings import mapping_at
from lyo_pipelines.interactions.landing.inbox_listing import ListedFile
from lyo_pipelines.interactions.preview.preview_file import FilePreview, preview_file
from lyo_pipelines.interactions.preview.tally import Tally
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.new_names import NewName, names_known, new_names
from lyo_pipelines.storage.lake import Lake

_SHOWN = ("occurred_at", "task", "language", "subject", "grade", "user_pseudonym", "conversation_id", "turn", "model")
_TEXTS = ("system_prompt", "context", "history", "question", "answer", "edited_answer", "error", "finish_reason")
_MARKS = ("rating", "thumbs", "complaint_category", "complaint_text", "feedback_at", "relevance_score", "retries")
_REST = ("interaction_id", "response_time_ms", "time_to_first_token_ms", "metadata")
_LONGEST = 320
_MOST = 12
_BAR = 24
_LEVELS = ("an interaction", "a trace", "a conversation")


class NothingReadError(LyoError):
    """Not one row of what was given can be taken; the message says the first reason."""


def preview_paths(
    console: Console, files: Sequence[ListedFile], *, format: str, mapping: str | None, show: int
) -> None:
    """Print what landing each of these files would do. Raises SystemExit at the end where a file met a fault of the program."""
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    pseudonyms = Pseudonyms(settings.require_pseudonym_key())
    parsed = mapping_at(mapping, config.interactions.ready_mappings) if mapping else None
    options = {"pseudonyms": pseudonyms, "config": config.interactions, "format": format, "mapping": parsed}
    now, previews = datetime.now(UTC), []
    for file in files:
        preview = (
            FilePreview(plain_name(file.name), "", unreadable=file.trouble)
            if file.trouble is not None
            else preview_file(lake, file.path, now=now, show=show, **options)
        )
        show_preview(console, preview)
        previews.append(preview)
    console.print(Rule(style="dim"))
    readable = sum(preview.unreadable is None for preview in previews)
    what = (
        "this file lands"
        if len(previews) == 1
        else f"the {readable:,} of {len(previews):,} files that can be read land"
    )
    end = f" Without --dry-run {what}." if readable else ""
    console.print(f"A dry run: nothing was written.{end}", highlight=False)
    for name in names_in(lake, config, previews):
        console.print(f"[yellow]![/] {escape(name.says)}.", highlight=False, soft_wrap=True)
    if faults := [preview.fault for preview in previews if preview.fault]:
        sys.stderr.write("\n".join(faults) + "\n")
        raise SystemExit(EXIT_CODE)
    if previews and not readable:
        raise NothingReadError(
            "none of this can be read", hint="docs/logs.md lists the formats; a mapping makes others readable."
        )
    if previews and not any(preview.accepted for preview in previews):
        raise NothingReadError("no row of this would be taken", hint="Each reason above comes with an example.")


def names_in(lake: Lake, config: Config, previews: Sequence[FilePreview]) -> list[NewName]:
    """Tasks, languages and subjects in files of interactions that neither the curriculum nor the lake knows."""
    counts: dict[str, Counter[str]] = {}
    for preview in previews:
        if not preview.again and preview.kind == "interactions":
            for kind, found in preview.tally.counts.items():
                counts.setdefault(kind, Counter()).update(found)
    if not counts:
        return []
    minimum = config.curation.segment_minimum_interactions
    return new_names(counts, names_known(lake, load_curriculum(lake), minimum))


def show_preview(console: Console, preview: FilePreview) -> None:
    """Print one file's preview."""
    console.print(Rule(f"[bold]{escape(preview.name)}[/]", align="left"))
    if preview.unreadable is not None:
        console.print(f"[red]not read:[/] {escape(preview.unreadable)}", highlight=False)
        return
    console.print(escape(f"{preview.kind} in {_read_as(preview)}"), highlight=False)
    count = f"{preview.read:,} row{'' if preview.read == 1 else 's'}"
    which = count if preview.whole else f"the first {count} were looked at"
    console.print(
        f"{which}: {preview.accepted:,} accepted, {preview.rejected:,} rejected{_times(preview.tally)}", highlight=False
    )
    if preview.again:
        console.print("It was read before in the same way: landing it changes nothing.", highlight=False)
    _fields(console, preview)
    _rejected(console, preview)
    _notes(console, preview)
    _distributions(console, preview.tally)
    for number, row in enumerate(preview.rows, 1):
        _row(console, number, row)


def _read_as(preview: FilePreview) -> str:
    named = f"format {preview.format}"
    if preview.ready:
        named += ", by the ready mapping of this name"
    if preview.found == "a mapping":
        return "a format of their own, read by a mapping"
    return named if preview.found in ("", "given") else f"{named}, told by {preview.found}"


def _times(tally: Tally) -> str:
    if tally.first is None or tally.last is None:
        return ""
    return f", from {tally.first:%Y-%m-%d %H:%M} to {tally.last:%Y-%m-%d %H:%M} UTC"


def _fields(console: Console, preview: FilePreview) -> None:
    if not preview.fields:
        return
    table = Table(title="\nWhat is read as what", title_justify="left")
    table.add_column("field", no_wrap=True)
    table.add_column("comes from", overflow="fold")
    table.add_column("filled", justify="right")
    for source in preview.fields:
        filled = "" if source.filled is None else _share(source.filled, preview.accepted)
        table.add_row(source.field, escape(source.source), filled, style="yellow" if source.filled == 0 else None)
    console.print(table)


def _rejected(console: Console, preview: FilePreview) -> None:
    if not preview.rejected_by_reason:
        return
    table = Table(title="\nRejected", title_justify="left")
    table.add_column("reason", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("for instance", overflow="fold")
    for reason, count in preview.rejected_by_reason.items():
        table.add_row(escape(reason), f"{count:,}", escape(preview.examples_of_reasons.get(reason, "")))
    console.print(table)


def _notes(console: Console, preview: FilePreview) -> None:
    told = list(preview.gaps)
    told += [f"{sentence} ({count:,})" if count else sentence for sentence, count in preview.notes.items()]
    if preview.ignored_fields:
        told.append(f"unknown fields ignored: {', '.join(preview.ignored_fields)}")
    if told:
        console.print("\nWhat to know", style="italic")
    for sentence in told[:_MOST]:
        console.print(Padding(f"• {escape(sentence)}", (0, 0, 0, 2)), highlight=False)
    if len(told) > _MOST:
        console.print(f"  • and {len(told) - _MOST} more")


def _distributions(console: Console, tally: Tally) -> None:
    for name, counts in tally.counts.items():
        shown = [f"{escape(value)} {_share(count, tally.rows)}" for value, count in counts.most_common(_MOST)]
        if shown:
            more = f", and {len(counts) - _MOST} more" if len(counts) > _MOST else ""
            console.print(f"[italic]{name}[/]: {', '.join(shown)}{more}", highlight=False)
    most = max(tally.ratings.values(), default=0)
    for rating in sorted(tally.ratings):
        count = tally.ratings[rating]
        bar = "█" * max(1, round(_BAR * count / most))
        console.print(f"[italic]rating[/] {rating}  {bar} {count:,}", highlight=False)


def _row(console: Console, number: int, row: TableRow) -> None:
    table = Table(title=f"\nRow {number}, as it would be", title_justify="left", show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", ratio=1)
    if "target_level" in row:
        table.add_row("of", _LEVELS[row["target_level"]])
    for name in (*_SHOWN, *_TEXTS, *_MARKS, *_REST):
        if (value := row.get(name)) is not None:
            table.add_row(name, escape(_shown(value)))
    console.print(table)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list):
        return "\n".join(_turns(value))
    return _cut(f"{value:g}" if isinstance(value, float) else str(value))


def _turns(history: Sequence[Mapping[str, str | None]]) -> Iterator[str]:
    for turn in history[:2]:
        yield _cut(f"{turn['role']}: {turn['content']}")
    if len(history) > 2:
        yield f"… {len(history) - 2} more turns"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _share(count: int, rows: int) -> str:
    share = 100 * count / rows if rows else 0
    return f"{share:.0f} %" if share in (0, 100) or 1 <= share <= 99 else "< 1 %" if share < 1 else "> 99 %"
