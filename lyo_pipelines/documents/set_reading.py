"""The files of a set -> drafts: each file read, cleaned and cut, or rejected with a reason, or taken over unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import orjson

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.curation.wordlists import Wordlists
from lyo_pipelines.documents.clean import clean_document
from lyo_pipelines.documents.contract import TASK, DocumentMetadata, DocumentSetError, RejectedError
from lyo_pipelines.documents.files import DocumentFile, SetFiles, document_time
from lyo_pipelines.documents.metadata import SET_FILE, SIDECAR, read_sidecar
from lyo_pipelines.documents.read import ParsedDocument, format_of, read_document
from lyo_pipelines.documents.rows import DocumentRows, document_rows, row_digest
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.segments import segment_key
from lyo_pipelines.storage.lake import Lake

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class DraftDocument:
    """One file of a set. row: of the DOCUMENT schema; reused: taken over from the last build, chunks and examples too."""

    row: TableRow
    reused: bool = False
    chunks: list[TableRow] = field(default_factory=list)
    examples: list[TableRow] = field(default_factory=list)

    @property
    def left_out(self) -> Counter[str]:
        """Chunks and pairs that the rules left out."""
        return Counter(orjson.loads(self.row["left_out"]))

    @property
    def redacted(self) -> Counter[str]:
        """Personal data that was replaced, by type."""
        return Counter(orjson.loads(self.row["redacted"]))

    @property
    def segment(self) -> str:
        """The segment that its examples are in; "" when it was set down."""
        return self.row["segment"] or ""


def read_set(
    lake: Lake,
    files: SetFiles,
    unchanged: Mapping[tuple[str, str], TableRow],
    lists: Wordlists,
    config: DocumentConfig,
    curation: CurationConfig,
    *,
    rules: str,
    now: datetime,
) -> Iterator[DraftDocument]:
    """One draft for each file. unchanged: rows of the last build by (path, content hash), read by the same rules."""
    beside = {file.path: file for file in files.beside}
    about_set = _bytes(lake, beside[SET_FILE]) if SET_FILE in beside else b""
    whole = _of_set(about_set, files.name)
    for file in files.documents:
        base = {"path": file.path, "document_id": row_digest(f"{files.name}\x1f{file.path}"), "read_by": rules}
        base |= {"occurred_at": document_time(file, now), **_NOTHING}
        try:
            if file.trouble is not None:
                base["content_hash"] = f"{file.size}-{file.mtime}"
                raise RejectedError("unreadable", file.trouble)
            sidecar = beside.get(file.path + SIDECAR)
            notes = b"" if sidecar is None else _bytes(lake, sidecar)
            if file.size > config.maximum_megabytes * _MEGABYTE:
                base["content_hash"] = f"{file.size}-{file.mtime}"
                raise RejectedError("too_large", f"{file.size / _MEGABYTE:,.0f} MB")
            data = _bytes(lake, file)
            base["content_hash"] = _hash(data, notes, about_set)
            if row := unchanged.get((file.path, base["content_hash"])):
                yield DraftDocument(row, reused=True)
                continue
            told = read_sidecar(notes.decode("utf-8", "replace"), file.path + SIDECAR) if notes else DocumentMetadata()
            read = read_document(file.path, data, (told, whole), config)
            yield _accepted(base, read, files.name, lists, config, curation)
        except RejectedError as error:
            yield _rejected(base, error)
        except Exception as error:  # one strange file must not keep the others from being read
            yield _rejected(base, RejectedError("unreadable", f"{type(error).__name__}: {str(error)[:120]}"))


_NOTHING: TableRow = {
    "status": "rejected", "reason": None, "says": None, "format": None, "content_hash": "", "text_hash": None, "title": None,
    "language": None, "segment": None, "licence": None, "attribution": None, "source_url": None, "topic": None, "grade": None,
    "chunks": 0, "pairs": 0, "left_out": "{}", "redacted": "{}", "text": None, **DocumentMetadata().validity,
}  # fmt: skip


def _accepted(
    base: TableRow,
    read: ParsedDocument,
    set_name: str,
    lists: Wordlists,
    config: DocumentConfig,
    curation: CurationConfig,
) -> DraftDocument:
    document = clean_document(read.about.title, read.blocks, read.about.language, lists, curation)
    if not document.language:
        raise RejectedError("no_language")
    when = read.about.date or base["occurred_at"]
    made: DocumentRows = document_rows(
        base["document_id"], base["path"], set_name, document, read.about, when, config, curation
    )
    row = {
        **base,
        "status": "accepted",
        "format": read.format,
        "occurred_at": when,
        "text_hash": row_digest(made.text),
        "title": document.title or next((block.text for block in document.blocks if block.level), None),
        "language": document.language,
        "segment": segment_key(TASK, document.language, set_name),
        **{
            name: getattr(read.about, name) or None
            for name in ("licence", "attribution", "source_url", "topic", "grade")
        },
        **read.about.validity,
        "chunks": len(made.chunks),
        "pairs": made.pairs,
        "left_out": orjson.dumps(made.left_out, option=orjson.OPT_SORT_KEYS).decode(),
        "redacted": orjson.dumps(document.redacted, option=orjson.OPT_SORT_KEYS).decode(),
        "text": made.text,
    }
    return DraftDocument(row, chunks=made.chunks, examples=made.examples)


def _rejected(base: TableRow, error: RejectedError) -> DraftDocument:
    try:
        kind = format_of(base["path"])
    except RejectedError:
        kind = None
    return DraftDocument({**base, "reason": error.reason, "says": error.says, "format": kind})


def _of_set(text: bytes, name: str) -> DocumentMetadata:
    try:
        return read_sidecar(text.decode("utf-8", "replace"), f"{name}/{SET_FILE}")
    except RejectedError as error:
        raise DocumentSetError(error.says) from None  # it holds for every document, so nothing of the set can be read


def _bytes(lake: Lake, file: DocumentFile) -> bytes:
    if file.trouble is not None:
        raise RejectedError("metadata", f"{file.path}: {file.trouble}")
    with lake.fs.open(file.full, "rb") as handle:
        return handle.read()


def _hash(*parts: bytes) -> str:
    found = blake2b(digest_size=12)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()
