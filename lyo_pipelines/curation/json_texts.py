"""Redacting JSON so that it stays JSON: texts of structured rows' answers and contexts are laid open, redacted, put back.

A finder that looked at the JSON itself could swallow a quotation mark with a link, and would never see what is escaped in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.row_texts import RedactedRows, redact_rows
from lyo_pipelines.curation.task_answers import read_answers

COLUMNS = ("answer", "original_answer", "context")
_BETWEEN = "\n\ue000\n"
"""Between two texts that are laid open: a private sign that no pattern of personal data crosses."""
_LONG_NUMBER = 8
"""Numbers with so many digits are looked at as well: they may be somebody's."""


def redact_structured_rows(frame: pl.DataFrame, config: CurationConfig) -> tuple[RedactedRows, pl.Series]:
    """Do redact_rows, keeping JSON whole; returns also which rows' structured answers are no longer valid after it."""
    rows = frame["structured"].arg_true()
    if not len(rows):
        return redact_rows(frame, config), pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    texts = {name: frame[name].gather(rows).to_list() for name in COLUMNS}
    opened = {name: list(map(_opened, column)) for name, column in texts.items()}
    redacted = redact_rows(_with(frame, rows, opened), config, profiles=frame["context"])
    closed = {
        name: [
            text if before == after else _closed(text, after, config)
            for text, before, after in zip(column, opened[name], redacted.frame[name].gather(rows), strict=True)
        ]
        for name, column in texts.items()
    }
    done = _with(redacted.frame, rows, closed)
    changed = [any(texts[name][at] != closed[name][at] for name in COLUMNS) for at in range(len(rows))]
    again = rows.filter(pl.Series(changed, dtype=pl.Boolean))
    broken = pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    if len(again):
        read = read_answers(done[again], Counter())
        broken = broken.scatter(again, read["invalid"].is_not_null())
    return RedactedRows(done, redacted.counts, redacted.rows_with_pii), broken


def _with(frame: pl.DataFrame, rows: pl.Series, columns: dict[str, list[str | None]]) -> pl.DataFrame:
    return frame.with_columns(
        frame[name].clone().scatter(rows, pl.Series(texts, dtype=pl.String)) for name, texts in columns.items()
    )


def _loaded(text: str | None) -> Any:
    """The JSON object or list of a text; None where it is anything else."""
    if text is None or text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _opened(text: str | None) -> str | None:
    shape = _loaded(text)
    return text if shape is None else _BETWEEN.join(_texts(shape))


def _closed(text: str | None, redacted: str | None, config: CurationConfig) -> str | None:
    shape = _loaded(text)
    if shape is None:
        return redacted
    from lyo_pipelines.curation.privacy.redact import redact_text

    parts, wanted = (redacted or "").split(_BETWEEN), list(_texts(shape))
    if len(parts) != len(wanted):  # something crossed the sign between two texts after all
        parts = [redact_text(one, config).text for one in wanted]
    return orjson.dumps(_put_back(shape, iter(parts))).decode()


def _texts(value: Any) -> Iterator[str]:
    """All keys, texts and long numbers of a JSON value, in one order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif _is_long(value):
        yield str(value)


def _put_back(value: Any, parts: Iterator[str]) -> Any:
    if isinstance(value, str):
        return next(parts)
    if isinstance(value, dict):
        return {next(parts): _put_back(one, parts) for one in value.values()}
    if isinstance(value, list):
        return [_put_back(one, parts) for one in value]
    if _is_long(value):
        text = next(parts)
        return value if text == str(value) else text
    return value


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and len(str(abs(value))) >= _LONG_NUMBER
