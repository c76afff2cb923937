"""What is said of a landed file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from lyo_pipelines.interactions.landing.file_names import digest_name
from lyo_pipelines.interactions.store.ledger import LedgerEntry


@dataclass(frozen=True)
class LandingReport:
    """What became of one file.

    days: days whose inputs changed by it. unreadable: why nothing could be read, or None. Feedback rows count in read and accepted
    too; feedback_applied reached an interaction that is there, feedback_pending waits for one. ignored_fields: names in the first
    rows that no field asks for (a misspelt one shows here). found: what told the format.
    note: what else is worth knowing of the file; notes: of accepted rows, each with how many of them it is true of.
    fault: the traceback of an exception that nobody foresaw, else "". try_again: the file itself
    is not to blame, and stays where it is.
    """

    file_hash: str
    name: str
    format: str
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    rejected_by_reason: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    feedback_read: int = 0
    feedback_applied: int = 0
    feedback_pending: int = 0
    already_landed: bool = False
    unreadable: str | None = None
    ignored_fields: tuple[str, ...] = ()
    found: str = ""
    note: str = ""
    notes: dict[str, int] = field(default_factory=dict)
    fault: str = ""
    try_again: bool = False
    erased: int = 0

    @property
    def public_name(self) -> str:
        """The name for pages, logs and events: a file's digest, under which the ledger knows it; a table's own name."""
        return self.name if self.name.startswith("table ") else digest_name(self.name, self.file_hash or "unread")

    @property
    def conserved(self) -> bool:
        """Whether every row that was read was accepted or rejected (or erased since, with the person)."""
        return self.accepted + self.rejected + self.erased == self.read


def report_of(entry: LedgerEntry, days: tuple[date, ...], *, already: bool) -> LandingReport:
    """The report of a ledger entry; `days` are those that this landing made stale."""
    return LandingReport(
        file_hash=entry.file_hash,
        name=entry.name,
        format=entry.format,
        read=entry.read,
        accepted=entry.accepted,
        rejected=entry.rejected,
        rejected_by_reason=dict(entry.rejected_by_reason),
        days=days,
        feedback_read=entry.feedback_read,
        feedback_applied=entry.feedback_applied,
        feedback_pending=entry.feedback_pending,
        already_landed=already,
        ignored_fields=tuple(entry.ignored_fields),
        found=entry.found,
        notes=dict(entry.notes),
        erased=entry.erased,
    )
