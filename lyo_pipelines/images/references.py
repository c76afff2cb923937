"""Which pictures rows still refer to, and taking away the others."""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from lyo_pipelines.images.store import FOLDER, remove_image, stored_images
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

COLUMN = "images"
BY_DAY = ("landing", "interactions", "examples")
"""Stages whose rows name pictures."""


def files_in(table: pa.Table) -> set[str]:
    """Names of the pictures that the rows of a table show."""
    if COLUMN not in table.column_names or table[COLUMN].null_count == len(table):
        return set()
    shown = table[COLUMN].combine_chunks().flatten()
    return set(shown.field("file").drop_null().to_pylist())


def naming_tables(lake: Lake) -> Iterator[str]:
    """Paths of every Parquet file that may name pictures: rows by day, and versions of datasets."""
    for stage in BY_DAY:
        for day in lake.days(stage, name=""):
            folder = lake.path(stage, f"date={day.isoformat()}")
            yield from (f"{folder}/{name}" for name in lake.names(folder) if name.endswith(".parquet"))
    for segment in lake.names(lake.path("datasets")):
        for version in lake.names(lake.dataset_dir(segment)):
            folder = lake.dataset_dir(segment, version)
            yield from (f"{folder}/{name}" for name in lake.names(folder) if name.endswith(".parquet"))


def files_at(lake: Lake, path: str) -> set[str]:
    """Names of the pictures that the rows of a file show; of one that has no such column none, without reading it."""
    with lake.open_table(path) as file:
        if COLUMN not in file.schema_arrow.names:
            return set()
        return files_in(file.read(columns=[COLUMN]))


def referred(lake: Lake, without: Collection[str] = ()) -> set[str]:
    """Pictures that anything refers to. without: paths that are not looked at. Raises DamagedFileError."""
    found = set[str]()
    for path in naming_tables(lake):
        if path not in without:
            found |= files_at(lake, path)
    return found


def unreferred(lake: Lake) -> list[str]:
    """Pictures that nothing refers to: of erased or expired rows, or of a landing that was killed."""
    if not lake.exists(lake.path(FOLDER)):
        return []
    named = referred(lake)
    return [file for file in stored_images(lake) if file not in named]


def sweep_images(lake: Lake) -> int:
    """Remove pictures that nothing refers to; how many. Call it under the landing lock: a landing writes pictures before its rows.

    While any file that may name pictures is damaged, nothing is removed.
    """
    try:
        gone = unreferred(lake)
    except DamagedFileError:
        return 0
    for file in gone:
        remove_image(lake, file)
    return len(gone)
