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
    """Paths of the Parquet files of a stage that lies by day (or by name), in order."""
    for folder in lake.names(lake.path(stage)):
        for name in lake.names(lake.path(stage, folder)):
            if name.endswith(".parquet"):
                yield lake.path(stage, folder, name)
