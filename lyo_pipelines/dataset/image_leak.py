"""Does a picture stand in two splits? Asked of the files themselves, by their pixels, and not by the hashes that grouped them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.written_version import read_batches
from lyo_pipelines.images.errors import ImageGoneError
from lyo_pipelines.images.pixels import ALIKE, grey_cells, pixel_digest
from lyo_pipelines.images.store import read_image
from lyo_pipelines.json_types import JsonObject
from lyo_pipelines.storage.lake import Lake

NAME = "no_shared_image"
_ROWS = 1_024


def no_shared_image(lake: Lake, folder: str, limit: int) -> DatasetCheckResult | None:
    """No picture stands in two splits; None where no row has any. Nothing is trained where the very pixels do, or a file is gone.

    Pictures that merely look the same are told: a sheet that was filled in by two pupils is one exercise, or it is not.
    """
    splits = _splits_of_files(lake, folder)
    if not splits:
        return None
    shown: dict[str, set[int]] = defaultdict(set)
    cells, gone = list[np.ndarray](), list[str]()
    files = sorted(splits)
    for file in files:
        try:
            data = read_image(lake, file)
        except ImageGoneError:
            gone.append(file)
            cells.append(np.zeros(1, np.float32))
            continue
        shown[pixel_digest(data)] |= splits[file]
        cells.append(grey_cells(data))
    same = [sorted(found) for found in shown.values() if len(found) > 1]
    there = [number for number, file in enumerate(files) if file not in gone]
    alike = _alike([files[n] for n in there], [cells[n] for n in there], splits, limit)
    details: JsonObject = {
        "pictures": len(files),
        "same": len(same),
        "gone": len(gone),
        "alike": [list(pair) for pair in alike],
    }
    if gone:
        return DatasetCheckResult(NAME, False, f"{len(gone)} pictures of {len(files)} are gone: {gone[0]}", details)
    if same:
        where = " and ".join(SPLITS[code] for code in same[0])
        return DatasetCheckResult(
            NAME, False, f"{len(same)} pictures stand in two splits, for instance in {where}", details
        )
    if alike:
        said = (
            f"{len(alike)} pairs of pictures in two splits look the same, for instance {alike[0][0]} and {alike[0][1]}"
        )
        return DatasetCheckResult(NAME, False, said, details, blocking=False)
    return DatasetCheckResult(NAME, True, f"none of {len(files)} pictures in two splits", details)


def _splits_of_files(lake: Lake, folder: str) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    with lake.open_table(f"{folder}/{SPLITS[0]}.parquet") as parquet:
        if "images" not in parquet.schema_arrow.names:  # a version of before
            return found
    for code, table in read_batches(lake, folder, ["images"]):
        for files in table["images"].to_pylist():
            for file in files or ():
                found[file].add(code)
    return found


def _alike(files: list[str], cells: list[np.ndarray], splits: dict[str, set[int]], limit: int) -> list[tuple[str, str]]:
    """Pairs of pictures of different splits whose grey correlates, `limit` at most."""
    pairs = list[tuple[str, str]]()
    if not files:
        return pairs
    matrix = np.stack(cells)
    for start in range(0, len(files), _ROWS):
        close = matrix[start : start + _ROWS] @ matrix.T >= ALIKE
        for left, right in zip(*np.nonzero(close), strict=True):
            one, other = files[start + left], files[right]
            if one < other and splits[one] != splits[other]:
                pairs.append((one, other))
                if len(pairs) == limit:
                    return pairs
    return pairs
