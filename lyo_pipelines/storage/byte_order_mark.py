"""Text whose first bytes name its encoding (a byte order mark) -> UTF-8. Text without a mark is taken as UTF-8: nothing is guessed."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import IO

_READ = 1 << 20


@dataclass(frozen=True)
class ByteOrderMark:
    """A mark: the encoding it names, and its own length in bytes."""

    encoding: str
    size: int


_MARKS = {
    # UTF-32 first: its little-endian mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: ByteOrderMark("utf-32-le", 4),
    codecs.BOM_UTF32_BE: ByteOrderMark("utf-32-be", 4),
    codecs.BOM_UTF8: ByteOrderMark("utf-8", 3),
    codecs.BOM_UTF16_LE: ByteOrderMark("utf-16-le", 2),
    codecs.BOM_UTF16_BE: ByteOrderMark("utf-16-be", 2),
}
LONGEST_MARK = 4


def byte_order_mark(head: bytes) -> ByteOrderMark | None:
    """The mark that a text begins with."""
    return next((mark for signature, mark in _MARKS.items() if head.startswith(signature)), None)


def unmarked_wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 when the first characters can only be ASCII letters and signs written in it without a mark, else None."""
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        try:
            text = head[:8].decode(encoding)
        except UnicodeDecodeError:
            continue
        if text and all(sign.isprintable() or sign.isspace() for sign in text) and text.isascii():
            return encoding
    return None


class Utf8Stream:
    """A byte stream of text, read as UTF-8 without its mark, whatever encoding the mark names.

    `read` raises UnicodeDecodeError where the bytes are not in the encoding of their mark; bytes of UTF-8 are passed on as they are.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        head = b""
        while len(head) < LONGEST_MARK and (more := stream.read(LONGEST_MARK - len(head))):
            head += more
        self.mark = byte_order_mark(head)
        self._pending = head[self.mark.size :] if self.mark else head
        wide = self.mark is not None and self.mark.encoding != "utf-8"
        # a lone surrogate is passed on: it spoils its own row, not the file
        self._decoder = (
            codecs.getincrementaldecoder(self.mark.encoding)("surrogatepass") if self.mark and wide else None
        )

    def read(self, size: int = -1) -> bytes:
        """About `size` bytes of UTF-8 (-1: all of them), empty only at the end."""
        if size < 0:
            parts = iter(lambda: self.read(_READ), b"")
            return b"".join(parts)
        while True:
            raw = self._pending + self._stream.read(max(size - len(self._pending), 1))
            at_end, self._pending = len(raw) == 0, b""
            if self._decoder is None:
                return raw
            text = self._decoder.decode(raw, final=at_end)
            if text or at_end:
                return text.encode("utf-8", "surrogatepass")
