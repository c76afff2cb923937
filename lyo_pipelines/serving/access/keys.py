"""API keys: made here, shown once, and kept only as their sha256 in `data/gateway/keys.json` (mode 600).

A key is 32 random bytes, so a plain hash cannot be turned back; names are for people and never in metrics.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.whole_files import whole_file

PREFIX = "lyo_"
Scope: TypeAlias = Literal["owner", "fine_tune"]
"""What a key may be made for beyond asking."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class ApiKeyError(LyoError):
    """A key cannot be added, removed or read; the message says why."""


@dataclass(frozen=True, order=True)
class KeyHolder:
    """Whose a key is. owner: whether it may begin trainings and do all the rest.

    fine_tune: whether it may fine-tune on files of its own (/v1/files, /v1/fine_tuning/jobs) and ask the models that come of them.
    """

    name: str
    owner: bool = False
    fine_tune: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether the key opens what is kept to a scope."""
        return self.owner or (scope == "fine_tune" and self.fine_tune)

    def may_ask(self, of: str) -> bool:
        """Whether it may ask a model that somebody's job made. of: the name of that holder."""
        return self.owner or (self.fine_tune and self.name == of)


@dataclass
class Keys:
    """The keys of one data directory; the file is read again when it changes."""

    path: Path
    _mark: tuple[int, int, int] | None = None
    _holders: dict[str, KeyHolder] = field(default_factory=dict)

    def holders(self) -> list[KeyHolder]:
        """All of them, by name."""
        return sorted(self._known().values())

    def add(self, name: str, *, owner: bool = False, fine_tune: bool = False) -> str:
        """Make a key and return it: nobody can be told it again. Raises ApiKeyError."""
        if not _NAME.fullmatch(name):
            raise ApiKeyError(f"{name!r} cannot name a key", hint="Use letters, digits, _, . and -.")
        known = self._known()
        if name in _names(known):
            raise ApiKeyError(f"there is a key {name} already", hint=f"`lyo gateway key remove {name}` takes it away.")
        key = PREFIX + secrets.token_urlsafe(32)
        self._write({**known, _digest(key): KeyHolder(name, owner, fine_tune)})
        return key

    def remove(self, name: str) -> None:
        """Take a key away; it opens nothing from then on. Raises ApiKeyError."""
        known = self._known()
        if name not in _names(known):
            raise ApiKeyError(f"there is no key {name}", hint="`lyo gateway key list` names them.")
        self._write({digest: holder for digest, holder in known.items() if holder.name != name})

    def holder_of(self, key: str) -> KeyHolder | None:
        """Whose a key is; None for one that was never made or was taken away."""
        digest, found = _digest(key), None
        for known, holder in self._known().items():  # all of them: how long it takes says nothing
            if hmac.compare_digest(known, digest):
                found = holder
        return found

    def _known(self) -> dict[str, KeyHolder]:
        try:
            info = self.path.stat()
        except FileNotFoundError:
            self._mark, self._holders = None, {}
            return self._holders
        mark = info.st_mtime_ns, info.st_size, info.st_ino
        if mark != self._mark:
            try:
                told = json.loads(self.path.read_text(encoding="utf-8"))
                self._holders = {str(digest): KeyHolder(**holder) for digest, holder in told["keys"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise ApiKeyError(
                    f"{self.path} cannot be read ({type(error).__name__})", hint="Remove it and add the keys anew."
                ) from error
            self._mark = mark
        return self._holders

    def _write(self, known: dict[str, KeyHolder]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(self.path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump({"keys": {digest: asdict(holder) for digest, holder in known.items()}}, handle, indent=2)


def _names(known: dict[str, KeyHolder]) -> set[str]:
    return {holder.name for holder in known.values()}


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
