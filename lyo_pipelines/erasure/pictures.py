"""The pictures that erased people showed and nobody else does: in the lake, and as they came in beside an export."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.interactions import ImageLimits
from lyo_pipelines.erasure.reach import Reach, theirs
from lyo_pipelines.images.errors import ImageRefusedError
from lyo_pipelines.images.normalise import normalise
from lyo_pipelines.images.references import COLUMN, files_at, files_in, naming_tables
from lyo_pipelines.images.store import image_path, texts_path
from lyo_pipelines.interactions.reading.unpacking import PICTURES
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.rewriting import Rewriting
from lyo_pipelines.storage.texts import files_below


def their_pictures(lake: Lake, reach: Reach) -> set[str]:
    """Files of pictures that rows of theirs name and no row of anybody else."""
    mine, others = set[str](), set[str]()
    for path in naming_tables(lake):
        if not files_at(lake, path):
            continue
        with lake.open_table(path) as file:
            ids = [name for name in ("interaction_id", "example_id") if name in file.schema_arrow.names]
            table = file.read(columns=[COLUMN, *ids])
        mask = np.zeros(len(table), bool)
        for name, values in (("interaction_id", reach.interactions), ("example_id", reach.examples)):
            if name in ids:
                mask |= theirs(table, name, values)
        mine |= files_in(table.filter(pa.array(mask)))
        others |= files_in(table.filter(pa.array(~mask)))
    return mine - others


def stage_pictures(lake: Lake, reach: Reach, rewriting: Rewriting, limits: ImageLimits) -> int:
    """Stage them to be removed, what was found in them, and the files of the inbox that show the same; how many pictures."""
    gone = their_pictures(lake, reach)
    for file in sorted(gone):
        rewriting.remove(image_path(lake, file))
        rewriting.remove(texts_path(lake, file))
    if gone:
        for path in files_below(lake, lake.side("inbox")):
            if path.lower().endswith(PICTURES) and _landed_as(lake.read_bytes(path), limits) in gone:
                rewriting.remove(path)
    return len(gone)


def _landed_as(data: bytes, limits: ImageLimits) -> str | None:
    try:
        return normalise(data, limits).file
    except ImageRefusedError:
        return None
