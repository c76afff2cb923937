"""A checksum of a Parquet file's footer, where names, types and counts stand.

The format has one for each page and none for the footer: a flipped bit there turns a column into one of another name, which reads as
empty.

Eight bytes before the footer: a mark, and its CRC-32. No offset of the file points there, so every other reader passes over them.
"""

from __future__ import annotations

from typing import BinaryIO
from zlib import crc32

_MAGIC = b"PAR1"
_MARK = b"LYOF"
_TRAILER = 8
"""Bytes after the footer: its length (little-endian), and the magic."""
_SEAL = 8


def seal_footer(file: BinaryIO) -> None:
    """Put the checksum into a file that was just written (opened to read and write). What is no Parquet file stays as it is."""
    if (found := _footer(file)) is None:
        return
    start, footer = found
    file.seek(start)
    file.write(_MARK + crc32(footer).to_bytes(4, "little") + footer)
    file.truncate()


def footer_is_damaged(file: BinaryIO) -> bool:
    """Whether the footer is another one than was written; False where the file has no such checksum."""
    if (found := _footer(file)) is None:
        return False
    start, footer = found
    if start < _SEAL:
        return False
    file.seek(start - _SEAL)
    seal = file.read(_SEAL)
    return seal[:4] == _MARK and int.from_bytes(seal[4:], "little") != crc32(footer)


def _footer(file: BinaryIO) -> tuple[int, bytes] | None:
    """Where the footer begins, and its bytes to the end of the file; None where there is none."""
    size = file.seek(0, 2)
    if size < _TRAILER + len(_MAGIC):
        return None
    file.seek(size - _TRAILER)
    trailer = file.read(_TRAILER)
    start = size - _TRAILER - int.from_bytes(trailer[:4], "little")
    if trailer[4:] != _MAGIC or start < len(_MAGIC):
        return None
    file.seek(start)
    return start, file.read(size - start)
