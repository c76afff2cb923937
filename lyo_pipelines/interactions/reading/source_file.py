"""One input file as it lies there: opening it (also compressed), its hash, its time. What is in it is container.py's to tell."""

from __future__ import annotations

import errno
import hashlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, cast

import fsspec
import pyarrow as pa

from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.unpacking import Bounded, unpacked
from lyo_pipelines.storage.byte_order_mark import Utf8Stream

_HASH_BLOCK = 1 << 20
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(?:::[A-Za-z][A-Za-z0-9+.\-]*)*://")
_CHAIN = re.compile(r"::[A-Za-z][A-Za-z0-9+.\-]*://|^[^/]*::")
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException, NotImplementedError)
"""What the readers of disks, networks and compressed files raise where the bytes are not what they should be."""


class Guarded:
    """A byte stream whose read errors (the disk, the network, a broken gzip) say that the input is at fault, not the lake."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read. Raises UnreadableFileError."""
        try:
            return self._stream.read(size)
        except BROKEN as error:
            raise UnreadableFileError(f"it cannot be read to its end: {error}") from error

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position. Raises UnreadableFileError."""
        try:
            return self._stream.seek(offset, whence)
        except ValueError as error:  # how a stream in memory or in a store says what a disk says with EINVAL
            raise OSError(errno.EINVAL, str(error)) from error
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno == errno.EINVAL:
                raise  # a place before the beginning: for the caller (the reader of zips looks there)
            raise UnreadableFileError(f"it cannot be read to its end: {error}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Decoded:
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
    """A file to read. fs, path: where it lies; size in bytes, as stored; mtime: seconds since 1970, None where nothing says it."""

    fs: Any
    path: str
    name: str
    size: int
    mtime: float | None

    @classmethod
    def at(cls, path: str, fs: Any | None = None) -> InputFile:
        """Look at a file. fs: where `path` is a plain path; without it, a local path or a URL.

        Raises UnreadableFileError when it is not there or no file.
        """
        where, path = _located(path) if fs is None else (fs, path)
        try:
            info = where.info(path)
        except OSError as error:
            raise UnreadableFileError(f"{plain_name(path)} cannot be opened: {error.strerror or error}") from error
        if info["type"] != "file":
            raise UnreadableFileError(f"{plain_name(path)} is no file")
        return cls(where, path, path.rstrip("/").rsplit("/", 1)[-1], int(info["size"] or 0), modified_time(info))

    @property
    def time(self) -> str | None:
        """Modification time as ISO 8601."""
        return None if self.mtime is None else datetime.fromtimestamp(self.mtime, UTC).isoformat()

    @contextmanager
    def raw(self) -> Iterator[IO[bytes]]:
        """The bytes as they are stored."""
        try:
            handle = self.fs.open(self.path, "rb")
        except OSError as error:
            raise UnreadableFileError(f"it cannot be opened: {error.strerror or error}") from error
        with handle:
            yield cast("IO[bytes]", Guarded(handle))

    @contextmanager
    def content(self) -> Iterator[IO[bytes]]:
        """The bytes, unpacked when the file is compressed (told by its first bytes, whatever its name)."""
        with self.raw() as handle, ExitStack() as stack:
            try:
                opened = unpacked(handle, stack)
            except BROKEN as error:
                raise UnreadableFileError(f"it cannot be unpacked: {error}") from error
            yield (
                opened
                if opened is handle
                else cast("IO[bytes]", Bounded(cast("IO[bytes]", Guarded(opened)), self.size))
            )

    @contextmanager
    def text(self) -> Iterator[IO[bytes]]:
        """The content as UTF-8 without a byte order mark; UTF-16 and UTF-32 are told by theirs."""
        with self.content() as handle:
            yield cast("IO[bytes]", Decoded(Utf8Stream(handle)))

    def sha256(self) -> str:
        """The first 32 hex digits (128 bits) of the stored bytes' SHA-256: the file's identity, whatever its name."""
        digest = hashlib.sha256()
        with self.raw() as handle:
            while block := handle.read(_HASH_BLOCK):
                digest.update(block)
        return digest.hexdigest()[:32]


def _located(path: str) -> tuple[Any, str]:
    """File system and path in it. A local name is a name, whatever signs of a URL stand in it."""
    if _URL.match(path) is None:
        return fsspec.filesystem("file"), path
    if _CHAIN.search(path) is None:
        fs = fsspec.filesystem(path.partition("://")[0])
        return fs, fs._strip_protocol(path)
    return fsspec.core.url_to_fs(path)


def plain_name(name: str) -> str:
    """A path as text that can be written anywhere: bytes that are no UTF-8 stand there as \\xff."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def modified_time(info: dict[str, Any]) -> float | None:  # each storage has names and types of its own
    """Modification time in seconds of an fsspec listing, whatever the storage calls it."""
    value = info.get("mtime") or info.get("LastModified") or info.get("updated") or info.get("created")
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value) if isinstance(value, (int, float)) else None
