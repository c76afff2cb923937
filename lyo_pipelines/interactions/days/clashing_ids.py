"""The same id on other content is no copy: such ids are scoped by what they stand on; feedback that names the bare one reaches none.

Counters that begin anew in every file, the id of a conversation on each of its rows: the first that landed keeps its id, the others
get `<id>~<digest of the question>`, the same whenever they come again. Content is the same where the question is, or a long answer.
Which bare ids are ambiguous stands in `lake/clashes/date=…/<file-hash>.parquet` of the days that hold them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.contract import LANDED
from lyo_pipelines.interactions.identity import match_keys
from lyo_pipelines.interactions.store.key_index import day_keys, indexed_days
from lyo_pipelines.interactions.store.ledger import landed_names
from lyo_pipelines.storage.arrow import group_batches
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.table_writer import TableWriter

SCOPED = "interaction_id: the same id stands on other content, so it was scoped"
_KEY = "interaction_key"
_TELLING_ANSWER = 40
"""Characters from which on an answer alone shows that two rows are one interaction."""
_ROWS = 16_384

Contents = dict[int, list[frozenset[bytes]]]
"""Key of an id -> what it stands on: digests of question and long answer, one set for each content."""


@dataclass
class Clashes:
    """Scoped rows of a file that is landing, and the bare ids by the day that holds them."""

    rows: int = 0
    ambiguous: dict[date, set[int]] = field(default_factory=dict)


def scope_clashing_ids(
    lake: Lake, file_hash: str, staged: dict[date, str], landed: Iterable[str], *, keys: Sequence[np.ndarray],
    reach_days: int, matching_key: str,
) -> Clashes:  # fmt: skip
    """Give staged rows whose id stands on other content (in the file or in the lake) an id of their own, in place.

    staged: day -> file of LANDED rows; keys: those of all its rows, in any order (uint64, kept while the rows were converted: reading
    them again would be a pass over the files). matching_key: of interaction ids.
    """
    if not staged:
        return Clashes()
    unique, counts = np.unique(np.concatenate(keys), return_counts=True)
    suspects, elsewhere = [unique[counts > 1]], {}
    reach = timedelta(days=reach_days)
    for day in indexed_days(lake, "interactions"):
        if min(staged) - reach <= day <= max(staged) + reach:
            met = np.intersect1d(day_keys(lake, "interactions", day), unique, assume_unique=True)
            if len(met):
                elsewhere[day] = met
                suspects.append(met)
    suspected = np.unique(np.concatenate(suspects))
    if not len(suspected):
        return Clashes()
    known = set(landed) - {file_hash}
    contents, homes = _landed_contents(lake, elsewhere, known)
    clashes = Clashes()
    for day in sorted(staged):
        if len(np.intersect1d(_keys(lake, staged[day]), suspected)):
            _scope_day(lake, day, staged, suspected, contents, homes, clashes, matching_key)
    return clashes


def clashes_path(lake: Lake, day: date, file_hash: str) -> str:
    """Where the ambiguous ids that a file brought to a day stand."""
    return lake.path("clashes", f"date={day.isoformat()}", f"{file_hash}.parquet")


def clashes_names(lake: Lake, day: date, landed: Iterable[str]) -> list[str]:
    """Names of these lists for a day, of complete landings only."""
    return landed_names(lake, lake.path("clashes", f"date={day.isoformat()}"), set(landed))


def ambiguous_keys(lake: Lake, day: date, names: Iterable[str]) -> np.ndarray:
    """Keys of ids that stand on more than one content, so that nobody knows of which one a feedback speaks."""
    paths = [clashes_path(lake, day, name.removesuffix(".parquet")) for name in names]
    found = [lake.read_table(path)["key"].to_numpy() for path in paths]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def write_clashes(lake: Lake, file_hash: str, clashes: Clashes) -> set[date]:
    """Write the lists; returns their days."""
    for day, keys in clashes.ambiguous.items():
        lake.write_table(pa.table({"key": pa.array(sorted(keys), pa.uint64())}), clashes_path(lake, day, file_hash))
    return set(clashes.ambiguous)


def _keys(lake: Lake, path: str) -> np.ndarray:
    return lake.read_table(path, columns=[_KEY])[_KEY].to_numpy()


def _landed_contents(
    lake: Lake, elsewhere: dict[date, np.ndarray], known: set[str]
) -> tuple[Contents, dict[int, set[date]]]:
    """What the ids stand on in the lake, and on which days."""
    contents: Contents = {}
    homes: dict[int, set[date]] = {}
    for day, keys in elsewhere.items():
        folder = lake.landing_dir(day)
        for name in landed_names(lake, folder, known):
            table = lake.read_table(f"{folder}/{name}", columns=[_KEY, "question", "answer"])
            hits = np.flatnonzero(np.isin(table[_KEY].to_numpy(), keys))
            for row in table.take(pa.array(hits)).to_pylist():
                _known_content(contents, row[_KEY], _content(row["question"], row["answer"]), add=True)
                homes.setdefault(row[_KEY], set()).add(day)
    return contents, homes


def _content(question: str, answer: str | None) -> frozenset[bytes]:
    parts = [b"q" + " ".join(question.split()).encode()]
    if answer and len(answer) >= _TELLING_ANSWER:
        parts.append(b"a" + " ".join(answer.split()).encode())
    return frozenset(hashlib.blake2b(part, digest_size=12).digest() for part in parts)


def _known_content(contents: Contents, key: int, content: frozenset[bytes], *, add: bool) -> bool:
    """Whether the bare id stands on this content; the first content of an id, or with `add` any, becomes its own."""
    there = contents.setdefault(key, [])
    if any(content & other for other in there):
        return True
    if add or not there:
        there.append(content)
        return True
    return False


def _scope_day(
    lake: Lake,
    day: date,
    staged: dict[date, str],
    suspected: np.ndarray,
    contents: Contents,
    homes: dict[int, set[date]],
    clashes: Clashes,
    matching_key: str,
) -> None:
    """Rewrite the staged file of a day with scoped ids; rows without a clash stay as they are."""
    path = staged[day]
    target, scoped = f"{path.removesuffix('.parquet')}-scoped.parquet", 0
    with TableWriter(lake, target, LANDED) as writer, lake.open_table(path) as file:
        for batch in group_batches(file, _ROWS):
            table = pa.Table.from_batches([batch], LANDED)
            hits = np.flatnonzero(np.isin(table[_KEY].to_numpy(), suspected))
            named = {}
            for index, row in zip(
                hits.tolist(),
                table.select([_KEY, "interaction_id", "question", "answer"]).take(hits).to_pylist(),
                strict=True,
            ):
                key = row[_KEY]
                if _known_content(contents, key, _content(row["question"], row["answer"]), add=False):
                    homes.setdefault(key, set()).add(day)
                    continue
                named[index] = (
                    f"{row['interaction_id']}~{hashlib.blake2b(row['question'].encode(), digest_size=4).hexdigest()}"
                )
                for home in homes.get(key, ()):
                    clashes.ambiguous.setdefault(home, set()).add(key)
            writer.write_table(_renamed(table, named, matching_key) if named else table)
            scoped += len(named)
    if scoped:
        lake.fs.rm(path)
        staged[day] = target
        clashes.rows += scoped
    else:
        lake.fs.rm(target)


def _renamed(table: pa.Table, named: dict[int, str], matching_key: str) -> pa.Table:
    """A table with the new ids and their keys; the others keep the keys of the ids that their source gave."""
    ids, keys = table["interaction_id"].to_pylist(), table[_KEY].to_numpy().copy()
    keys[list(named)] = match_keys(pa.array(named.values(), pa.string()), matching_key).to_numpy()
    for index, name in named.items():
        ids[index] = name
    column = pa.array(ids, pa.string())
    table = table.set_column(LANDED.get_field_index("interaction_id"), LANDED.field("interaction_id"), column)
    return table.set_column(LANDED.get_field_index(_KEY), LANDED.field(_KEY), pa.array(keys, pa.uint64()))
