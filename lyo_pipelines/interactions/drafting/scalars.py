"""Text as a scalar of YAML, and a path with further keys as a mapping writes them in a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lyo_pipelines.interactions.fields.scrub import dump_json

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def scalar(text: str) -> str:
    """Text as YAML reads it again."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    if text.isprintable():
        return dump_json(text)
    letters = (dump_json(letter)[1:-1] if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
    return f'"{"".join(letters)}"'


def from_path(path: str, keys: Mapping[str, object]) -> str:
    """Where a value comes from: the path, or with further keys `{from: path, key: value}`."""
    parts = [f"from: {scalar(path)}", *(f"{key}: {_flow(value)}" for key, value in keys.items())]
    return f"{{{', '.join(parts)}}}" if keys else scalar(path)


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(str(key))}: {item}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    text = str(value)
    return text if text.startswith('"') else scalar(text)
