"""A new pseudonym key: everybody in the lake gets the pseudonym that the new key makes of the one before, all at once.

Raw ids are not needed, and nobody becomes two people: rows that land later go through the old key first and then through the new one.
So the old key must be kept (LYO_PSEUDONYM_KEYS_BEFORE), but whoever has it alone can no longer tell who is who.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lyo_pipelines.contracts.dataset import MANIFEST
from lyo_pipelines.dataset.written_files import record_of
from lyo_pipelines.interactions.landing.stage import landing_lock
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import FINGERPRINTS, OtherKeyError, key_path, lake_fingerprints
from lyo_pipelines.interactions.store.landed_parts import mark_path, part_at, rewritten_part
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting, finish_rewriting
from lyo_pipelines.storage.texts import TEXT_ENDINGS, files_below, replaced_texts, texts_of

PSEUDONYM = re.compile(r"u_[0-9a-f]{20}(?![0-9a-f])")
UNTOUCHED = ("adapters", "exported", "keys", "landed", "merged", "quarantine", "registry", "rewriting", "staging")
"""Folders of the lake that hold no pseudonym (or, in quarantine, nothing that can be read)."""


@dataclass(frozen=True)
class Rotated:
    """What a rotation did. people: distinct pseudonyms; files: rewritten; left: old pseudonyms that were found afterwards."""

    people: int
    files: int
    left: int


class NothingToRotateError(OtherKeyError):
    """No new key is set."""


def rotate_key(lake: Lake, pseudonyms: Pseudonyms) -> Rotated:
    """Give everybody the pseudonym of the newest key. Killed at any moment, it is begun anew or finished by the next call.

    Raises NothingToRotateError, OtherKeyError when the keys before are not the lake's, NotLocalError on a remote lake.
    """
    lake.require_local("Rotating the key")
    with landing_lock(lake):
        finish_rewriting(lake)
        _require_next(lake, pseudonyms)
        rewriting = Rewriting(lake)
        changed = _Changed(lake, rewriting, pseudonyms)
        for path in _paths(lake):
            changed.look(path)
        changed.finish()
        files = len(rewriting)
        rewriting.replace_bytes(key_path(lake), json.dumps({FINGERPRINTS: list(pseudonyms.fingerprints)}) + "\n")
        rewriting.commit()
        left = sum(len(found_in(lake, path) & changed.known.keys()) for path in _paths(lake))
    return Rotated(len(changed.known), files, left)


def _paths(lake: Lake) -> Iterator[str]:
    yield from files_below(lake, lake.path(), without=UNTOUCHED)
    yield from files_below(lake, lake.side("review"))


def found_in(lake: Lake, path: str) -> set[str]:
    """Pseudonyms in a file."""
    if path.endswith(".parquet"):
        return {found for text in texts_of(lake.read_table(path)) for found in PSEUDONYM.findall(text)}
    if path.endswith(TEXT_ENDINGS):
        return set(PSEUDONYM.findall(lake.read_bytes(path).decode("utf-8", "replace")))
    return set()


def _require_next(lake: Lake, pseudonyms: Pseudonyms) -> None:
    known, given = lake_fingerprints(lake), pseudonyms.fingerprints
    if len(given) < 2 or known == given:
        raise NothingToRotateError(
            "there is no new key: "
            + ("the lake has this one already." if known == given else "one key is set, and none before it."),
            hint="Put the key of now into LYO_PSEUDONYM_KEYS_BEFORE, a new one into LYO_PSEUDONYM_KEY (`openssl rand -hex 32`), and "
            "run this again.",
        )
    if known and known != given[:-1]:
        raise OtherKeyError(
            f"the keys before are not those that {lake.path()} was filled with.",
            hint="LYO_PSEUDONYM_KEYS_BEFORE names all of them, oldest first, separated by commas.",
        )


class _Changed:
    """What is staged for a rotation; manifests of versions of data whose files change follow at the end."""

    def __init__(self, lake: Lake, rewriting: Rewriting, pseudonyms: Pseudonyms) -> None:
        self.known = dict[str, str]()
        self._lake, self._rewriting, self._pseudonyms = lake, rewriting, pseudonyms
        self._versions: dict[str, dict[str, str]] = {}

    def look(self, path: str) -> None:
        """Stage a file anew where a pseudonym stands in it."""
        if path.endswith(".parquet"):
            self._table(path)
        elif path.endswith(TEXT_ENDINGS):
            text = self._lake.read_bytes(path).decode("utf-8", "surrogateescape")
            if PSEUDONYM.search(text):
                self._rewriting.replace_bytes(path, self._told(text))

    def finish(self) -> None:
        """Stage the manifests."""
        for folder, files in self._versions.items():
            path = f"{folder}/{MANIFEST}"
            if not self._lake.exists(path):
                continue
            told = json.loads(self._told(self._lake.read_text(path)))
            for name in files.keys() & told.get("files", {}).keys():
                told["files"][name] = record_of(self._lake, files[name]).model_dump()
            self._rewriting.replace_bytes(path, json.dumps(told, ensure_ascii=False, indent=2) + "\n")

    def _table(self, path: str) -> None:
        with self._lake.open_table(path) as file:
            rows = file.metadata.row_group(0).num_rows if file.metadata.num_row_groups else 0
            table = file.read()
        told, count = replaced_texts(table, PSEUDONYM, self._new)
        if not count:
            return
        staged = self._rewriting.replace_table(path, told, rows=rows)
        part = part_at(self._lake, path)
        if part is not None:
            self._rewriting.remove(mark_path(self._lake, part))
            self._rewriting.replace_bytes(mark_path(self._lake, rewritten_part(self._lake, part, staged)), "")
        folder, _, name = path.rpartition("/")
        self._versions.setdefault(folder, {})[name] = staged

    def _told(self, text: str) -> str:
        return PSEUDONYM.sub(lambda match: self._new(match.group()), text)

    def _new(self, old: str) -> str:
        return self.known.setdefault(old, self._pseudonyms.rotated(old))
