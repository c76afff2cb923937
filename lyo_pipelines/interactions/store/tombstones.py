"""Who was erased, as keyed digests at the door: what a re-read file or table brings of them is refused.

`lake/erased/people.json` holds a digest for each person (not the pseudonym, and not to be turned back into it),
`lake/erased/keys.parquet` the keyed hashes of the ids of their interactions, traces and conversations, so that rows without a user
and late feedback stay out too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.conversion.rejected import RejectedRecord
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.small_files import read_object

REASON = "erased_person"
_PSEUDONYM = re.compile(r"u_[0-9a-f]{20}(?![0-9a-f])")


@dataclass
class Tombstones:
    """people: digests; keys: sorted uint64."""

    people: frozenset[str] = frozenset()
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))

    def holds(self, pseudonym: str | None, pseudonyms: Pseudonyms) -> bool:
        """Whether this person was erased."""
        return pseudonym is not None and pseudonyms.tombstone(pseudonym) in self.people

    def without_erased(self, table: pa.Table, pseudonyms: Pseudonyms) -> tuple[pa.Table, list[RejectedRecord]]:
        """Accepted rows (LANDED or FEEDBACK) without those of erased people, and a record of each that says nothing of it."""
        if not self.people or not len(table):
            return table, []
        if "target_key" in table.column_names:
            gone = np.isin(table["target_key"].to_numpy(), self.keys)
        else:
            users = table["user_pseudonym"]
            erased = [one for one in users.unique().to_pylist() if self.holds(one, pseudonyms)]
            gone = pc.is_in(users, value_set=pa.array(erased, pa.string())).to_numpy(zero_copy_only=False)
            gone |= np.isin(table["interaction_key"].fill_null(0).to_numpy(), self.keys)
        if not gone.any():
            return table, []
        lines = table["source_line"].to_numpy()[gone].tolist()
        records: list[RejectedRecord] = [{"line": line, "reason": REASON, "detail": ""} for line in lines]
        return table.filter(pa.array(~gone)), records

    def silenced(self, records: list[RejectedRecord], pseudonyms: Pseudonyms) -> list[RejectedRecord]:
        """Records of rejected rows; of an erased person's only the line and the reason are kept."""
        if not self.people:
            return records
        return [
            {"line": record["line"], "reason": record["reason"], "detail": ""}
            if any(self.holds(found, pseudonyms) for found in _PSEUDONYM.findall(record.get("raw", "")))
            else record
            for record in records
        ]


def people_path(lake: Lake) -> str:
    """Where the digests of people stand."""
    return lake.path("erased", "people.json")


def keys_path(lake: Lake) -> str:
    """Where the keys of their ids stand."""
    return lake.path("erased", "keys.parquet")


def read_tombstones(lake: Lake) -> Tombstones:
    """All of them. Raises DamagedFileError: nothing may land while nobody can tell who was erased."""
    if not lake.exists(people_path(lake)):
        return Tombstones()
    told = read_object(lake, people_path(lake)).get("people")
    people = frozenset(map(str, told)) if isinstance(told, list) else frozenset()
    return Tombstones(people, lake.read_table(keys_path(lake))["key"].to_numpy())


def people_text(people: Iterable[str]) -> str:
    """The file of digests."""
    return json.dumps({"people": sorted(people)}, indent=1) + "\n"
