"""No raw user id may enter the lake: not in metadata, not inside another id or text, not in the kept text of a rejected row.

Personal data in general (phone numbers in a question, names) belongs to curation.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson

from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.pseudonyms import Pseudonyms, is_pseudonym
from lyo_pipelines.personal import EMAIL

MAX_DEPTH = 64
_MAX_KEYS = 10_000


class Scrubber:
    """Replaces what identifies a person by its pseudonym.

    identifier_keys: names of metadata fields whose value is a person, compared without case, `_` and `-`.
    """

    def __init__(self, pseudonyms: Pseudonyms, identifier_keys: Iterable[str]) -> None:
        self._of = pseudonyms.of
        self._keys = {plain_key(key) for key in identifier_keys}
        self._is_person: dict[str, bool] = {}

    def value(self, value: Any, user_id: str | None = None, *, emails: bool = False, depth: int = 0) -> Any:
        """The same value with identifier fields pseudonymised at any depth and `user_id` replaced inside text."""
        if depth > MAX_DEPTH:
            return None
        if isinstance(value, str):
            inside = parsed_json(value)
            if not isinstance(inside, str):
                return dump_json(self.value(inside, user_id, emails=emails, depth=depth + 1))
            return self.text(value, user_id, emails=emails)
        if isinstance(value, list):
            return [self.value(item, user_id, emails=emails, depth=depth + 1) for item in value]
        if isinstance(value, dict):
            return {
                self.text(str(key), user_id, emails=emails): self.person(item, depth + 1)
                if self.names_person(key)
                else self.value(item, user_id, emails=emails, depth=depth + 1)
                for key, item in value.items()
            }
        is_user = (
            user_id is not None and is_distinctive(user_id) and not isinstance(value, bool) and str(value) == user_id
        )
        return self._of(user_id) if is_user else value

    def names_person(self, key: Any) -> bool:
        """Whether the value under a key of metadata is a person."""
        known = self._is_person.get(key)
        if known is None:
            if len(self._is_person) > _MAX_KEYS:  # keys made of data: bounded memory
                self._is_person.clear()
            known = self._is_person[key] = plain_key(str(key)) in self._keys
        return known

    def person(self, value: Any, depth: int) -> Any:
        """A value that is a person: its pseudonym, at any depth."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {key: self.person(item, depth + 1) for key, item in value.items()} if depth < MAX_DEPTH else None
        if isinstance(value, list):
            return [self.person(item, depth + 1) for item in value] if depth < MAX_DEPTH else None
        text = str(value)
        return text if is_pseudonym(text) else self._of(text)  # the gateway's rows come with pseudonyms

    def text(self, value: str, user_id: str | None, *, emails: bool = False) -> str:
        """Text with a distinctive user id (and, on request, anything like an e-mail address) replaced by its pseudonym."""
        if user_id and user_id in value and is_distinctive(user_id):
            value = value.replace(user_id, self._of(user_id) or "")
        if emails and "@" in value:
            value = EMAIL.sub(lambda match: self._of(match.group()) or "", value)
        return value


@lru_cache(maxsize=50_000)
def is_distinctive(user_id: str) -> bool:
    """Whether an id can be looked for inside text: `student-132` can, `7` or `student` would hit ordinary words."""
    if len(user_id) < 6:
        return False
    if user_id.isdecimal():
        return len(user_id) >= 8
    return not user_id.isalpha()


def dump_json(value: Any) -> str:
    """Compact JSON of anything a JSON reader can give, broken Unicode and huge numbers included."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(_plainer(value), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _plainer(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_plainer(str(key)): _plainer(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plainer(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        return str(value) if abs(value) < 10**400 else None
    return value


def plain_key(key: str) -> str:
    """A key of metadata as keys are compared: without case and the signs between words."""
    return key.lower().replace("_", "").replace("-", "").replace(".", "").replace(" ", "")
