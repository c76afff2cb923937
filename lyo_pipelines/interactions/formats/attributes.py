"""Attributes of telemetry as exporters write them (flat, nested, OTLP key/value lists, columns of a table) to one flat form.

Flat: dotted name -> scalar or list of scalars. What the names mean belongs to spans.py and span_chat.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.formats.row_format import Row
from lyo_pipelines.json_types import RawRow

_MAX_DEPTH = 32
_SCALARS = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")
_SNAKE = {
    "string_value": "stringValue",
    "int_value": "intValue",
    "double_value": "doubleValue",
    "bool_value": "boolValue",
    "bytes_value": "bytesValue",
    "array_value": "arrayValue",
    "kvlist_value": "kvlistValue",
}


def flat_attributes(value: Any) -> Row:
    """The flat form of attributes in any of their forms; empty for what is none."""
    value = parsed_json(value)
    if isinstance(value, list):
        value = _pairs(value, 0)
    return dict(_leaves(value, "", 0)) if isinstance(value, dict) else {}


def column_attributes(row: Row, prefix: str = "attributes.") -> Row:
    """The flat form of attributes that are columns of their own (`attributes.llm.model_name`), as data frames are written."""
    return flat_attributes(
        {key[len(prefix) :]: value for key, value in row.items() if key.startswith(prefix) and value is not None}
    )


def attribute_branch(flat: Row, prefix: str) -> Any:
    """What stands below a name, as objects and lists again: `a.0.b` and `a.1.b` are a list of two objects. None for nothing.

    A value at the name itself (often JSON in a string) counts before what stands below it.
    """
    if (own := flat.get(prefix)) not in (None, ""):
        own = parsed_json(own)
        items = own if isinstance(own, list) else [own]
        if not any(isinstance(item, dict) and any("." in key for key in item) for item in items):
            return own
        flat = dict(_leaves(own, prefix, 0))  # [{"message.role": …}]: dotted names inside
    tree: RawRow = {}
    start = prefix + "."
    for key, value in flat.items():
        if key.startswith(start):
            *path, last = key[len(start) :].split(".")
            node = tree
            for part in path:
                inner = node.get(part)
                if not isinstance(inner, dict):
                    inner = node[part] = {}
                node = inner
            node.setdefault(last, value)
    return _listed(tree) if tree else None


def _listed(node: Any) -> Any:
    """Objects whose keys are all numbers as lists, in the order of the numbers."""
    if not isinstance(node, dict):
        return node
    values = {key: _listed(value) for key, value in node.items()}
    if all(key.isdecimal() for key in values):
        return [values[key] for key in sorted(values, key=int)]
    return values


def _leaves(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{index}", depth + 1)
    elif value is not None:
        yield name, value


def _pairs(items: list[Any], depth: int) -> Row:
    """OTLP/JSON: [{key, value: {stringValue: …}}]."""
    found = (item for item in items if isinstance(item, dict) and isinstance(item.get("key"), str))
    return {item["key"]: _any_value(item.get("value"), depth + 1) for item in found}


def _any_value(value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None if isinstance(value, dict) else value
    value = {_SNAKE.get(key, key): inner for key, inner in value.items()}
    for name in _SCALARS:
        if (scalar := value.get(name)) is not None:
            return int(scalar) if name == "intValue" and str(scalar).lstrip("-").isdecimal() else scalar
    if isinstance(array := value.get("arrayValue"), dict):
        inner = array.get("values")
        return [_any_value(item, depth + 1) for item in inner] if isinstance(inner, list) else []
    if isinstance(pairs := value.get("kvlistValue"), dict):
        inner = pairs.get("values")
        return _pairs(inner, depth) if isinstance(inner, list) else {}
    return None
