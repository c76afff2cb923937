"""Names of a table's header that say more than a field's name: `rating (1-5)` is `rating`, on the scale that we have."""

from __future__ import annotations

import re

from lyo_pipelines.interactions.contract import FEEDBACK_INPUT_FIELDS, INPUT_FIELDS

_NAME = re.compile(
    r"(?P<name>[^()\[\]]+?) ?[(\[](?P<said>[^()\[\]]+)[)\]]|(?P<before>[^()\[\]/]+?) ?(?P<after>(?:/|out of) ?\d+(?: stars)?)",
    re.IGNORECASE,
)
_SAID = {
    "rating": re.compile(
        r"1 ?(?:-|–|—|\.\.\.?|…|to|bis|/) ?5(?: ?(?:stars|★))?|(?:out of|/|max\.?) ?5(?: stars)?|(?:5 )?stars|★+"
    ),
    "ms": re.compile(r"ms|milliseconds|millis"),
}
"""What may stand in brackets after a field: its own scale or unit. With any other it is another column, told as unknown."""


def field_name(header: str) -> str:
    """The field of ours that a column's name means, or the name as it is."""
    found = _NAME.fullmatch(header)
    if found is None:
        return header
    name = (found["name"] or found["before"]).strip().lower().replace(" ", "_")
    allowed = _SAID.get("ms" if name.endswith("_ms") else name)
    known = name in INPUT_FIELDS or name in FEEDBACK_INPUT_FIELDS
    said = (found["said"] or found["after"]).strip().lower()
    return name if known and allowed and allowed.fullmatch(said) else header
