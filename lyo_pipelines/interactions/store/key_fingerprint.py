"""Which pseudonym key a lake was filled with, as a fingerprint in `lake/key.json`: with another one people would fall apart unseen.

A lake from before has none and takes that of its next landing. Changing the key on purpose is `lyo key rotate`.
"""

from __future__ import annotations

from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.ledger import landed_files
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object

FINGERPRINTS = "fingerprints"


class OtherKeyError(LyoError):
    """The pseudonym key is not the one that the lake was filled with."""


def key_path(lake: Lake) -> str:
    """Where the fingerprint stands."""
    return lake.path("key.json")


def lake_fingerprints(lake: Lake) -> tuple[str, ...]:
    """Fingerprints of the keys of a lake, oldest first; empty where none is known. Raises DamagedFileError."""
    path = key_path(lake)
    if not lake.exists(path):
        return ()
    told = read_object(lake, path).get(FINGERPRINTS, [])
    return tuple(map(str, told)) if isinstance(told, list) else ()


def require_key(lake: Lake, pseudonyms: Pseudonyms) -> None:
    """Raise OtherKeyError for another key than the lake's; a lake without a fingerprint takes this one."""
    known, given = lake_fingerprints(lake), pseudonyms.fingerprints
    ours = given[-1]
    if not known and len(given) > 1 and landed_files(lake):
        known = given[:-1]  # a lake from before, whose key is about to be rotated
    if not known:
        lake.write_json({FINGERPRINTS: list(given)}, key_path(lake))
    elif known == given[:-1]:
        raise OtherKeyError(
            f"LYO_PSEUDONYM_KEY is a new key, and {lake.path()} still holds the pseudonyms of the one before.",
            hint="`lyo key rotate` gives everybody in the lake a pseudonym of the new key. Nothing is read before that.",
        )
    elif known != given:
        newest = "".join(known[-1:])
        raise OtherKeyError(
            f"LYO_PSEUDONYM_KEY is not the key that {lake.path()} was filled with (fingerprint {ours}, the lake's is {newest}), "
            "so the same person would get another pseudonym.",
            hint="Set LYO_PSEUDONYM_KEYS_BEFORE to the keys before it, oldest first, separated by commas."
            if len(known) > len(given) and newest == ours
            else "Set the key of before again. To change it on purpose, put the old one into LYO_PSEUDONYM_KEYS_BEFORE and run "
            "`lyo key rotate`.",
        )
