"""Bytes of a text file -> text. A wrong guess would be learnt by heart, so what is not clearly text is refused."""

from __future__ import annotations

import re

from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.storage.byte_order_mark import byte_order_mark

_DECLARED = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)|<\?xml[^>]+encoding=["']([A-Za-z0-9_:.-]+)"""
)
_FEW = 0.1  # old Western files have a few accents and quotation marks among plain ASCII


def decode_text(data: bytes, *, html: bool = False) -> str:
    """The text of a file: UTF-8, UTF-16 or UTF-32 with its mark, what an HTML page declares, or plain Western text.

    Western text has few signs beyond ASCII. Raises RejectedError("encoding") for anything else.
    """
    if mark := byte_order_mark(data):
        return _decoded(data[mark.size :], mark.encoding)
    try:
        return _decoded(data, "utf-8")
    except RejectedError:
        declared = _DECLARED.search(data[:4096]) if html else None
        if declared:
            return _decoded(data, (declared[1] or declared[2]).decode("ascii"))
        foreign = sum(byte > 127 for byte in data)
        if foreign <= _FEW * len(data):
            return _decoded(data, "cp1252")
        raise


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode(name)
    except (UnicodeDecodeError, LookupError) as error:
        raise RejectedError("encoding", str(error)[:120]) from None
    if "\x00" in text:
        raise RejectedError("encoding", "it holds binary data")
    return text
