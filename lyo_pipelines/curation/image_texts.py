"""Personal data in the text of pictures: each picture is read once, and what was found is remembered by its kind, never by its words.

A finding stands in `lake/image_texts/<sha256>.json` with what it was made by; another reader, other finders or another threshold look
again. It cannot be taken out of a picture as it is out of a text, so its row goes.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.image_rules import CLEAR, FOUND, GONE, TEXT_COLUMN, UNREAD, may_be_learnt
from lyo_pipelines.images.errors import ImageGoneError
from lyo_pipelines.images.reading_text import TextReader, reader_name, text_reader
from lyo_pipelines.images.store import image_path, read_image, texts_path
from lyo_pipelines.json_types import is_dict
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

FINDERS = 1
"""Raise it when the finders of personal data change: pictures are then read again."""


class ImageTexts:
    """What the pictures of a lake say of persons. reader: None where nothing is installed that reads (UNREAD then)."""

    def __init__(self, lake: Lake, config: CurationConfig, reader: TextReader | None, name: str | None) -> None:
        self._lake, self._config, self._reader = lake, config, reader
        self._made_by = f"{name}, finders {FINDERS}, threshold {config.personal_data_threshold}"
        self._known: dict[str, str] = {}

    @classmethod
    def of(cls, lake: Lake, config: CurationConfig) -> ImageTexts:
        """With the reader that is installed; it is started only where some source's pictures may be learnt."""
        wanted = bool(config.images.learn_from)
        return cls(lake, config, text_reader() if wanted else None, reader_name())

    def with_findings(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with TEXT_COLUMN, where any of them has pictures."""
        if batch["images"].null_count == batch.num_rows:
            return batch
        rows = zip(batch["images"].to_pylist(), batch["source"].to_pylist(), strict=True)
        found = [
            self._of_row([image["file"] for image in images])
            if images and may_be_learnt(source, self._config.images)
            else None
            for images, source in rows
        ]
        return batch.append_column(TEXT_COLUMN, pa.array(found, pa.string()))

    def _of_row(self, files: Iterable[str]) -> str:
        found = {self._of(file) for file in files}
        return next(one for one in (GONE, FOUND, UNREAD, CLEAR) if one in found)

    def _of(self, file: str) -> str:
        if file not in self._known:
            self._known[file] = self._looked_at(file)
        return self._known[file]

    def _looked_at(self, file: str) -> str:
        try:
            if self._reader is None:
                return UNREAD if self._lake.exists(image_path(self._lake, file)) else GONE
            data = read_image(self._lake, file)
        except ImageGoneError:
            return GONE
        if (before := self._remembered(file)) is not None:
            return before
        kinds = self._personal(self._reader(data))
        finding = FOUND if kinds else CLEAR
        told = {"made_by": self._made_by, "finding": finding, "kinds": kinds}
        self._lake.write_json(told, texts_path(self._lake, file))
        return finding

    def _remembered(self, file: str) -> str | None:
        path = texts_path(self._lake, file)
        try:
            told = self._lake.read_json(path) if self._lake.exists(path) else None
        except DamagedFileError:
            return None
        if not is_dict(told) or told.get("made_by") != self._made_by:
            return None
        finding = told.get("finding")
        return str(finding) if finding in (CLEAR, FOUND) else None

    def _personal(self, text: str) -> list[str]:
        """The kinds of personal data in a text, by name."""
        # here and not above: compiling all patterns takes most of a second, which every process of Dagster would pay
        from lyo_pipelines.curation.privacy.redact import redact_unique

        if not text.strip():
            return []
        # lines as they stand, and as one text: an address goes over several
        texts = pl.Series([*text.splitlines(), " ".join(text.split())], dtype=pl.String)
        found = redact_unique(texts.unique(maintain_order=True), self._config)
        return sorted({kind for one in found.values() for kind in one.counts})
