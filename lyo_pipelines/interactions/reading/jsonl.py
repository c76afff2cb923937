"""Lines of JSON to rows: strict and fast first, then lenient, then rejected with the reason."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

import numpy as np
import orjson

from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines.storage.byte_order_mark import byte_order_mark

_MANY_DIGITS = re.compile(rb"[0-9]{20}")


def parse_lines(lines: Lines, max_row_bytes: int) -> RowBlock:
    """Parse each line as one JSON object; blank lines are no rows."""
    block = RowBlock()
    if lines.too_long:
        block.bad.append(_too_long(lines.first, lines.data, lines.too_long))
        return block
    rows, numbers, number = block.rows, block.lines, lines.first - 1
    loads = _loads_exactly if _has_many_digits(lines.data) else orjson.loads
    for line in lines.data.split(b"\n"):
        number += 1
        if len(line) > max_row_bytes:
            block.bad.append(_too_long(number, line[:max_row_bytes], len(line)))
            continue
        try:
            row = loads(line)
        except orjson.JSONDecodeError as error:
            if not line.strip():
                continue
            row = _lenient(line)
            if row is None:
                reason, detail = _why(line, error)
                block.bad.append(BadRow(number, reason, detail, line, len(line)))
                continue
        if type(row) is dict:
            rows.append(row)
            numbers.append(number)
        else:
            detail = f"expected a JSON object, found {type(row).__name__}"
            block.bad.append(BadRow(number, "not_an_object", detail, line, len(line)))
    return block


def _loads_exactly(line: bytes) -> Any:
    """A line that may hold a whole number beyond 64 bits: orjson makes a float of it, and of two ids one."""
    row = _lenient(line) if _MANY_DIGITS.search(line) else None
    return orjson.loads(line) if row is None else row


def _has_many_digits(data: bytes) -> bool:
    """Whether twenty digits may stand in a row somewhere: then each fifth byte of them is one, four times running."""
    is_digit = np.frombuffer(data, np.uint8)[4::5] - ord("0") < 10
    four = is_digit[:-3] & is_digit[1:-2] & is_digit[2:-1] & is_digit[3:]
    return bool(four.any())


def _too_long(number: int, head: bytes, size: int) -> BadRow:
    return BadRow(number, "row_too_long", f"{size} bytes; the limit is interactions.max_row_bytes", head, size)


def _lenient(line: bytes) -> Any:
    """What Python's own reader takes: NaN, lone surrogates, huge numbers, a UTF-8 mark. None when that fails too.

    It is given text: of bytes it would guess the encoding, line by line.
    """
    try:
        return json.loads(line.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def _why(line: bytes, error: orjson.JSONDecodeError) -> tuple[str, str]:
    """Reason and detail of a line that is no JSON."""
    detail = str(error).partition(": line")[0]
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        mark = byte_order_mark(line)
        named = (
            f"the line begins with the byte order mark of {mark.encoding.upper()}, the file does not"
            if mark
            else detail
        )
        return "broken_utf8", named
    return "broken_json", detail
