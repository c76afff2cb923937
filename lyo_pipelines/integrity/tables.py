"""Opening Parquet files one by one: the footer, or with `deep` every page with its checksum."""

from __future__ import annotations

from collections.abc import Iterable

from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake


def table_damage(lake: Lake, path: str, *, deep: bool) -> str | None:
    """What is wrong with a Parquet file, or None."""
    try:
        if not deep:
            lake.table_footer(path)
            return None
        with lake.open_table(path) as file:
            for number in range(file.num_row_groups):
                file.read_row_group(number)
    except FileNotFoundError:
        return "is gone"
    except DamagedFileError as error:
        return error.message.removeprefix(path).strip()
    return None


def tables_below(lake: Lake, stage: str) -> Iterable[str]:
    """Paths of the Parquet files of a stage, in order: those in its folders (by day or name), and those beside the folders."""
    for entry in lake.names(lake.path(stage)):
        if entry.endswith(".parquet"):
            yield lake.path(stage, entry)
            continue
        for name in lake.names(lake.path(stage, entry)):
            if name.endswith(".parquet"):
                yield lake.path(stage, entry, name)
