"""Whether an object is only a wrapper around rows: `{"data": [{…}, …], "meta": {…}}`, as APIs and exports write."""

from __future__ import annotations

import re

import orjson

from lyo_pipelines.interactions.reading.json_brackets import BracketScanner

ROWS = frozenset(
    (
        *(
            "data",
            "rows",
            "items",
            "results",
            "result",
            "records",
            "list",
            "value",
            "hits",
            "entries",
            "dataset",
            "examples",
        ),
        *(
            "traces",
            "observations",
            "scores",
            "runs",
            "spans",
            "interactions",
            "logs",
            "chats",
            "requests",
            "generations",
        ),
        *("feedback", "feedbacks", "train", "test", "validation"),
    )
)
"""Names under which an envelope holds its rows."""
_BESIDE = frozenset(
    (
        *(
            "object",
            "type",
            "kind",
            "version",
            "schema",
            "schema_version",
            "features",
            "partial",
            "description",
            "summary",
        ),
        *(
            "count",
            "total",
            "total_count",
            "totalcount",
            "totalitems",
            "num_rows_total",
            "num_rows_per_page",
            "num_rows",
        ),
        *(
            "page",
            "pages",
            "totalpages",
            "limit",
            "offset",
            "size",
            "next",
            "previous",
            "prev",
            "next_page",
            "nextpage",
        ),
        *("cursor", "cursors", "next_cursor", "nextcursor", "next_page_token", "nextpagetoken", "first_id", "last_id"),
        *("has_more", "hasmore", "pagination", "paging", "links", "_links", "meta", "metadata", "info"),
        *("filters", "query", "params", "status", "success", "ok", "error", "errors", "code", "message", "took"),
        *("exported_at", "exportedat", "export_date", "generated_at", "generatedat"),
        *("@odata.context", "@odata.count", "@odata.nextlink"),
    )
)
"""Names of what an envelope says of itself. Any other name beside the rows makes the object a row: nothing of it may be dropped."""
_NAME = re.compile(rb'[\s,]*("(?:[^"\\\n]|\\.)*")\s*:\s*', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[^,\]}\s"\[{]+')
_ROWS_BEGIN = re.compile(rb"\[\s*(?:\{|\]\s*[,}])")


def envelope_around(beginning: bytes) -> bool | None:
    """Whether the object that begins here holds rows in an array; None when its beginning does not say it yet.

    Where the array ends beyond what is given, what stands before it decides.
    """
    at, found = 1, False
    while True:
        name = _NAME.match(beginning, at)
        if name is None:
            rest = beginning[at:].strip(b" \t\r\n,")[:1]
            return found if rest == b"}" else None if rest in (b"", b'"') else False
        at = name.end()
        if at == len(beginning):
            return found or None
        if is_rows(name.group(1)) and beginning[at : at + 1] == b"[":
            if not beginning[at + 1 :].strip():
                return found or None
            if not _ROWS_BEGIN.match(beginning, at):
                return False
            found = True
        elif not is_beside(name.group(1)):
            return False
        end = _skipped(beginning, at)
        if end is None:
            return found or None
        at = end


def is_rows(name: bytes) -> bool:
    """Whether a name (with its quotes) is one under which an envelope holds its rows."""
    return _text(name).lower() in ROWS


def is_beside(name: bytes) -> bool:
    """Whether a name (with its quotes) is one of what an envelope says of itself."""
    return _text(name).lower() in _BESIDE


def _skipped(text: bytes, at: int) -> int | None:
    """Where the value at `at` ends; None when that is not in sight."""
    if text[at : at + 1] in (b"[", b"{"):
        end, ended = BracketScanner().scan(text, at)
        return end if ended else None
    found = _SCALAR.match(text, at)
    return found.end() if found and found.end() < len(text) else None


def _text(name: bytes) -> str:
    try:
        return str(orjson.loads(name))
    except orjson.JSONDecodeError:
        return ""
