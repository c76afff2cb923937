"""What the documents stage reads and writes: schemas, reasons for rejecting a file, the report of a set. No logic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date as Day
from datetime import datetime

import pyarrow as pa

from lyo_pipelines.curation.contract import EXAMPLE
from lyo_pipelines.errors import LyoError
from lyo_pipelines.validity import DECLARED

TASK = "documents"
SOURCE = "documents"
DOCUMENTS_VERSION = 5
"""Raise it whenever the same file would give other chunks or examples."""

SET_TAG, SETUP_TAG, FIRST = "lyo/document_set", "lyo/setup", "first"
"""Of runs that somebody asked for over the gateway: the set they are about, and the id of the run that it began with (FIRST in it)."""

REASONS = {
    "unsupported_format": "no reader for this kind of file: save it as Markdown (.md), text (.txt), HTML (.html) or PDF",
    "empty": "there is no text in it",
    "too_little_text": "too little to learn from (minimum_letters)",
    "too_large": "larger than the configuration allows: split it, or raise maximum_megabytes, maximum_characters or pdf_maximum_…",
    "encoding": "its bytes are no readable text: save it as UTF-8",
    "encrypted": "it needs a password: save a copy without one",
    "damaged": "it cannot be opened: export it again",
    "no_text_layer": "its pages are pictures without text: run text recognition (OCR) and save the result",
    "garbled": "the letters came out in pieces: use the original (Markdown, HTML, a word processor's HTML export), not this copy",
    "no_language": "too little text to tell its language: name it (language: hi) in the front matter or in set.yaml",
    "metadata": "the YAML beside it cannot be read: mend it",
    "too_deep": "its parts are nested too deeply to be read whole: save it with fewer levels",
    "unreadable": "reading it failed in a way that nobody foresaw",
}
"""Why a file is set down, and what to do about it."""

VALIDITY_FIELDS = tuple(EXAMPLE.field(name) for name in ("board", *DECLARED))
"""What a document says of how long it holds."""

DOCUMENT = pa.schema(
    [
        pa.field(
            "document_id", pa.string(), nullable=False, metadata={"doc": "hash of the set and the file's path in it"}
        ),
        pa.field("path", pa.string(), nullable=False, metadata={"doc": "below data/documents/<set>"}),
        pa.field("status", pa.string(), nullable=False, metadata={"doc": "accepted or rejected"}),
        pa.field("reason", pa.string(), metadata={"doc": "why it was rejected"}),
        pa.field("says", pa.string(), metadata={"doc": "the same as a sentence"}),
        pa.field("format", pa.string()),
        pa.field(
            "content_hash", pa.string(), nullable=False, metadata={"doc": "of the file and what stands beside it"}
        ),
        pa.field("text_hash", pa.string(), metadata={"doc": "of the cleaned text"}),
        pa.field("read_by", pa.string(), nullable=False, metadata={"doc": "rules and configuration it was read with"}),
        pa.field("title", pa.string()),
        pa.field("language", pa.string()),
        pa.field("segment", pa.string()),
        pa.field(
            "occurred_at", pa.timestamp("us", tz="UTC"), nullable=False, metadata={"doc": "its date, else the file's"}
        ),
        pa.field("licence", pa.string()),
        pa.field("attribution", pa.string()),
        pa.field("source_url", pa.string()),
        pa.field("topic", pa.string()),
        pa.field("grade", pa.string()),
        *VALIDITY_FIELDS,
        pa.field("chunks", pa.int32(), nullable=False),
        pa.field("pairs", pa.int32(), nullable=False),
        pa.field(
            "left_out",
            pa.string(),
            nullable=False,
            metadata={"doc": "chunks and pairs that are no example, by rule (JSON)"},
        ),
        pa.field("redacted", pa.string(), nullable=False, metadata={"doc": "personal data replaced, by type (JSON)"}),
        pa.field("text", pa.string(), metadata={"doc": "cleaned text, headings as # lines"}),
    ]
)

CHUNK = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("number", pa.int32(), nullable=False, metadata={"doc": "position in the document, from 0"}),
        pa.field(
            "heading_path", pa.list_(pa.string()), nullable=False, metadata={"doc": "headings above, outermost first"}
        ),
        pa.field(
            "text",
            pa.string(),
            nullable=False,
            metadata={
                "doc": "the first `overlap` characters repeat the chunk before; the rest, chunk by chunk, is the document"
            },
        ),
        pa.field("overlap", pa.int32(), nullable=False),
        pa.field(
            "training_text", pa.string(), nullable=False, metadata={"doc": "headings above and text, as trained on"}
        ),
        pa.field("tokens", pa.int32(), nullable=False, metadata={"doc": "estimate for training_text"}),
        pa.field("language", pa.string(), nullable=False, metadata={"doc": "language as written"}),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False, metadata={"doc": "of the text"}),
        pa.field("licence", pa.string()),
        pa.field("attribution", pa.string()),
        *VALIDITY_FIELDS,
        pa.field(
            "example", pa.string(), metadata={"doc": "id of its training example; null where the rules left it out"}
        ),
    ]
)


class DocumentSetError(LyoError):
    """A document set cannot be used; the message says what to do."""


class RejectedError(Exception):
    """A document is set down: `reason` is a key of REASONS, `detail` what was seen.

    A signal inside this room: it becomes a row of the set, and never reaches a person as an error.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.says = f"{detail}: {REASONS[reason]}" if detail else REASONS[reason]
        super().__init__(self.says)


@dataclass(frozen=True)
class DocumentMetadata:
    """What front matter, sidecars and credits say of a document; empty where nobody says it."""

    title: str = ""
    language: str = ""
    licence: str = ""
    attribution: str = ""
    source_url: str = ""
    date: datetime | None = None
    topic: str = ""
    grade: str = ""
    board: str = ""
    edition: str = ""
    academic_year: str = ""
    valid_from: Day | None = None
    valid_until: Day | None = None

    @property
    def validity(self) -> dict[str, str | Day | None]:
        """VALIDITY_FIELDS of its rows."""
        return {field.name: getattr(self, field.name) or None for field in VALIDITY_FIELDS}


@dataclass(frozen=True)
class TextBlock:
    """A heading (level 1 to 6) or a piece of text (level 0): a paragraph, a list, a table, code.

    term: this text defines it (definition lists only).
    """

    text: str
    level: int = 0
    term: str = ""


@dataclass(frozen=True)
class Rejection:
    """A file that was set down."""

    path: str
    reason: str
    says: str


@dataclass(frozen=True)
class SetReport:
    """What became of one document set; counts and names of files, never a text."""

    name: str
    read: int
    reused: int
    rejected: tuple[Rejection, ...]
    accepted: int
    chunks: int
    pairs: int
    examples: dict[str, int]
    languages: dict[str, int]
    near_duplicates: int
    redacted: Counter[str] = field(default_factory=Counter)
    removed_by_rule: dict[str, int] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        """Whether each file was either accepted or rejected with a reason."""
        return self.accepted + len(self.rejected) == self.read

    @property
    def reasons(self) -> dict[str, int]:
        """Rejected documents by reason."""
        return dict(Counter(one.reason for one in self.rejected).most_common())
