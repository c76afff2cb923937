"""API keys: made here, shown once, and kept only as their sha256 in `data/gateway/keys.json` (mode 600).

A key is 32 random bytes, so a plain hash cannot be turned back; names are for people and never in metrics.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.whole_files import whole_file

PREFIX = "lyo_"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class ApiKeyError(LyoError):
    """A key cannot be added, removed or read; the message says why."""


@dataclass
class Keys:
    """The keys of one data directory; the file is read again when it changes."""

    path: Path
    _mark: tuple[int, int, int] | None = None
    _names: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Names of all keys, sorted."""
        return sorted(self._known().values())

    def add(self, name: str) -> str:
        """Make a key and return it: nobody can be told it again. Raises ApiKeyError."""
        if not _NAME.fullmatch(name):
            raise ApiKeyError(f"{name!r} cannot name a key", hint="Use letters, digits, _, . and -.")
        known = self._known()
        if name in known.values():
            raise ApiKeyError(f"there is a key {name} already", hint=f"`lyo gateway key remove {name}` takes it away.")
        key = PREFIX + secrets.token_urlsafe(32)
        self._write({**known, _digest(key): name})
        return key

    def remove(self, name: str) -> None:
        """Take a key away; it opens nothing from then on. Raises ApiKeyError."""
        known = self._known()
        if name not in known.values():
            raise ApiKeyError(f"there is no key {name}", hint="`lyo gateway key list` names them.")
        self._write({digest: other for digest, other in known.items() if other != name})

    def name_of(self, key: str) -> str | None:
        """The name of a key; None for one that was never made or was taken away."""
        digest, found = _digest(key), None
        for known, name in self._known().items():  # all of them: how long it takes says nothing
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _known(self) -> dict[str, str]:
        try:
            info = self.path.stat()
        except FileNotFoundError:
            self._mark, self._names = None, {}
            return self._names
        mark = info.st_mtime_ns, info.st_size, info.st_ino
        if mark != self._mark:
            try:
                told = json.loads(self.path.read_text(encoding="utf-8"))
                self._names = {str(digest): str(name) for digest, name in told["keys"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise ApiKeyError(
                    f"{self.path} cannot be read ({type(error).__name__})", hint="Remove it and add the keys anew."
                ) from error
            self._mark = mark
        return self._names

    def _write(self, known: dict[str, str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(self.path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump({"keys": known}, handle, indent=2)


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
