"""The language of rows that do not say it: told from their text, and noted; never a silent default."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.json_types import RawRow
from lyo_pipelines.languages.codes import language_code
from lyo_pipelines.languages.scripts import SCRIPTS, scripts_of
from lyo_pipelines.languages.written import LanguageThresholds, written_language

FROM_TEXT = "language: told from the text, as the row says none"
_SCRIPTED = frozenset(code for script, codes in SCRIPTS.items() if script != "Latin" for code in codes)
CONFIGURED = "language: the configured one, as neither the row nor its text tells it"


def tell_languages(rows: Sequence[RawRow], default: str | None, thresholds: LanguageThresholds) -> None:
    """Set the language of canonical rows without one: that of the question, else of question and answer, else the default."""
    silent = [row for row in rows if _is_silent(row.get("language"))]
    if not silent:
        return
    questions = [_text(row, "question") for row in silent]
    told = _told(questions, thresholds)
    rest = [index for index, found in enumerate(told) if not found]  # most questions tell it by themselves
    both = ["\n".join((questions[index], _text(silent[index], "answer"))) for index in rest]
    for index, found in zip(rest, _told(both, thresholds) if rest else (), strict=True):
        told[index] = found
    for row, found in zip(silent, told, strict=True):
        row["language"] = found
        if found:
            note(row, FROM_TEXT)
    untold = [index for index, found in enumerate(told) if not found] if default else []
    scripts = scripts_of(pl.Series([questions[index] for index in untold], dtype=pl.String))
    for index, script in zip(untold, scripts, strict=True):
        if default and _may_be(default, script):
            silent[index]["language"] = default
            note(silent[index], CONFIGURED)


def _may_be(language: str, script: str | None) -> bool:
    """Whether a text in a script may be in a language: a default never stands over a text in another script."""
    return script is None or language in SCRIPTS[script] or (script == "Latin" and language not in _SCRIPTED)


def _is_silent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not language_code(value))


def _text(row: RawRow, name: str) -> str:
    value = row.get(name)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _told(texts: list[str], thresholds: LanguageThresholds) -> list[str]:
    column = pl.Series("text", texts, dtype=pl.String)
    return written_language(column, pl.repeat("", len(texts), dtype=pl.String, eager=True), thresholds).to_list()
