"""Names of people that a row's metadata tells are replaced in its texts at the door: afterwards the metadata tells them no more.

A full name counts in any case; a part of one only as written and before a pause ("Yes, Meena, seven!"), so that "Mark the point A" and
a rose stay what they are. What texts tell by themselves ("My name is …") is found by curation/privacy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from lyo_pipelines.interactions.fields.columns import FREE_TEXTS, HISTORY, Gathered, parsed_json
from lyo_pipelines.interactions.fields.scrub import plain_key

PERSON = "<PERSON>"
_PEOPLE = frozenset({"user", "student", "teacher", "parent", "learner", "customer", "profile", "person", "guardian"})
_LONGEST = 60
_LEAST_PART = 3


def replace_known_names(gathered: Gathered, name_keys: tuple[str, ...]) -> None:
    """Replace the names in free texts and history of the rows whose metadata (not minimised yet) knows some."""
    wanted = {plain_key(key) for key in name_keys}
    patterns: dict[int, re.Pattern[str]] = {}
    known: dict[int, re.Pattern[str] | None] = {}  # equal metadata is one object where rows are read the fast way
    for row, value in enumerate(gathered.metadata):
        if not value:
            continue
        if id(value) not in known:
            known[id(value)] = _pattern(set(_names(parsed_json(value), wanted)))
        if (pattern := known[id(value)]) is not None:
            patterns[row] = pattern
    if not patterns:
        return
    for name in FREE_TEXTS:
        if gathered.data[name].null_count < len(gathered.data[name]):
            values = gathered.data[name].to_pylist()
            for row, pattern in patterns.items():
                values[row] = pattern.sub(PERSON, values[row]) if values[row] else values[row]
            gathered.data[name] = pa.array(values, pa.string())
    turns = gathered.data["history"].to_pylist()
    for row, pattern in patterns.items():
        for turn in turns[row] or ():
            turn["content"] = pattern.sub(PERSON, turn["content"]) if turn["content"] else turn["content"]
    gathered.data["history"] = pa.array(turns, HISTORY)


def _names(metadata: Any, wanted: set[str]) -> Iterator[str]:
    """Names under one of the keys, at the top or inside an object that is a person; a bare `name` counts only there."""
    if not isinstance(metadata, dict):
        return
    people = [item for key, item in metadata.items() if plain_key(str(key)) in _PEOPLE and isinstance(item, dict)]
    for level in (metadata, *people):
        for key, item in level.items():
            named = plain_key(str(key)) in wanted or (level is not metadata and plain_key(str(key)) == "name")
            if named and isinstance(item, str) and 2 <= len(item.strip()) <= _LONGEST and any(map(str.isalpha, item)):
                yield item.strip()


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    if not names:
        return None
    full = sorted((name for name in names if " " in name), key=len, reverse=True)
    parts = sorted({part for name in names for part in name.split() if len(part) >= _LEAST_PART}, key=len, reverse=True)
    options = [f"(?i:{re.escape(name)})(?!\\w)" for name in full]
    if parts:
        options.append(f"(?:{'|'.join(map(re.escape, parts))})(?=[,.!?।]|\\s*$)")
    return re.compile(rf"(?<!\w)(?:{'|'.join(options)})") if options else None
