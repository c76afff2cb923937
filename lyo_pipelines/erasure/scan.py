"""The proof: every file of the data directory is searched for who was erased, Parquet by its texts, all else by its bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from lyo_pipelines.erasure.needles import needle_bytes, needle_pattern, told_apart
from lyo_pipelines.erasure.requests import REQUESTS
from lyo_pipelines.interactions.errors import UnreadableFileError
from lyo_pipelines.interactions.reading.source_file import InputFile
from lyo_pipelines.interactions.reading.unpacking import compression
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.texts import files_below, texts_of

_FOLDERS = ("lake", "review", "inbox", "gateway", "rehearsal", REQUESTS)
_WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt")
_CHUNK = 1 << 22


def search(lake: Lake, needles: Collection[str], more: Sequence[Path] = ()) -> tuple[dict[str, int], int]:
    """Path -> how many different ones of the needles stand in it, and how many files were searched.

    more: other local folders (Dagster's home). Needles too short to be told from chance are left out.
    """
    wanted = told_apart(needles)
    found, searched = dict[str, int](), 0
    for path in _paths(lake):
        searched += 1
        if hits := _in_table(lake, path, wanted) if path.endswith(".parquet") else _in_bytes(lake, path, wanted):
            found[path] = len(hits)
    pattern = needle_bytes(wanted)
    for folder in more:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            searched += 1
            if hits := set(pattern.findall(file.read_bytes())):
                found[str(file)] = len(hits)
    return found, searched


def _paths(lake: Lake) -> Iterator[str]:
    for name in _FOLDERS:
        folder = lake.side(name)
        if lake.exists(folder):
            yield from (path for path in files_below(lake, folder) if not path.endswith(_WEIGHTS))


def _in_table(lake: Lake, path: str, needles: Collection[str]) -> set[str]:
    pattern = needle_pattern(needles)
    try:
        return {hit for text in texts_of(lake.read_table(path)) for hit in pattern.findall(text)}
    except DamagedFileError:
        return _in_bytes(lake, path, needles)


def _in_bytes(lake: Lake, path: str, needles: Collection[str]) -> set[str]:
    """What stands in the bytes of a file, and in what it unpacks to."""
    with lake.fs.open(path, "rb") as handle:
        hits = _in_stream(handle, needles)
        handle.seek(0)
        packed = compression(handle.read(8))
    if packed:
        with suppress(UnreadableFileError), InputFile.at(path, lake.fs).content() as content:
            hits |= _in_stream(content, needles)
    return hits


def _in_stream(handle: IO[bytes], needles: Collection[str]) -> set[str]:
    """Searched in pieces that overlap, so that a file of any size needs the same memory."""
    pattern = needle_bytes(needles)
    overlap = max((len(needle.encode("utf-8", "surrogatepass")) for needle in needles), default=0) + 1
    hits, before = set[bytes](), b""
    while block := handle.read(_CHUNK):
        hits |= set(pattern.findall(before + block))
        before = (before + block)[-overlap:]
    return {hit.decode("utf-8", "surrogatepass") for hit in hits}
