"""What is said of a document beside its text: front matter, a YAML file beside it, one for the whole set, credits at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import yaml

from lyo_pipelines.bounded_yaml import STRANGE_CHARACTERS, UnboundedYamlError, read_bounded_yaml
from lyo_pipelines.documents.contract import DocumentMetadata, RejectedError, TextBlock
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.validity import is_academic_year

SET_FILE = "set.yaml"
"""Holds for every document of its set."""
SIDECAR = ".meta.yaml"
"""`light.pdf.meta.yaml` holds for light.pdf."""

_NAMES = {
    "title": "title", "language": "language", "lang": "language", "licence": "licence", "license": "licence",
    "attribution": "attribution", "author": "attribution", "authors": "attribution", "credit": "attribution",
    "source": "source_url", "source_url": "source_url", "url": "source_url", "date": "date", "updated": "date",
    "topic": "topic", "grade": "grade", "class": "grade", "board": "board", "edition": "edition",
    "academic_year": "academic_year", "academic_years": "academic_year", "valid_from": "valid_from", "valid_until": "valid_until",
}  # fmt: skip
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LINE = re.compile(r"^(?P<key>[A-Za-z_ ]{2,20}):[ \t]*(?P<value>\S.*)$")
_CREDIT = re.compile(
    r"^[-*]?\s*(?P<key>licen[cs]e|text|story|words|author|written by|illustrations?|illustrator|pictures|photographs?|translation"
    r"|translator|translated by|language|copyright|attribution|source|original(?: story)?|editor|publisher)\s*:\s*(?P<value>\S.*)$",
    re.IGNORECASE,
)


def front_matter(text: str) -> tuple[DocumentMetadata, str]:
    """What the YAML between `---` lines at the beginning says, and the text without it. Raises RejectedError("metadata")."""
    found = _FRONT.match(text)
    if not found:
        return DocumentMetadata(), text
    try:
        values = read_bounded_yaml(found["yaml"], STRANGE_CHARACTERS)
    except UnboundedYamlError as error:
        raise RejectedError("metadata", f"front matter: {error}") from None
    except yaml.YAMLError:  # "title: Light: a story" is no YAML and still clear
        values = None
    if not isinstance(values, dict):
        lines = [_LINE.match(line) for line in found["yaml"].splitlines()]
        values = {line["key"]: line["value"] for line in lines if line}
        if not values:
            return DocumentMetadata(), text  # two rules with prose between them
    return _about(values), text[found.end() :]


def read_sidecar(text: str, name: str) -> DocumentMetadata:
    """What a YAML file beside a document says. Raises RejectedError("metadata")."""
    try:
        values = read_bounded_yaml(text, STRANGE_CHARACTERS) or {}
    except yaml.YAMLError as error:
        raise RejectedError("metadata", f"{name} ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise RejectedError("metadata", f"{name} holds no names and values")
    return _about(values)


def credits_at_end(blocks: list[TextBlock]) -> tuple[DocumentMetadata, list[TextBlock]]:
    """The credits that end many open texts ("License: …", "Text: …", "Language: …"), and the blocks without them.

    Last blocks count as credits when each of their lines is one and a licence or a language is among them.
    """
    said: dict[str, str] = {}
    first = len(blocks)
    while first and not blocks[first - 1].level and (found := _credits(blocks[first - 1].text)):
        said = {**found, **said}
        first -= 1
    if not said.keys() & {"licence", "language"}:
        return DocumentMetadata(), blocks
    people = "; ".join(
        f"{key.capitalize()}: {value}" for key, value in said.items() if key not in {"licence", "language"}
    )
    return DocumentMetadata(
        licence=said.get("licence", ""), language=said.get("language", ""), attribution=people
    ), blocks[:first]


def _credits(text: str) -> dict[str, str]:
    """Credits by kind when every line is one, else nothing."""
    found = [_CREDIT.match(line.strip()) for line in text.splitlines() if line.strip()]
    if not all(found):
        return {}
    return {one["key"].lower().replace("license", "licence"): one["value"].strip().strip("[]") for one in found if one}


def joined_metadata(*said: DocumentMetadata) -> DocumentMetadata:
    """What several say together; the first that says anything of a thing wins."""
    result = DocumentMetadata()
    for about in said:
        missing = {f.name: getattr(about, f.name) for f in fields(DocumentMetadata) if not getattr(result, f.name)}
        result = replace(result, **missing)
    return result


def _about(values: Mapping[Any, Any]) -> DocumentMetadata:
    known: ConfigTree = {}
    for key, value in values.items():
        name = _NAMES.get(str(key).strip().lower().replace(" ", "_"))
        if name and value not in (None, "", []):
            known.setdefault(name, value)
    when = _moment(known.pop("date", None))
    first, last = (_day(known.pop(name, None), name) for name in ("valid_from", "valid_until"))
    if first and last and last < first:
        raise RejectedError("metadata", f"valid_until {last} lies before valid_from {first}")
    said = {name: _plain(value) for name, value in known.items()}
    if not is_academic_year(year := said.get("academic_year", "2025")):
        raise RejectedError("metadata", f"academic_year: {year[:40]} is no academic year; expected one like 2025-26")
    return DocumentMetadata(date=when, valid_from=first, valid_until=last, **said)


def _day(value: Any, name: str) -> date | None:
    """A day, or nothing where none is said; what is no day is an error, for a document must not hold for ever by a typing error."""
    if value is None:
        return None
    when = _moment(value)
    if when is None:
        raise RejectedError("metadata", f"{name}: {str(value)[:40]} is no date; expected YYYY-MM-DD")
    return when.date()


def _plain(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, (list, dict, set, bytes)) for one in values):
        raise RejectedError("metadata", "a title, licence or other fact of the document is no text but holds values")
    return ", ".join(str(one).strip() for one in values)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
