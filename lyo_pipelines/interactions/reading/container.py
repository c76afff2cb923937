"""Which container a file is (JSON lines, other JSON, CSV, Parquet, Arrow), told by its content first and then by its name."""

from __future__ import annotations

import io
from typing import Literal

import orjson

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.json_envelope import envelope_around
from lyo_pipelines.interactions.reading.source_file import Decoded, InputFile
from lyo_pipelines.storage.byte_order_mark import Utf8Stream, unmarked_wide_encoding

Container = Literal["jsonl", "json", "csv", "parquet", "arrow"]
_HEAD = 64 * 1024
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zstd", ".zip")
_ARROW_FILE, _ARROW_STREAM = b"ARROW1", b"\xff\xff\xff\xff"
_FOREIGN = {
    b"PARE": "an encrypted Parquet file: write it without encryption",
    b"FEA1": "a Feather file of version 1: write it with version 2, or as Parquet",
    b"SQLite format 3\x00": "an SQLite database: export the table as JSON lines or CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file: save it as CSV UTF-8",
    b"%PDF-": "a PDF: documents belong into data/documents/<set>/",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!": "a RAR archive: unpack it",
    b"ORC": "an ORC file: write it as Parquet",
    b"Obj\x01": "an Avro file: write it as JSON lines or Parquet",
    b"\x89HDF": "an HDF5 file: write it as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array: write it as Parquet or CSV",
    b"PGDMP": "a PostgreSQL dump: export the table as CSV (\\copy … csv header)",
}
_TAR = (257, b"ustar")
_CONTROL = frozenset(range(9))
"""Bytes that no text holds: a CSV may begin with the letters of a magic number (ORCID, PARENT_ID)."""


def container_of(source: InputFile) -> Container:
    """The container of a file. Raises UnreadableFileError, which says what it is instead and what to do."""
    with source.content() as handle:
        head = _filled(handle)
    if not head:
        raise UnreadableFileError("the file is empty")
    if binary := _binary(head):
        return binary
    if wide := unmarked_wide_encoding(head):
        raise UnreadableFileError(
            f"the text is {wide.upper()} without a byte order mark: convert it to UTF-8 (iconv -f {wide.upper()} -t UTF-8)"
        )
    text = Decoded(Utf8Stream(io.BytesIO(head))).read(_HEAD).lstrip()
    if not text:
        raise UnreadableFileError("the file is empty")
    return _textual(text, _suffix(source.name))


def _filled(handle: object) -> bytes:
    """The first bytes: a compressed stream may give fewer at once than it has."""
    head = b""
    while len(head) < _HEAD and (more := handle.read(_HEAD - len(head))):  # type: ignore[attr-defined]
        head += more
    return head


def _suffix(name: str) -> str:
    name = name.lower()
    while name.endswith(_COMPRESSED):
        name = name.rpartition(".")[0]
    return name.rpartition(".")[2] if "." in name else ""


def _binary(head: bytes) -> Container | None:
    binary = not _CONTROL.isdisjoint(head)
    if head[:4] == b"PAR1" and binary:
        return "parquet"
    if head.startswith((_ARROW_FILE, _ARROW_STREAM)):
        return "arrow"
    for magic, what in _FOREIGN.items():
        if head.startswith(magic) and (binary or magic == b"%PDF-"):
            raise UnreadableFileError(f"it is {what}")
    if head[_TAR[0] : _TAR[0] + len(_TAR[1])] == _TAR[1]:
        raise UnreadableFileError("it is a tar archive: unpack it, so that each file is read by itself")
    return None


def _textual(text: bytes, suffix: str) -> Container:
    first_line, _, after = text.partition(b"\n")
    if text[:1] in (b"{", b"[") and not (suffix in ("csv", "tsv") and not _begins_json(text)):
        return _json_kind(first_line, after)
    if suffix == "parquet":
        raise UnreadableFileError("it is named .parquet but does not begin like one: it is damaged or something else")
    if suffix in ("csv", "tsv"):
        return "csv"
    if text[:1] == b"<":
        raise UnreadableFileError(
            "it is HTML or XML: an error page of the export, perhaps. Export JSON lines, CSV or Parquet"
        )
    has_columns = (
        any(sign in first_line.partition(b"\r")[0] for sign in (b",", b";", b"\t", b"|")) and b"\x00" not in text
    )
    if suffix in ("jsonl", "ndjson", "json"):
        return "csv" if has_columns and b"\n{" not in text and text[:1] != b'"' and b":" not in first_line else "jsonl"
    if has_columns:
        return "csv"
    raise UnreadableFileError(
        "neither JSON lines, nor CSV, nor Parquet: name it .jsonl, .csv or .parquet if it is one of them"
    )


def _begins_json(text: bytes) -> bool:
    """Whether a text that begins with a bracket goes on like JSON (a CSV's first name may have brackets)."""
    return text[1:].lstrip()[:1] in ((b'"', b"}") if text[:1] == b"{" else (b"{", b"]"))


def _json_kind(first_line: bytes, after: bytes) -> Container:
    """JSON lines where the first line is one object (or a broken one); any other layout is told by how the text goes on."""
    if first_line[:1] == b"[":
        inside = first_line[1:].strip()
        arrays = _loads(first_line) is not None and inside[:1] not in (b"{", b"]") and after.lstrip()[:1] == b"["
        return "jsonl" if arrays else "json"
    line = first_line.rstrip()
    if envelope_around(first_line):
        return "json"
    if _loads(line) is not None:
        return "jsonl"
    if line.endswith(b"},") and _loads(line[:-1]) is not None:
        return "json"
    goes_on = after.lstrip()[:1]
    if line.endswith((b"{", b"[", b":", b",")) and goes_on in (b'"', b"}"):
        return "json"
    return "json" if line.endswith((b"[", b":")) and goes_on in (b"{", b"[") else "jsonl"


def _loads(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
