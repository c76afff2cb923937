"""Keyed pseudonyms of users: the only form in which a person enters the lake. Personal data in text belongs to curation."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from lyo_pipelines.config.settings import MissingPseudonymKeyError
from lyo_pipelines.errors import LyoError

_CACHE_LIMIT = 200_000
LEAST_KEY_BYTES = 16
_OURS = re.compile(r"u_[0-9a-f]{20}")


def is_pseudonym(text: str) -> bool:
    """Whether a text has the shape of a pseudonym, so that it names nobody."""
    return _OURS.fullmatch(text) is not None


class WeakPseudonymKeyError(LyoError):
    """The key is so short that it can be tried out."""


def _rotated(key: bytes, pseudonym: str) -> str:
    return "u_" + hmac.digest(key, b"rotated\x00" + pseudonym.encode(), hashlib.sha256).hex()[:20]


class Pseudonyms:
    """HMAC-SHA256 of a user id under a secret key: stable, not reversible without the key.

    key: the secret; one that was rotated follows those before it, one a line. Then a pseudonym is the newest key's of the pseudonym of
    the key before, so that a person stays one person and an old key alone tells nothing.
    """

    def __init__(self, key: str) -> None:
        if not key.strip():
            raise MissingPseudonymKeyError(
                "the pseudonym key is empty", hint="Set LYO_PSEUDONYM_KEY to a long random secret."
            )
        keys = [part.encode("utf-8", "surrogatepass") for part in key.split("\n") if part.strip()]
        if len(keys[-1]) < LEAST_KEY_BYTES:  # those before are what they were
            raise WeakPseudonymKeyError(
                f"the pseudonym key has {len(keys[-1])} bytes; it needs {LEAST_KEY_BYTES} or more, or it can be guessed.",
                hint="`openssl rand -hex 32` makes one. To replace a short key, put it into LYO_PSEUDONYM_KEYS_BEFORE, set "
                "LYO_PSEUDONYM_KEY to the new one and run `lyo key rotate`.",
            )
        self._key, self._later, self._newest = keys[0], keys[1:], keys[-1]
        self.fingerprints = tuple(hmac.digest(one, b"lyo key fingerprint", hashlib.sha256).hex()[:16] for one in keys)
        self._known: dict[str, str] = {}

    def of(self, user_id: str | None) -> str | None:
        """Return `u_` and 20 hex digits for a user id, None for None or an empty one."""
        if not user_id:
            return None
        known = self._known.get(user_id)
        if known is None:
            if len(self._known) >= _CACHE_LIMIT:  # bounded memory, however many users a file has
                self._known.clear()
            digest = hmac.digest(self._key, user_id.encode("utf-8", "surrogatepass"), hashlib.sha256)
            known = "u_" + digest.hex()[:20]
            for key in self._later:
                known = _rotated(key, known)
            self._known[user_id] = known
        return known

    def rotated(self, pseudonym: str) -> str:
        """What becomes of a pseudonym of the keys before when the newest one came."""
        return _rotated(self._newest, pseudonym)

    def given(self, user_id: str | None, pseudonym: str | None) -> str | None:
        """The pseudonym of a row: of its raw user id, else the one it brings; what does not look like one is taken for a raw id."""
        if user_id or not pseudonym:
            return self.of(user_id)
        return pseudonym if is_pseudonym(pseudonym) else self.of(pseudonym)

    def of_many(self, user_ids: Iterable[str | None]) -> list[str | None]:
        """Pseudonyms of many user ids, in their order."""
        of = self.of
        return [of(user_id) for user_id in user_ids]

    def join_id(self, kind: str, value: str) -> str:
        """`<kind>_` (one letter) and 20 hex digits for an id of the source; the same id of another kind gives another."""
        digest = hmac.digest(self._key, f"id\x00{kind}\x00{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{kind}_{digest.hex()[:20]}"

    def value(self, text: str) -> str:
        """`v_` and 12 hex digits in the place of a value that nobody said may be kept."""
        digest = hmac.digest(self._key, b"value\x00" + text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return "v_" + digest.hex()[:12]

    def tombstone(self, pseudonym: str) -> str:
        """32 hex digits that tell an erased person again and cannot be turned back into the pseudonym."""
        return hmac.digest(self._newest, b"erased\x00" + pseudonym.encode(), hashlib.sha256).hex()[:32]

    def signature(self, text: str) -> str:
        """64 hex digits that only this key gives to a text."""
        return hmac.digest(self._newest, b"record\x00" + text.encode(), hashlib.sha256).hex()

    def digest(self, data: bytes) -> str:
        """16 hex digits that identify bytes nobody may read (a rejected row that could not be parsed)."""
        return hmac.digest(self._key, b"row\x00" + data, hashlib.sha256).hex()[:16]

    def matching_key(self, purpose: str) -> str:
        """A 16-character key, derived from the secret, for hashing the ids by which rows are matched."""
        return hmac.digest(self._key, b"match\x00" + purpose.encode(), hashlib.sha256).hex()[:16]
