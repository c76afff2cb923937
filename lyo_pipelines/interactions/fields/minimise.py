"""What is kept of free values: metadata and rejected rows hold what somebody listed, and of everything else only that it was there.

A value under a listed key is kept, with addresses, long numbers and the row's user replaced; under any other key numbers, dates and
yes or no are kept, and text becomes a keyed digest (metadata: equal values stay equal) or its length (rejected rows: the text itself
stands in the file, on the line that is told).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from lyo_pipelines.interactions.fields.columns import FREE_TEXTS, TEXTS, parsed_json
from lyo_pipelines.interactions.fields.scrub import MAX_DEPTH, Scrubber, dump_json, plain_key
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.personal import LONG_NUMBER, points_at_a_person, without_personal_shapes

_IDS = ("interaction_id", "conversation_id", "question_id")
_FIELDS = tuple(name for name in TEXTS if name not in (*FREE_TEXTS, *_IDS))
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?|[-+]?\d{1,6}(?:\.\d{1,6})?"
)
_OURS = re.compile(r"[a-z]_[0-9a-f]{12,24}")
_KEY = re.compile(r"[A-Za-z_][\w.\-/]{0,60}")
_LARGE = 10 ** (LONG_NUMBER - 1)


LEAST_INSIDE = 6
"""Letters of a user's id from which on a name may hold it as one of its words: shorter ones are words of the language."""


def user_word(user_id: str) -> re.Pattern[str]:
    """Where a name holds a user's id as a word of its own, in whatever case."""
    return re.compile(rf"(?<![^\W_]){re.escape(user_id)}(?![^\W_])", re.IGNORECASE)


class Minimiser:
    """Minimises values of one installation. kept_keys: compared as identifier keys are (case, `_`, `-` and `.` do not count)."""

    def __init__(self, pseudonyms: Pseudonyms, scrubber: Scrubber, kept_keys: Iterable[str]) -> None:
        self._pseudonyms, self._scrubber = pseudonyms, scrubber
        self._kept = {plain_key(key) for key in kept_keys}
        self._fields = self._kept | {plain_key(name) for name in _FIELDS}

    def metadata(self, value: Any, user_id: str | None = None) -> Any:
        """Metadata of an accepted row, at any depth."""
        return self._value(value, user_id, self._kept, self._pseudonyms.value, listed=False)

    def rejected(self, row: Any, user_id: str | None = None) -> Any:
        """A rejected row; the names of its subject, model and the like are kept as listed keys are."""
        return self._value(row, user_id, self._fields, _length, listed=False)

    def text(self, value: str, user_id: str | None = None) -> str:
        """A text without addresses, long numbers and the row's user."""
        if user_id and len(user_id) >= LEAST_INSIDE and len(value) >= len(user_id):
            value = user_word(user_id).sub(lambda _: self._put(user_id), value)
        return without_personal_shapes(self._scrubber.text(value, user_id), self._put)

    def name(self, value: str, user_id: str | None = None) -> str:
        """A name that others count by (the category of a complaint), without them and without a user who is all of it."""
        if user_id and value.strip().casefold() == user_id.casefold():
            return self._put(user_id)
        return self.text(value, user_id)

    def _put(self, found: str) -> str:
        return self._pseudonyms.of(found) or ""

    def _value(
        self, value: Any, user: str | None, kept: set[str], hide: Callable[[str], str], *, listed: bool, depth: int = 0
    ) -> Any:
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, str):
            return self._text(value, user, kept, hide, listed=listed, depth=depth)
        if isinstance(value, list):
            return [self._value(item, user, kept, hide, listed=listed, depth=depth + 1) for item in value]
        if isinstance(value, dict):
            return {
                self._key(str(key), user): self._person(item, user, depth + 1)
                if self._scrubber.names_person(key)
                else self._value(item, user, kept, hide, listed=listed or plain_key(str(key)) in kept, depth=depth + 1)
                for key, item in value.items()
            }
        if value is None or isinstance(value, bool) or (isinstance(value, (int, float)) and abs(value) < _LARGE):
            return value
        return self._text(str(value), user, kept, hide, listed=listed, depth=depth)

    def _person(self, value: Any, user: str | None, depth: int) -> Any:
        if isinstance(value, dict):
            inner = {} if depth > MAX_DEPTH else value
            return {self._key(str(key), user): self._person(item, user, depth + 1) for key, item in inner.items()}
        return self._scrubber.person(value, depth)

    def _text(
        self, value: str, user: str | None, kept: set[str], hide: Callable[[str], str], *, listed: bool, depth: int
    ) -> str:
        inside = parsed_json(value)
        if not isinstance(inside, str):
            return dump_json(self._value(inside, user, kept, hide, listed=listed, depth=depth + 1))
        if not value or _OURS.fullmatch(value) or (_DATE.fullmatch(value) and value != user):
            return value
        if not listed:
            return hide(value)
        return hide(value) if user and value.casefold() == user.casefold() else self.text(value, user)

    def _key(self, key: str, user: str | None) -> str:
        """A key is schema, unless it looks like data."""
        is_user = user is not None and len(user) >= 3 and user.casefold() in key.casefold()
        is_schema = (
            _OURS.fullmatch(key)
            or plain_key(key) in self._fields
            or (_KEY.fullmatch(key) and not points_at_a_person(key))
        )
        return key if is_schema and not is_user else self._pseudonyms.value(key)


def _length(text: str) -> str:
    return f"<text of {len(text)} characters>"
