"""Compressed files to their bytes: gzip, bzip2, xz, zstd, and a zip that holds one file. Told by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import zipfile
from contextlib import ExitStack
from typing import IO, Any, cast

import pyarrow as pa

from lyo_pipelines.interactions.errors import UnreadableFileError

_HEAD = 8
_DEPTH = 3
"""A gzip in a zip is seen; more layers than this are no log."""
_SHOWN = 5
PICTURES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif")
"""Endings of files that are no data of their own: they belong to an export beside them."""
_ZSTD = b"\x28\xb5\x2f\xfd"
_OFFICE = {
    "xl/": "an Excel workbook: save it as CSV UTF-8",
    "word/": "a Word document: documents belong into data/documents/<set>/, as text, HTML or PDF",
    "content.xml": "an office document: save its sheet as CSV UTF-8",
}


def unpacked(handle: IO[bytes], stack: ExitStack) -> IO[bytes]:
    """The bytes inside a seekable stream; itself when it is not compressed. What is opened is closed with `stack`.

    Raises UnreadableFileError for a zip that does not hold exactly one file.
    """
    for _ in range(_DEPTH):
        head = handle.read(_HEAD)
        handle.seek(0)
        inner = _opened(handle, head)
        if inner is None:
            return handle
        handle = stack.enter_context(inner)
    return handle


def compression(head: bytes) -> str | None:
    """The name of the compression that a file begins with, or None."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh" and head[3:4].isdigit():
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == _ZSTD or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    return "zip" if head[:4] in (b"PK\x03\x04", b"PK\x05\x06") else None


def _opened(handle: IO[bytes], head: bytes) -> Any:
    kind = compression(head)
    if kind == "gzip":
        return gzip.GzipFile(fileobj=handle, mode="rb")
    if kind == "bzip2":
        return bz2.BZ2File(handle, "rb")
    if kind == "xz":
        return lzma.LZMAFile(handle, "rb")
    if kind == "zstd":
        return _Zstd(handle)
    return _only_file(handle) if kind == "zip" else None


MOST_UNPACKED, MOST_TIMES = 1 << 28, 200
"""A file may unpack to so many bytes, or to so many times its own size: logs have up to 50 times, a bomb a thousand."""


def check_unpacked(unpacked_bytes: int, stored_bytes: int) -> None:
    """Raises UnreadableFileError for a file that is packed as no log is. stored_bytes: 0 where a storage does not say it."""
    if stored_bytes and unpacked_bytes > max(MOST_UNPACKED, MOST_TIMES * stored_bytes):
        raise UnreadableFileError(
            f"it unpacks to more than {MOST_TIMES} times its size ({stored_bytes:,} bytes): no log does. If it is one, unpack it first"
        )


class Bounded(io.RawIOBase):
    """An unpacked stream that ends with an error where a bomb would go on. size: of the file as stored."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._size, self._at = stream, size, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """As the stream inside."""
        return self._stream.seekable()

    def read(self, size: int = -1) -> bytes:
        """Read. Raises UnreadableFileError."""
        data = self._stream.read(size)
        self._at += len(data)
        check_unpacked(self._at, self._size)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position. Raises UnreadableFileError."""
        self._at = self._stream.seek(offset, whence)
        check_unpacked(self._at, self._size)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._stream.tell()


class _Shared(io.RawIOBase):
    """A stream for one reader of several: closing it leaves the stream open."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._handle.read(size)


class _Zstd(io.RawIOBase):
    """A zstd stream as a file that can go back to its beginning (and forward by reading)."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle
        self._at = 0
        self._inner = self._start()

    def _start(self) -> pa.CompressedInputStream:
        self._handle.seek(0)
        return pa.CompressedInputStream(pa.PythonFile(_Shared(self._handle), mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._inner.read(None if size < 0 else size)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableFileError(f"it cannot be read to its end: {error}") from error
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            while self.read(1 << 20):
                pass
            offset += self._at
        elif whence == io.SEEK_CUR:
            offset += self._at
        if offset < self._at:
            self._inner, self._at = self._start(), 0
        while self._at < offset and self.read(min(offset - self._at, 1 << 20)):
            pass
        return self._at

    def tell(self) -> int:
        return self._at


def _only_file(handle: IO[bytes]) -> IO[bytes]:
    """The one data file of a zip; pictures beside it are none (beside.py)."""
    archive = zipfile.ZipFile(handle)
    names = [info.filename for info in archive.infolist()]
    for sign, what in _OFFICE.items():
        if any(name.startswith(sign) for name in names):
            raise UnreadableFileError(f"it is {what}")
    files = [info for info in archive.infolist() if not info.is_dir() and not _is_no_data(info.filename)]
    if len(files) != 1:
        shown = ", ".join(info.filename for info in files[:_SHOWN]) + (" …" if len(files) > _SHOWN else "")
        found = f"{len(files)} files ({shown})" if files else "no file"
        raise UnreadableFileError(f"it is a zip of {found}: unpack it, so that each file is read by itself")
    if files[0].flag_bits & 0x1:
        raise UnreadableFileError("it is a zip with a password: unpack it")
    return cast("IO[bytes]", archive.open(files[0]))


def _is_no_data(name: str) -> bool:
    hidden = name.startswith("__MACOSX/") or posixpath.basename(name).startswith(".")
    return hidden or name.lower().endswith(PICTURES)
