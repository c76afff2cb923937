"""What is counted while split files are written: rows by split, stratum and day, lengths. Judging it belongs to leakage checks."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lyo_pipelines.dataset.contract import NOBODY_SAYS, SPLITS, STRATUM
from lyo_pipelines.storage.arrow import offsets_and_values, pc

QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
STRATA_LISTED = 200


@dataclass(frozen=True)
class Counts:
    """Written rows by split (`rows`), by stratum and split (largest strata first), by day; quantiles of lengths.

    validity, expires: as in the manifest.
    """

    rows: dict[str, int]
    strata: dict[str, dict[str, int]]
    strata_not_listed: int
    days: dict[str, int]
    lengths: dict[str, dict[str, float]]
    validity: dict[str, dict[str, int]]
    expires: dict[str, int]
    images: dict[str, int]


class SplitStatistics:
    """Counts over written rows."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.rows: Counter[str] = Counter()
        self.strata: dict[str, Counter[str]] = defaultdict(Counter)
        self.days: Counter[str] = Counter()
        self.validity: dict[str, Counter[str]] = defaultdict(Counter)
        self.expires: Counter[str] = Counter()
        self.images: Counter[str] = Counter()
        self._lengths: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(self, table: pa.Table, split: np.ndarray) -> None:
        """Add rows (SPLIT_SCHEMA) with their split codes."""
        names = pa.array(SPLITS).take(pa.array(split))
        for name, count in _counts(names):
            self.rows[name] += count
        marked = pc.binary_join_element_wise(stratum_names(table), names, "\x1f")
        for key, count in _counts(marked):
            stratum, _, name = key.rpartition("\x1f")
            self.strata[stratum][name] += count
        for day, count in _counts(pc.strftime(table["occurred_at"], format="%Y-%m-%d")):
            self.days[day] += count
        if "validity" in table.column_names:  # files of before have none
            self._expiry(table, names)
        if "images" in table.column_names:
            self.images.update(dict(_counts(names.filter(pc.is_valid(table["images"])))))
        self._measure(table["messages"].combine_chunks())

    def _expiry(self, table: pa.Table, names: Any) -> None:
        said = pc.binary_join_element_wise(names, pc.fill_null(table["validity"], NOBODY_SAYS), "\x1f")
        for key, count in _counts(said):
            split, _, state = key.partition("\x1f")
            self.validity[split][state] += count
        learnt = pc.strftime(table["valid_until"].filter(pc.equal(names, SPLITS[0])), format="%Y-%m-%d")
        for day, count in _counts(learnt):
            if day:
                self.expires[day] += count

    def _measure(self, messages: pa.ListArray) -> None:
        offsets, flat = offsets_and_values(messages)
        content = flat.field("content")
        for unit, lengths in (("characters", pc.utf8_length(content)), ("utf8_bytes", pc.binary_length(content))):
            before = np.concatenate([[0], np.cumsum(lengths.to_numpy(zero_copy_only=False))])
            self._lengths[f"answer_{unit}"].append((before[offsets[1:]] - before[offsets[1:] - 1]).astype(np.int32))
            self._lengths[f"conversation_{unit}"].append((before[offsets[1:]] - before[offsets[:-1]]).astype(np.int32))
        self._lengths["messages"].append(np.diff(offsets).astype(np.int32))

    def counts(self) -> Counts:
        """Return everything, in an order that depends on the examples alone."""
        strata = sorted(self.strata.items(), key=lambda item: (-sum(item[1].values()), item[0]))
        listed = {name: {split: counts.get(split, 0) for split in SPLITS} for name, counts in strata[:STRATA_LISTED]}
        return Counts(
            rows={split: self.rows.get(split, 0) for split in SPLITS},
            strata=listed,
            strata_not_listed=max(len(strata) - STRATA_LISTED, 0),
            days=dict(sorted(self.days.items())),
            validity=self._said(),
            expires=dict(sorted(self.expires.items())),
            images={split: self.images.get(split, 0) for split in SPLITS} if self.images else {},
            lengths={name: _quantiles(np.concatenate(parts)) for name, parts in sorted(self._lengths.items())},
        )

    def _said(self) -> dict[str, dict[str, int]]:
        """Counts by split and state; nothing where nobody says anything of any row."""
        if all(states.keys() <= {NOBODY_SAYS} for states in self.validity.values()):
            return {}
        return {split: dict(sorted(self.validity[split].items())) for split in SPLITS if split in self.validity}


def stratum_names(table: pa.Table, columns: tuple[str, ...] = STRATUM) -> Any:
    """Return the stratum of each row: these columns joined by " · ", "-" where one is not known."""
    return pc.binary_join_element_wise(*(pc.fill_null(table[name], "-") for name in columns), " · ")


def _counts(values: Any) -> list[tuple[str, int]]:
    return [(pair["values"], pair["counts"]) for pair in pc.value_counts(values).to_pylist()]


def _quantiles(lengths: np.ndarray) -> dict[str, float]:
    values = np.quantile(lengths, QUANTILES, method="lower") if len(lengths) else np.zeros(len(QUANTILES))
    return {f"p{round(100 * q):02d}": float(value) for q, value in zip(QUANTILES, values, strict=True)}
