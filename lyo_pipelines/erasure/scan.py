"""The proof: every file of the data directory is searched for who was erased, Parquet by its texts, all else by its bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.texts import files_below, texts_of

LEAST = 5
"""Characters from which on an id is searched for: a shorter one stands in every second file by chance."""
_FOLDERS = ("lake", "review", "inbox", "gateway", "rehearsal")
_WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt")
_CHUNK = 1 << 22


def search(lake: Lake, needles: Sequence[str], more: Sequence[Path] = ()) -> tuple[dict[str, int], int]:
    """Path -> how many of the needles stand in it, and how many files were searched. more: other local folders (Dagster's home)."""
    wanted = [needle for needle in needles if len(needle) >= LEAST]
    found, searched = dict[str, int](), 0
    for path in _paths(lake):
        searched += 1
        hits = _in_table(lake, path, wanted) if path.endswith(".parquet") else _in_bytes(lake, path, wanted)
        if hits:
            found[path] = hits
    for folder in more:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            searched += 1
            content = file.read_bytes()
            if hits := sum(needle.encode() in content for needle in wanted):
                found[str(file)] = hits
    return found, searched


def _paths(lake: Lake) -> Iterator[str]:
    for name in _FOLDERS:
        folder = lake.side(name)
        if lake.exists(folder):
            yield from (path for path in files_below(lake, folder) if not path.endswith(_WEIGHTS))


def _in_table(lake: Lake, path: str, needles: Sequence[str]) -> int:
    try:
        texts = list(texts_of(lake.read_table(path)))
    except DamagedFileError:
        return _in_bytes(lake, path, needles)
    return sum(any(needle in text for text in texts) for needle in needles)


def _in_bytes(lake: Lake, path: str, needles: Sequence[str]) -> int:
    """Searched in pieces that overlap, so that a file of any size needs the same memory."""
    wanted = [needle.encode("utf-8", "surrogatepass") for needle in needles]
    overlap = max((len(needle) for needle in wanted), default=1) - 1
    hits, before = set[int](), b""
    with lake.fs.open(path, "rb") as handle:
        while block := handle.read(_CHUNK):
            piece = before + block
            hits |= {n for n, needle in enumerate(wanted) if needle in piece}
            before = piece[-overlap:] if overlap else b""
    return len(hits)
