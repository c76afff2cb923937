"""Files to which a process appends one JSON object a line, while others read them: its progress and its metrics.

Each line reaches the operating system at once, so a reader sees it now and a kill loses none; a line that a kill tore is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from lyo_pipelines.json_types import RawRow


def append_json_line(path: Path, record: Mapping[str, object]) -> None:
    """Append one object; numbers may be numpy's."""
    with path.open("ab") as handle:
        handle.write(orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))


def read_json_lines(path: Path) -> list[RawRow]:
    """All whole lines so far, oldest first; none when there is no such file."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    return [record for line in lines if (record := _parsed(line)) is not None]


def last_json_line(path: Path) -> RawRow:
    """The newest whole line; {} while there is none."""
    try:
        lines = path.read_bytes().splitlines()[-3:]
    except OSError:
        return {}
    return next((record for line in reversed(lines) if (record := _parsed(line)) is not None), {})


def _parsed(line: bytes) -> RawRow | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
