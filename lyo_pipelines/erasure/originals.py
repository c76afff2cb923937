"""The files that people came in with: those of the inbox that can be rewritten without them, and those that are set aside or told."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lyo_pipelines.erasure.blanking import NotSureError, blanked, hits_in
from lyo_pipelines.erasure.needles import needle_bytes, needle_pattern
from lyo_pipelines.interactions.landing.inbox_listing import REASON, SET_ASIDE, listed_files
from lyo_pipelines.interactions.store.ledger import read_entry, table_part
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.texts import files_below


@dataclass
class Originals:
    """blanked: path in the inbox -> 1-based lines that hold nobody else; aside: path -> rows, of files that go aside as a whole.

    by_hand: path -> places in which they stand all the same, to be mended by somebody; tables: names at the source.
    landed_as: path -> hash of the file that it was when it landed.
    """

    blanked: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    aside: dict[str, int] = field(default_factory=dict[str, int])
    by_hand: dict[str, int] = field(default_factory=dict[str, int])
    tables: set[str] = field(default_factory=set[str])
    landed_as: dict[str, str] = field(default_factory=dict[str, str])


def find_originals(
    lake: Lake, landed: Mapping[str, int], fed_back: Mapping[str, int], keys: np.ndarray, people: frozenset[str],
    needles: frozenset[str],
) -> Originals:  # fmt: skip
    """Which files of the inbox the rows of these people, and the feedback on these, came from. landed, fed_back: paths of such parts.

    A file is blanked where that leaves everything else as it is (blanking.py), and goes aside where nobody can be sure. What names
    them elsewhere is told.
    """
    lines, others = _landed_lines(lake, landed, fed_back, keys, people)
    found = Originals()
    for file_hash in lines:
        if table_part(file_hash) is not None:
            try:
                entry = read_entry(lake, file_hash)
            except DamagedFileError:
                entry = None
            found.tables.add(entry.name.partition(",")[0] if entry else "a table")
    before, patterns = rewritten_files(lake), (needle_bytes(needles), needle_pattern(needles))
    for file in listed_files(lake):
        if file.trouble is not None:
            continue
        content = lake.read_bytes(file.path)
        file_hash = hash_of(content)
        file_hash = before.get(file_hash, file_hash)
        if file_hash in lines:
            found.landed_as[file.path] = file_hash
            content = _without(found, file.path, file.name, content, lines[file_hash], others[file_hash])
        if file.path not in found.aside and (hits := hits_in(content, file.name, *patterns)):
            found.by_hand[file.path] = hits
    for path in files_below(lake, lake.side("inbox", SET_ASIDE)):
        if not path.endswith(REASON) and (hits := hits_in(lake.read_bytes(path), path, *patterns)):
            found.by_hand[path] = hits
    return found


def _landed_lines(
    lake: Lake, landed: Mapping[str, int], fed_back: Mapping[str, int], keys: np.ndarray, people: frozenset[str]
) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """Lines of theirs, and of others, by the hash of the file that they landed with."""
    lines: dict[str, set[int]] = defaultdict(set)
    others: dict[str, set[int]] = defaultdict(set)
    for path in landed:
        table = lake.read_table(path, columns=["user_pseudonym", "source_file", "source_line"])
        mask = pc.is_in(table["user_pseudonym"], value_set=pa.array(sorted(people), pa.string()))
        _sort_lines(path, table, mask, lines, others)
    for path in fed_back:
        if "/feedback/" in path:
            table = lake.read_table(path, columns=["target_key", "source_line"])
            _sort_lines(path, table, pa.array(np.isin(table["target_key"].to_numpy(), keys)), lines, others)
    for file_hash, rejected in _rejected_lines(lake, people).items():
        lines[file_hash] |= rejected
    return lines, others


def _without(
    found: Originals, path: str, name: str, content: bytes, lines: set[int], others: set[int]
) -> bytes:  # fmt: skip
    """What the file will hold; the same where nobody can be sure of that, and it goes aside."""
    try:
        if lines & others:
            raise NotSureError("a line holds others, too")
        told = blanked(content, name, lines)
    except NotSureError:
        found.aside[path] = len(lines)
        return content
    if told != content:
        found.blanked[path] = sorted(lines)
    return told


def _sort_lines(
    path: str, table: pa.Table, mask: pa.Array, lines: dict[str, set[int]], others: dict[str, set[int]]
) -> None:
    file_hash = path.rsplit("/", 1)[-1].removesuffix(".parquet").partition("-")[0]
    lines[file_hash] |= set(table.filter(mask)["source_line"].to_pylist())
    others[file_hash] |= set(table.filter(pc.invert(mask))["source_line"].to_pylist())


def rewritten_path(lake: Lake) -> str:
    """Where it stands which files of the inbox were rewritten."""
    return lake.path("erased", "rewritten.json")


def rewritten_files(lake: Lake) -> dict[str, str]:
    """Hash of a rewritten file -> that of the file that landed, whose name its rows bear. Raises DamagedFileError."""
    if not lake.exists(rewritten_path(lake)):
        return {}
    return {str(new): str(old) for new, old in lake.read_json(rewritten_path(lake)).items()}


def rewritten_text(known: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The file that says so, with those of this erasure."""
    return json.dumps({**known, **new}, indent=1, sort_keys=True) + "\n"


def hash_of(content: bytes) -> str:
    """The identity of a file, as a landing names it."""
    return hashlib.sha256(content).hexdigest()[:32]


def _rejected_lines(lake: Lake, people: frozenset[str]) -> dict[str, set[int]]:
    """Lines of rejected rows that name them, by the hash of the file."""
    found = dict[str, set[int]]()
    for name in lake.names(lake.path("rejected")):
        table = lake.read_table(lake.path("rejected", name), columns=["line", "raw"])
        mask = named_in(table["raw"], people)
        if mask.any():
            found[name.removesuffix(".parquet")] = set(table.filter(pa.array(mask))["line"].to_pylist())
    return found


def named_in(texts: pa.ChunkedArray, people: frozenset[str]) -> np.ndarray:
    """Mask of the texts in which one of the pseudonyms stands."""
    mask = np.zeros(len(texts), bool)
    for one in people:
        hits = pc.match_substring(texts, one).fill_null(False)
        mask |= hits.to_numpy(zero_copy_only=False).astype(bool)
    return mask
