"""Lines of JSON to rows: strict and fast first, then lenient, then rejected with the reason."""

from __future__ import annotations

import codecs
import json
from typing import Any

import orjson

from lyo_pipelines.interactions.reading.block import BadRow, RowBlock
from lyo_pipelines.interactions.reading.lines import Lines
from lyo_pipelines.storage.byte_order_mark import byte_order_mark


def parse_lines(lines: Lines, max_row_bytes: int) -> RowBlock:
    """Parse each line as one JSON object; blank lines are no rows."""
    block = RowBlock()
    if lines.too_long:
        block.bad.append(_too_long(lines.first, lines.data, lines.too_long))
        return block
    rows, numbers, loads, number = block.rows, block.lines, orjson.loads, lines.first - 1
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
