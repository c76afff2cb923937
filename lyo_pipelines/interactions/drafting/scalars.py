"""Text as a scalar of YAML."""

from __future__ import annotations

import re

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
