"""The same interaction under two dates appears once: the earliest date keeps it.

When a file lands, days that hold an id which an earlier day holds too get a list of keys to leave out and the days that keep them, in
`lake/repeats/date=…/<file-hash>.parquet`. The list counts as far as those days still hold the keys when the day is built, so that
nothing is left out because of a file that was taken back. Repeats within one day: duplicates.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from lyo_pipelines.interactions.days.feedback_routing import StagedRows
from lyo_pipelines.interactions.store.key_index import KeySieve, day_keys, indexed_days, staged_keys
from lyo_pipelines.interactions.store.ledger import landed_names
from lyo_pipelines.storage.arrow import pc
from lyo_pipelines.storage.lake import Lake

_ID = ("interaction_key",)


def find_duplicates(
    lake: Lake, file_hash: str, staged: StagedRows, landed: Iterable[str], reach_days: int
) -> dict[date, pa.Table]:
    """Keys to leave out by day, because of a file that is landing: of its own days and of later days that landed before.

    Call it before the file's keys are in the index or after: only landed files count.
    """
    if not staged:
        return {}
    reach = timedelta(days=reach_days)
    low, high = min(staged) - reach, max(staged) + reach
    others = [day for day in indexed_days(lake, "interactions") if low <= day <= high]
    sieve, twice = KeySieve(), []
    for path in staged.values():
        keys = staged_keys(lake, path, _ID)
        twice.append(sieve.maybe(keys))
        sieve.add(keys)
    elsewhere = [(day, keys) for day in others if len(keys := sieve.maybe(day_keys(lake, "interactions", day)))]
    suspects = np.unique(np.concatenate([*twice, *(keys for _, keys in elsewhere)]))
    if not len(suspects):
        return {}
    own = {day: np.intersect1d(staged_keys(lake, path, _ID), suspects) for day, path in staged.items()}
    mine = np.unique(np.concatenate(list(own.values())))
    known = set(landed) - {file_hash}
    held = list(own.items())
    held += [
        (day, keys)
        for day, maybe in elsewhere
        if len(np.intersect1d(maybe, mine)) and len(keys := np.intersect1d(_landed_keys(lake, day, known), mine))
    ]
    return dict(_later(held))


def _later(held: list[tuple[date, np.ndarray]]) -> Iterator[tuple[date, pa.Table]]:
    """For each day the keys that earlier days hold, with those days."""
    days = sorted({day for day, _ in held})
    keys = {day: np.unique(np.concatenate([part for other, part in held if other == day])) for day in days}
    for number, day in enumerate(days):
        parts = []
        for earlier in days[:number]:
            again = np.intersect1d(keys[day], keys[earlier])
            parts.append(pa.table({"key": again, "kept_on": pa.repeat(pa.scalar(earlier, pa.date32()), len(again))}))
        if any(len(part) for part in parts):
            yield day, pa.concat_tables(parts)


def _landed_keys(lake: Lake, day: date, landed: set[str]) -> np.ndarray:
    folder = lake.landing_dir(day)
    keys = [staged_keys(lake, f"{folder}/{name}", _ID) for name in landed_names(lake, folder, landed)]
    return np.unique(np.concatenate(keys)) if keys else np.empty(0, np.uint64)


def duplicates_path(lake: Lake, day: date, file_hash: str) -> str:
    """Where the list of one day and file stands."""
    return lake.path("repeats", f"date={day.isoformat()}", f"{file_hash}.parquet")


def duplicates_names(lake: Lake, day: date, landed: Iterable[str]) -> list[str]:
    """Names of the lists for a day, of complete landings only."""
    return landed_names(lake, lake.path("repeats", f"date={day.isoformat()}"), set(landed))


def keeping_days(lake: Lake, day: date, names: Iterable[str]) -> list[date]:
    """Earlier days that keep interactions which a day leaves out."""
    lists = [lake.read_table(duplicates_path(lake, day, name.removesuffix(".parquet")), ["kept_on"]) for name in names]
    return sorted({kept_on for table in lists for kept_on in table["kept_on"].unique().to_pylist()})


def duplicate_keys(lake: Lake, day: date, names: Iterable[str], landed: Iterable[str]) -> np.ndarray:
    """Keys to leave out of a day: those on its lists that an earlier day does hold."""
    tables = [lake.read_table(duplicates_path(lake, day, name.removesuffix(".parquet"))) for name in names]
    if not tables:
        return np.empty(0, np.uint64)
    lists, known, found = pa.concat_tables(tables), set(landed), []
    for kept_on in lists["kept_on"].unique():
        keys = lists.filter(pc.equal(lists["kept_on"], kept_on))["key"].to_numpy()
        found.append(np.intersect1d(keys, _landed_keys(lake, kept_on.as_py(), known)))
    return np.unique(np.concatenate(found))
