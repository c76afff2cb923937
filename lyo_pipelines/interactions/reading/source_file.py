"""One input file as it lies there: opening it (also gzipped), its hash, its time, its container."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Literal, cast

import fsspec

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.storage.byte_order_mark import Utf8Stream, unmarked_wide_encoding

Container = Literal["jsonl", "csv", "parquet"]
_HASH_BLOCK = 1 << 20
_HEAD = 64 * 1024


class _Guarded:
    """A byte stream whose read errors (the disk, the network, a broken gzip) say that the input is at fault, not the lake."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read. Raises UnreadableFileError."""
        try:
            return self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"it cannot be read to its end: {error}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Decoded:
    """A text stream whose bytes are not in the encoding that their mark names says so of the file."""

    def __init__(self, stream: Utf8Stream) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read. Raises UnreadableFileError."""
        try:
            return self._stream.read(size)
        except UnicodeDecodeError as error:
            raise UnreadableFileError(
                f"its byte order mark says {error.encoding.upper()}, and its bytes are not: {error.reason}. "
                "Save it as UTF-8"
            ) from error


@dataclass(frozen=True)
class InputFile:
    """A file to read. path: local or an fsspec URL. mtime: seconds since 1970, None where the storage does not say."""

    path: str
    name: str
    size: int
    mtime: float | None

    @classmethod
    def at(cls, path: str) -> InputFile:
        """Look at a file. Raises UnreadableFileError when it is not there or no file."""
        fs, inner = fsspec.core.url_to_fs(path)
        try:
            info = fs.info(inner)
        except OSError as error:
            raise UnreadableFileError(f"{inner} cannot be opened: {error.strerror or error}") from error
        if info["type"] != "file":
            raise UnreadableFileError(f"{inner} is no file")
        return cls(path, inner.rstrip("/").rsplit("/", 1)[-1], int(info["size"] or 0), modified_time(info))

    @property
    def time(self) -> str | None:
        """Modification time as ISO 8601."""
        return None if self.mtime is None else datetime.fromtimestamp(self.mtime, UTC).isoformat()

    @contextmanager
    def raw(self) -> Iterator[IO[bytes]]:
        """The bytes as they are stored."""
        fs, inner = fsspec.core.url_to_fs(self.path)
        try:
            handle = fs.open(inner, "rb")
        except OSError as error:
            raise UnreadableFileError(f"it cannot be opened: {error.strerror or error}") from error
        with handle:
            yield cast("IO[bytes]", _Guarded(handle))

    @contextmanager
    def content(self) -> Iterator[IO[bytes]]:
        """The bytes, unpacked when the file is gzipped."""
        with self.raw() as handle:
            magic = handle.read(2)
            handle.seek(0)
            if magic == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=handle, mode="rb") as unpacked:
                    yield cast("IO[bytes]", _Guarded(unpacked))
            else:
                yield handle

    @contextmanager
    def text(self) -> Iterator[IO[bytes]]:
        """The content as UTF-8 without a byte order mark; UTF-16 and UTF-32 are told by theirs."""
        with self.content() as handle:
            yield cast("IO[bytes]", _Decoded(Utf8Stream(handle)))

    def sha256(self) -> str:
        """The first 32 hex digits (128 bits) of the stored bytes' SHA-256: the file's identity, whatever its name."""
        digest = hashlib.sha256()
        with self.raw() as handle:
            while block := handle.read(_HASH_BLOCK):
                digest.update(block)
        return digest.hexdigest()[:32]

    def container(self) -> Container:
        """JSONL, CSV or Parquet, told by the first bytes and then by the name. Raises UnreadableFileError."""
        with self.content() as handle:
            head = handle.read(_HEAD)
        if head[:4] == b"PAR1":
            return "parquet"
        if wide := unmarked_wide_encoding(head):
            raise UnreadableFileError(
                f"the text is {wide.upper()} without a byte order mark: convert it to UTF-8 (iconv -f {wide.upper()} -t UTF-8)"
            )
        stripped = _Decoded(Utf8Stream(io.BytesIO(head))).read(_HEAD).lstrip()
        if not stripped:
            raise UnreadableFileError("the file is empty")
        suffixes = self.name.lower().removesuffix(".gz").rsplit(".", 1)
        suffix = suffixes[-1] if len(suffixes) > 1 else ""
        if suffix in ("csv", "tsv"):
            return "csv"
        if suffix == "parquet":
            raise UnreadableFileError(
                "it is named .parquet but does not begin like one: it is damaged or something else"
            )
        if stripped[:1] == b"[":
            raise UnreadableFileError(
                "it is one JSON array: write one object per line (jq -c '.[]' file.json > file.jsonl)"
            )
        if suffix in ("jsonl", "ndjson", "json") or stripped[:1] == b"{":
            return "jsonl"
        if b"," in stripped.partition(b"\n")[0] and b"\x00" not in head:
            return "csv"
        raise UnreadableFileError(
            "neither JSON lines, nor CSV, nor Parquet: name it .jsonl, .csv or .parquet if it is one of them"
        )


def modified_time(info: dict[str, Any]) -> float | None:  # each storage has names and types of its own
    """Modification time in seconds of an fsspec listing, whatever the storage calls it."""
    value = info.get("mtime") or info.get("LastModified") or info.get("updated") or info.get("created")
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) else None
