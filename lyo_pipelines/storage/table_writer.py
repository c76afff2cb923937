"""Writing a Parquet file of the lake batch by batch."""

# pyarrow brings no types, so a writer is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUntypedBaseClass=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.storage.damage import PARQUET
from lyo_pipelines.storage.lake import Lake


class TableWriter(pq.ParquetWriter):
    """A ParquetWriter at a staged or temporary path: checksums of its pages, and at its end one of its footer."""

    def __init__(self, lake: Lake, path: str, schema: pa.Schema) -> None:
        self._lake, self._path = lake, path
        super().__init__(path, schema, filesystem=lake.fs, **PARQUET)

    def close(self) -> None:
        """Write the footer and its checksum; the second time nothing."""
        ends = self.is_open
        super().close()
        if ends:
            self._lake.seal_table(self._path)
