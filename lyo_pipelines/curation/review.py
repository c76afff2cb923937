"""The cultural review queue: `<data>/review/cultural.csv`, written by curation, decided by a person, obeyed by the next run.

One line per interaction and finding. A person fills `decision` with keep or drop, or with always or never to keep or drop every
answer with this phrase (and `note` freely), in a spreadsheet or with `lyo review`. Nothing a person wrote is ever lost: decided
lines stay for good, and a file that cannot be understood is an error that changes nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date
from hashlib import sha256

from filelock import FileLock

from lyo_pipelines.errors import LyoError
from lyo_pipelines.private_files import own_temporary_folder
from lyo_pipelines.storage.lake import Lake, NotLocalError
from lyo_pipelines.storage.lease import leased

KEEP, DROP, PENDING = "keep", "drop", "pending"
ALWAYS, NEVER = "always", "never"
"""Decisions about every answer with the line's phrase: keep them, drop them."""
OF_LINE = {KEEP: KEEP, DROP: DROP, ALWAYS: KEEP, NEVER: DROP}
"""What a decision means for the line that it stands in."""


_DAY_WAITS = 3600.0
"""Seconds: on a cluster dozens of days may stand before one, and a large queue takes seconds for each."""


class ReviewQueueError(LyoError):
    """The queue file cannot be understood; the message says which line and what to do."""


@dataclass(frozen=True)
class Review:
    """One line of the queue; the fields are its columns."""

    interaction_id: str
    day: str
    segment: str
    finding: str
    excerpt: str
    decision: str = ""
    note: str = ""
    phrase: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a decision belongs to."""
        return self.interaction_id, self.finding


_LIKE_A_FORMULA = re.compile(r"^[\s'\u200b-\u200d\u2060\ufeff]*[=+\-@＝＋－＠]|^[\t\r]")
COLUMNS = tuple(field.name for field in fields(Review))
_REQUIRED = ("interaction_id", "day", "finding", "decision")


def queue_path(lake: Lake) -> str:
    """Where the queue lies."""
    return lake.side("review", "cultural.csv")


def read_queue(lake: Lake) -> list[Review]:
    """All lines; empty when there is no file yet. Raises ReviewQueueError."""
    path = queue_path(lake)
    if not lake.exists(path):
        return []
    try:
        return list(parse_queue(lake.read_text(path), path))
    except UnicodeDecodeError as error:
        raise ReviewQueueError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}). Save it again as CSV in UTF-8."
        ) from error


def parse_queue(text: str, name: str = "cultural.csv") -> Iterator[Review]:
    """Lines of a queue's text. Raises ReviewQueueError with the line and what is expected."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return
    header_line = text.splitlines()[0]
    # spreadsheets of many countries save with semicolons or tabs
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [column.strip().lower() for column in next(reader)]
        missing = [column for column in _REQUIRED if column not in header]
        if missing:
            raise ReviewQueueError(
                f"{name}, line 1: the column(s) {', '.join(missing)} are missing; expected {', '.join(COLUMNS)}."
            )
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise ReviewQueueError(
                    f"{name}, line {reader.line_num}: {len(values)} fields instead of {len(header)}. "
                    "Mend the line (a text with a comma needs quotation marks around it)."
                )
            row = dict(zip(header, map(_as_written, values), strict=True))
            decision = row["decision"].strip().lower()
            if decision not in {"", *OF_LINE}:
                raise ReviewQueueError(
                    f"{name}, line {reader.line_num}: decision {row['decision']!r} is not one of keep, drop, always, never, "
                    "or empty."
                )
            if decision in {ALWAYS, NEVER} and not row.get("phrase", "").strip():
                raise ReviewQueueError(
                    f"{name}, line {reader.line_num}: {decision} needs the phrase that it is about in the column phrase. "
                    "Fill it in, or decide keep or drop."
                )
            if not row["interaction_id"].strip() or not row["finding"].strip():
                raise ReviewQueueError(f"{name}, line {reader.line_num}: interaction_id and finding must not be empty.")
            known = {column: row.get(column, "") for column in COLUMNS}
            yield Review(
                **{
                    **known,
                    "decision": decision,
                    "interaction_id": row["interaction_id"].strip(),
                    "finding": row["finding"].strip(),
                }
            )
    except csv.Error as error:
        raise ReviewQueueError(
            f"{name}, line {reader.line_num}: {error}. Mend the line; nothing was changed."
        ) from error


def write_queue(lake: Lake, reviews: Iterable[Review]) -> None:
    """Write all lines in one piece."""
    lake.write_text(queue_text(reviews), queue_path(lake))


def queue_text(reviews: Iterable[Review]) -> str:
    """The whole file, by day (with a byte-order mark: spreadsheets then show Hindi and Tamil)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    lines = sorted(reviews, key=lambda r: (r.day, r.interaction_id, r.finding))
    writer.writerows(map(_as_text, astuple(review)) for review in lines)
    return "\ufeff" + out.getvalue()


def _as_text(cell: str) -> str:
    """A cell that a spreadsheet takes for text: one that begins like a formula would be computed, and may fetch what it likes.

    A mark is put in front of it, and of a cell that begins with such a mark already, so that reading gives back what was written.
    """
    return f"'{cell}" if _LIKE_A_FORMULA.match(cell) else cell


def _as_written(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _LIKE_A_FORMULA.match(cell[1:]) else cell


def update_day(lake: Lake, day: date, found: Iterable[Review]) -> int:
    """Bring one day's lines up to date; returns how many of them still wait for a decision.

    Decided lines stay, whatever was found; undecided lines of the day that were not found again go. Other days are untouched,
    and days that run at the same time wait for each other.
    """
    fresh = {review.key: review for review in found}
    with locked_queue(lake, timeout=_DAY_WAITS):
        queue = read_queue(lake)
        kept: list[Review] = []
        for line in queue:
            if line.day != day.isoformat() or line.decision:
                kept.append(line)
                fresh.pop(line.key, None) if line.decision else None
            elif line.key in fresh:
                renewed = fresh.pop(line.key)
                kept.append(Review(**{**renewed.__dict__, "note": line.note}))
        kept += fresh.values()
        if kept != queue:
            write_queue(lake, kept)
    return sum(1 for line in kept if line.day == day.isoformat() and not line.decision)


@contextmanager
def locked_queue(lake: Lake, *, timeout: float = 60.0) -> Iterator[None]:
    """Hold the queue alone; on a remote lake without conditional writes, among the processes of this machine."""
    path = queue_path(lake)
    try:
        lock = lake.local(path).with_suffix(".lock")
    except NotLocalError:
        lock = own_temporary_folder() / f"review-{sha256(path.encode()).hexdigest()[:16]}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(lock), timeout=timeout), leased(lake, "review", timeout=timeout):
        yield


Decisions = Mapping[str, Mapping[str, str]]
"""interaction id -> finding -> keep or drop."""

PhraseRules = Mapping[tuple[str, str], str]
"""(finding, phrase in lower case) -> keep or drop."""


def review_decisions(queue: Iterable[Review]) -> dict[str, dict[str, str]]:
    """What people decided so far; of two lines for the same finding, drop wins."""
    decided: dict[str, dict[str, str]] = {}
    for line in queue:
        if line.decision:
            findings = decided.setdefault(line.interaction_id, {})
            said = OF_LINE[line.decision]
            findings[line.finding] = DROP if DROP in {said, findings.get(line.finding)} else KEEP
    return decided


def phrase_rules(queue: Iterable[Review]) -> dict[tuple[str, str], str]:
    """What people decided about phrases, wherever they stand; of two decisions, never wins."""
    rules: dict[tuple[str, str], str] = {}
    for line in queue:
        if line.decision in {ALWAYS, NEVER}:
            key = line.finding, folded_phrase(line.phrase)
            rules[key] = DROP if line.decision == NEVER or rules.get(key) == DROP else KEEP
    return rules


def folded_phrase(phrase: str) -> str:
    """A phrase as rules compare it: lower case, without signs at its ends, single spaces."""
    return " ".join(phrase.lower().split()).strip(" \"'“”‘’.,;:!?।()")


def decided_by_phrase(finding: str, phrases: Iterable[str], rules: PhraseRules) -> str | None:
    """Keep or drop for a finding whose phrases are decided; None while one of them is open. One phrase never to be kept drops."""
    said = {rules.get((finding, phrase)) for phrase in phrases}
    return DROP if DROP in said else KEEP if said == {KEEP} else None


def review_verdict(interaction_id: str, found: Iterable[str], decided: Decisions) -> str | None:
    """keep, drop or pending for a row with these findings; None when nothing was found.

    One "drop" drops the row; it is kept when each finding was decided so.
    """
    names = list(found)
    if not names:
        return None
    answers = {decided.get(interaction_id, {}).get(name, PENDING) for name in names}
    return DROP if DROP in answers else PENDING if PENDING in answers else KEEP


def decisions_signature(queue: Iterable[Review], day: date) -> str:
    """A digest of what was decided about one day's rows and about phrases; it changes when a decision that touches the day changes."""
    queue = list(queue)
    lines = sorted(
        f"{r.interaction_id}\x1f{r.finding}\x1f{OF_LINE[r.decision]}"
        for r in queue
        if r.decision and r.day == day.isoformat()
    )
    lines += sorted(f"{finding}\x1f{phrase}\x1f{said}" for (finding, phrase), said in phrase_rules(queue).items())
    return sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""
