"""`lyo review`: the cultural findings one a screen, decided by a key. What a decision does belongs to curation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.curation.review import ALWAYS, DROP, KEEP, NEVER, Review, queue_path, read_queue
from lyo_pipelines.curation.review_session import ReviewSession
from lyo_pipelines.curation.wordlists import Wordlists, load_wordlists
from lyo_pipelines.storage.lake import Lake

_KEYS = {"k": KEEP, "d": DROP, "a": ALWAYS, "n": NEVER}
_SAID = {KEEP: "kept", DROP: "dropped", ALWAYS: "phrases always kept", NEVER: "phrases never kept"}
_STOP = {"q", "\x03", "\x04", "\x1b", ""}
_WIDTH = 92
_NEXT = "The days they belong to are stale now: the next run of filtered_examples obeys."


def run_review(console: Console, read_key: Callable[[], str], *, interactive: bool) -> None:
    """Go through the undecided findings, a key each; without a terminal, say how many wait and where the file is."""
    lake = Lake(Settings.from_env().data_dir)
    session = ReviewSession(lake)
    if not session.total:
        console.print(f"Nothing waits for review ({queue_path(lake)}).", soft_wrap=True)
        return
    if not interactive:
        _overview(console, lake)
        return
    lists, message = load_wordlists(lake), ""
    while (line := session.current) is not None:
        console.clear()
        console.print(review_screen(session, line, lists, message, console.width - 1))
        message = ""
        key = read_key().lower()
        if key in _STOP:
            break
        if key == "u":
            message = "" if session.undo() else "Nothing to take back."
        elif key == "s":
            session.skip()
        elif key in {"a", "n"} and not line.phrase:
            message = "No phrase stands behind this finding: decide k or d."
        elif key in _KEYS:
            session.decide(_KEYS[key])
        else:
            message = f"{key!r} is none of the keys below."
    console.clear()
    _farewell(console, lake, session)


def review_screen(session: ReviewSession, line: Review, lists: Wordlists, message: str, width: int = _WIDTH) -> Group:
    """One finding: where it is from, why it was found, its text with the phrase marked, and the keys."""
    width = min(width, _WIDTH)
    number = session.total - session.left + 1
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    head.add_row(
        Text(f"Finding {number} of {session.total}", style="bold"),
        Text(f"{line.segment}   {line.day}   {line.interaction_id[:24]}", style="dim"),
    )
    text = highlighted(line.excerpt, line.phrase)
    panel = Panel(
        Padding(text, (1, 2)),
        title=Text(line.finding.replace("_", " "), style="bold yellow"),
        title_align="left",
        border_style="yellow",
        width=width,
    )
    parts = [
        Padding(head, (0, 1)),
        panel,
        Padding(Text(_why(line, lists), style="dim"), (0, 3)),
        Text(),
        *_keys(line, session.alike(line)),
    ]
    if message:
        parts += [Text(), Padding(Text(message, style="red"), (0, 3))]
    box = Table.grid()
    box.add_column(width=width)
    for part in parts:
        box.add_row(part)
    return Group(box)


def _keys(line: Review, alike: int) -> list[Text]:
    others = f" ({alike} more {'waits' if alike == 1 else 'wait'})" if alike else ""
    rows = [("k", "keep", "d", "drop")]
    if line.phrase:
        rows.append(("a", f"always keep “{line.phrase}”{others}", "n", "never keep it"))
    rows.append(("s", "skip", "u", "undo"))
    width = max(len(left) for _, left, *_ in rows) + 4
    lines = []
    for key, left, other, right in rows:
        text = Text("   ")
        text.append(f" {key} ", style="reverse bold").append(f" {left}".ljust(width))
        text.append(f" {other} ", style="reverse bold").append(f" {right}")
        lines.append(text)
    return [*lines, Text("   ").append(" q ", style="reverse bold").append(" quit (what is decided is saved)")]


def highlighted(excerpt: str, phrase: str) -> Text:
    """The excerpt with each place of the phrase marked."""
    text = Text(excerpt)
    if phrase:
        words = r"\s+".join(re.escape(word) for word in phrase.split())
        for match in re.finditer(words, excerpt, re.IGNORECASE):
            text.stylize("bold black on yellow", *match.span())
    return text


def _why(line: Review, lists: Wordlists) -> str:
    parts = line.segment.split(".")
    language = parts[1] if len(parts) > 1 else ""
    entries = lists.by_language.get(language)
    known = {entry.name: entry.why for entry in (*entries.cultural, *entries.persona)} if entries else {}
    return known.get(line.finding, "A user complained about this answer." if line.finding == "complaint" else "")


def _overview(console: Console, lake: Lake) -> None:
    waiting = [line for line in read_queue(lake) if not line.decision]
    table = Table(title=f"{len(waiting):,} findings wait", title_justify="left", box=None, pad_edge=False)
    for name in ("segment", "finding", "waiting"):
        table.add_column(name, justify="right" if name == "waiting" else "left")
    for (segment, finding), count in sorted(Counter((line.segment, line.finding) for line in waiting).items()):
        table.add_row(segment, finding, f"{count:,}")
    console.print(table)
    console.print(
        f"Run `lyo review` in a terminal, or fill the column decision (keep, drop, always, never) of {queue_path(lake)}.",
        soft_wrap=True,
    )


def _farewell(console: Console, lake: Lake, session: ReviewSession) -> None:
    told = ", ".join(f"{count} {_SAID[decision]}" for decision, count in session.decided.items()) or "nothing decided"
    left = sum(not line.decision for line in read_queue(lake))
    console.print(
        f"{told}; {left:,} undecided in {queue_path(lake)}. {_NEXT if session.decided else ''}".strip(), soft_wrap=True
    )
