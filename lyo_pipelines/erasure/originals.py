"""The files that people came in with: those of the inbox whose lines can be blanked, and those that somebody must mend by hand."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lyo_pipelines.erasure.needles import needle_bytes
from lyo_pipelines.interactions.landing.inbox_listing import listed_files
from lyo_pipelines.interactions.store.ledger import read_entry, table_part
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


@dataclass
class Originals:
    """blanked: path in the inbox -> 1-based lines that hold nobody else; by_hand: path -> rows; tables: names at the source."""

    blanked: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    by_hand: dict[str, int] = field(default_factory=dict[str, int])
    tables: set[str] = field(default_factory=set[str])


def find_originals(lake: Lake, landed: Mapping[str, int], people: frozenset[str], needles: frozenset[str]) -> Originals:
    """Which files of the inbox the landed rows of these people came from. landed: paths of parts that hold them.

    A file in which they are named elsewhere, too, or that is no plain JSON lines, is to be mended by hand.
    """
    lines: dict[str, set[int]] = defaultdict(set)
    others: dict[str, set[int]] = defaultdict(set)
    for path in landed:
        table = lake.read_table(path, columns=["user_pseudonym", "source_file", "source_line"])
        mask = pc.is_in(table["user_pseudonym"], value_set=pa.array(sorted(people), pa.string()))
        file_hash = path.rsplit("/", 1)[-1].removesuffix(".parquet")
        lines[file_hash] |= set(table.filter(mask)["source_line"].to_pylist())
        others[file_hash] |= set(table.filter(pc.invert(mask))["source_line"].to_pylist())
    for file_hash, rejected in _rejected_lines(lake, people).items():
        lines[file_hash] |= rejected
    found = Originals()
    for file_hash in lines:
        if table_part(file_hash) is not None:
            try:
                entry = read_entry(lake, file_hash)
            except DamagedFileError:
                entry = None
            found.tables.add(entry.name.partition(",")[0] if entry else "a table")
    pattern = needle_bytes(needles)
    for file in listed_files(lake):
        if file.trouble is not None:
            continue
        file_hash, content = _hash(lake, file.path), lake.read_bytes(file.path)
        if file_hash not in lines:
            if hits := len(pattern.findall(content)):
                found.by_hand[file.path] = hits
            continue
        plain = file.name.endswith((".jsonl", ".ndjson")) and not lines[file_hash] & others[file_hash]
        if plain:
            found.blanked[file.path] = sorted(lines[file_hash])
            if hits := len(pattern.findall(without_lines(content, found.blanked[file.path]))):
                found.by_hand[file.path] = hits
        else:
            found.by_hand[file.path] = len(lines[file_hash])
    return found


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


def without_lines(content: bytes, lines: list[int]) -> bytes:
    """The same file with these lines (1-based) empty, so that every other line keeps its number."""
    parts = content.split(b"\n")
    for line in lines:
        if line <= len(parts):
            parts[line - 1] = b""
    return b"\n".join(parts)


def _hash(lake: Lake, path: str) -> str:
    digest = hashlib.sha256()
    with lake.fs.open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:32]
