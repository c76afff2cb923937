"""How a line says that it is a question or an answer. Readers keep such lines apart; pairs.py puts them together."""

from __future__ import annotations

import re

_ASKS = r"question|problem|exercise|प्रश्न|सवाल|अभ्यास|கேள்வி|வினா|பயிற்சி"
_ANSWERS = r"answer|solution|उत्तर|जवाब|हल|பதில்|விடை|தீர்வு"
_NUMBER = r"(?:\s*\(?\d{1,3}\)?)?"
_END = r"(?:\s*[:：।]|[.)](?=\s|$)|\s+[–—-](?=\s))"
# single letters only with a colon: "A) 12 cm" is a choice, not an answer
MARKED = re.compile(
    rf"^\s*(?:[-*]\s+|\d{{1,3}}[.)]\s+)?(?:(?P<asks>(?:{_ASKS}){_NUMBER}{_END}|Q{_NUMBER}\s*:)"
    rf"|(?P<answers>(?:{_ANSWERS}){_NUMBER}{_END}|A(?:ns)?{_NUMBER}\s*:))\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
"""`asks` or `answers` is the mark that was found, `rest` what stands behind it."""
