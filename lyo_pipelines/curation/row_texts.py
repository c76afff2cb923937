"""Redacting all texts of rows together: a name that one text of a row gives away is replaced in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import orjson
import polars as pl
import regex

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.texts import distinct_texts, history_contents, spread_texts, with_contents

COLUMNS = (
    "question",
    "answer",
    "original_answer",
    "context",
    "system_prompt",
    "complaint_text",
    "reference_answer",
    "topic",
)
"""Text columns that may show personal data, besides the contents of `history`."""
_RESULTS = ("answer", "original_answer", "reference_answer")

_PEOPLE = frozenset({"user", "student", "teacher", "parent", "learner", "customer", "profile", "person"})


@dataclass(frozen=True)
class RedactedRows:
    """Rows without personal data; replacements by type; which rows had any."""

    frame: pl.DataFrame
    counts: Counter[str]
    rows_with_pii: pl.Series


def redact_rows(frame: pl.DataFrame, config: CurationConfig, profiles: pl.Series | None = None) -> RedactedRows:
    """Replace personal data in all text columns and the history of rows (INTERACTION columns).

    Each distinct text is analysed once. Then the names that were found in any text of a row, or that its metadata or a profile in
    its context knows, are replaced in the row's other texts as well ("My name is Asha" … "Well done, Asha").
    profiles: the contexts as they were, where the frame holds them in another form.
    """
    # here and not above: compiling all patterns takes most of a second, which every process of Dagster would pay
    from lyo_pipelines.curation.privacy.names import known_name_pattern
    from lyo_pipelines.curation.privacy.phones import known_phone_pattern
    from lyo_pipelines.curation.privacy.redact import redact_unique

    if not frame.height:
        return RedactedRows(frame, Counter(), pl.Series([], dtype=pl.Boolean))
    rows, roles, contents = history_contents(frame["history"])
    # a result, or one to check against, may be a long number and is nobody's phone
    results = {name: ~frame[name].str.contains(r"[\p{L}@]").fill_null(True) for name in _RESULTS}
    wordy = frame.with_columns(
        pl.when(number_only).then(None).otherwise(pl.col(name)).alias(name) for name, number_only in results.items()
    )
    columns = [*(wordy[name] for name in COLUMNS), contents]
    owner = [np.arange(frame.height)] * len(COLUMNS) + [rows.to_numpy()]
    texts, positions = distinct_texts(columns)
    found = redact_unique(texts, config)
    counts: Counter[str] = Counter()
    names: dict[int, set[str]] = {}
    phones: dict[int, set[str]] = {}
    touched = np.zeros(frame.height, bool)
    changed = np.zeros(len(texts), bool)
    changed[list(found)] = True
    for where, owners in zip(positions, owner, strict=True):
        for place in np.flatnonzero((where >= 0) & changed[where]):
            redacted = found[int(where[place])]
            row = int(owners[place])
            touched[row] = True
            counts.update(redacted.counts)
            if redacted.names:
                names.setdefault(row, set()).update(redacted.names)
            if redacted.phones:
                phones.setdefault(row, set()).update(redacted.phones)
    if found:
        texts = texts.scatter(list(found), [redacted.text for redacted in found.values()])
    done = [spread_texts(texts, where, column.name) for column, where in zip(columns, positions, strict=True)]
    for told in (frame["metadata"], frame["context"] if profiles is None else profiles):
        for row, known in _metadata_names(told, config).items():
            names.setdefault(row, set()).update(known)
    told_texts = _texts_of(done, owner, names)
    for kind, patterns in (
        ("PERSON", {row: known_name_pattern(sorted(known), told_texts[row]) for row, known in names.items()}),
        ("PHONE", {row: known_phone_pattern(known) for row, known in phones.items()}),
    ):
        _replace_known(done, owner, patterns, kind, counts, touched)
    *plain, contents = done
    history = with_contents(frame["history"], roles, contents)
    for name, number_only in results.items():
        place = COLUMNS.index(name)
        plain[place] = pl.select(pl.when(number_only).then(frame[name]).otherwise(plain[place])).to_series()
    clean = frame.with_columns(
        *(column.alias(name) for name, column in zip(COLUMNS, plain, strict=True)), history.alias("history")
    )
    return RedactedRows(clean, counts, pl.Series(touched))


def _metadata_names(metadata: pl.Series, config: CurationConfig) -> dict[int, set[str]]:
    """Row -> names that its metadata knows under one of `metadata_name_keys`, at any depth of one."""
    if not config.metadata_name_keys:
        return {}
    keys = "|".join((*config.metadata_name_keys, "name"))
    holds = metadata.str.contains(rf'(?i)"(?:{keys})"\s*:').fill_null(False)
    wanted = {key.lower() for key in config.metadata_name_keys}
    known: dict[int, set[str]] = {}
    for row in holds.arg_true():
        try:
            parsed = orjson.loads(metadata[row])
        except orjson.JSONDecodeError:  # free text that only looks like JSON
            continue
        if not isinstance(parsed, dict):
            continue
        # {"user": {"name": …}}: a bare "name" is a person's only there, elsewhere it names a call or a model
        people = [value for key, value in parsed.items() if key.lower() in _PEOPLE and isinstance(value, dict)]
        values = {
            v.strip()
            for level in (parsed, *people)
            for k, v in level.items()
            if k.lower() in wanted and isinstance(v, str)
        }
        values |= {
            v.strip() for level in people for k, v in level.items() if k.lower() == "name" and isinstance(v, str)
        }
        values = {value for value in values if 2 <= len(value) <= 60 and any(sign.isalpha() for sign in value)}
        if values:
            known[row] = values
    return known


def _texts_of(columns: list[pl.Series], owner: list[np.ndarray], rows: Iterable[int]) -> dict[int, list[str]]:
    """Row -> all its texts, for some rows."""
    texts: dict[int, list[str]] = {row: [] for row in rows}
    wanted = np.array(sorted(texts), dtype=np.int64)
    for column, owners in zip(columns, owner, strict=True):
        for place in np.flatnonzero(np.isin(owners, wanted)):
            text = column[int(place)]
            if text is not None:
                texts[int(owners[place])].append(text)
    return texts


def _replace_known(
    columns: list[pl.Series],
    owner: list[np.ndarray],
    patterns: Mapping[int, regex.Pattern[str] | None],
    kind: str,
    counts: Counter[str],
    touched: np.ndarray,
) -> None:
    """Replace what is known of each row (its pattern) in all its texts, in place of the list's columns."""
    wanted = np.array(sorted(patterns), dtype=np.int64)
    if not wanted.size:
        return
    for number, (column, owners) in enumerate(zip(columns, owner, strict=True)):
        places, replaced = [], []
        for place in np.flatnonzero(np.isin(owners, wanted)):
            text, row = column[int(place)], int(owners[place])
            pattern = patterns[row]
            if text is None or pattern is None:
                continue
            clean, times = pattern.subn(f"<{kind}>", text)
            if times:
                places.append(int(place))
                replaced.append(clean)
                counts[kind] += times
                touched[row] = True
        if places:
            columns[number] = column.clone().scatter(places, replaced)
