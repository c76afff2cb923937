"""The passages of a lake's document sets as they are now: read again when a set was, without what holds no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Lock

from lyo_pipelines.documents.contract import VALIDITY_FIELDS
from lyo_pipelines.documents.retrieval.index import Passage, PassageIndex
from lyo_pipelines.json_types import TableRow
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import CURRENT, Validity, state_on

_COLUMNS = ["document_id", "number", "heading_path", "text", "language", "source_file"]


def passages_of(lake: Lake, name: str, validity: Validity, day: date) -> list[Passage]:
    """The passages of one set that hold on a day; of a document that says nothing of it, all."""
    table = lake.read_table(lake.documents(name, "chunks"))
    rows = table.select(
        [*_COLUMNS, *(one.name for one in VALIDITY_FIELDS if one.name in table.column_names)]
    ).to_pylist()
    return [
        Passage(
            document=row["document_id"],
            number=row["number"],
            set=name,
            source_file=row["source_file"],
            title=" › ".join(row["heading_path"]),
            text=row["text"],
            language=row["language"],
        )
        for row in rows
        if _holds(row, validity, day)
    ]


def _holds(row: TableRow, validity: Validity, day: date) -> bool:
    window = validity.of_document(**{one.name: row.get(one.name) for one in VALIDITY_FIELDS})
    return window is None or state_on(window, day) == CURRENT


@dataclass
class PassageShelf:
    """Indexes of the sets that were asked for; may be asked from several threads. validity: what the curriculum says now."""

    lake: Lake
    validity: Callable[[], Validity]
    _known: dict[str, tuple[object, PassageIndex]] = field(default_factory=dict)
    _one: Lock = field(default_factory=Lock)

    def index(self, name: str, day: date) -> PassageIndex:
        """The index of one set, or of all sets together for ""; without such a set it holds nothing."""
        sets = [one for one in self.lake.document_sets() if name in ("", one)]
        validity = self.validity()
        files = [f"{one} {self.lake.fingerprint(self.lake.documents(one, 'chunks'))}" for one in sets]
        now = (tuple(files), validity.editions, validity.year_start, day)
        with self._one:
            before = self._known.get(name)
            if before is None or before[0] != now:
                passages = [passage for one in sets for passage in passages_of(self.lake, one, validity, day)]
                before = self._known[name] = (now, PassageIndex(passages))
        return before[1]
