"""Where the values of canonical fields stand in the rows of a source: told by the values themselves, whatever format reads them.

A mapping says where its fields come from; a format with rules of its own does not. So a value of a field is looked for in the row it
was made of, and the place where it stands most often is its source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.row_format import Row

_DEPTH = 8
_PLACES = 4_000
_SAID_BY_ALL = 0.5


def sources_of(pairs: Sequence[tuple[Row, Row]], names: Iterable[str]) -> dict[str, str]:
    """Canonical field -> where its values stand in the source rows, of pairs of a source row and the canonical row made of it.

    A list index is written `[]`. A field whose values stand nowhere is left out.
    """
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    filled: Counter[str] = Counter()
    for source, canonical in pairs:
        places = _by_value(source)
        for name, counts in found.items():
            value = _telling(canonical.get(name))
            if value is None or value == "" or (key := _key(value)) is None:
                continue
            filled[name] += 1
            counts.update(places.get(key, ()))
    result = {}
    for name, counts in found.items():
        ranked = sorted(counts.items(), key=lambda item: (-item[1], not _alike(name, item[0]), len(item[0])))
        if ranked and ranked[0][1] >= _SAID_BY_ALL * filled[name]:
            result[name] = ranked[0][0]
    return result


def _telling(value: Any) -> Any:
    """Of a history the last text, of any other value itself."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        return value[-1].get("content")
    return value


def _by_value(row: Row) -> dict[Any, set[str]]:
    places: dict[Any, set[str]] = {}
    for count, (place, value) in enumerate(_walk(row, "", 0)):
        if count > _PLACES:
            break
        if (key := _key(value)) is not None:
            places.setdefault(key, set()).add(place)
    return places


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if place:
        yield place, value
    value = parsed_json(value)
    if depth >= _DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{place}.{key}" if place else str(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, f"{place}[]", depth + 1)


def _key(value: Any) -> Any:
    """What a value is compared by; None of one that cannot be compared, and of true and false, which stand everywhere."""
    if isinstance(value, (bool, dict, list)):
        return None
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 1e300 else None
    return value.strip() if isinstance(value, str) else str(value)


def _alike(name: str, place: str) -> bool:
    plain = place.lower().replace("_", "")
    return any(part in plain for part in name.split("_") if len(part) > 2)
