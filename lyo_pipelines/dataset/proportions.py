"""Are the splits as large as they should be, in each stratum? Allows for chance, so that small strata raise no alarm."""

from __future__ import annotations

from typing import Any, TypedDict, cast

import numpy as np
import pyarrow as pa

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.checks import DatasetCheckResult
from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.json_types import JsonObject


class StratumShares(TypedDict):
    """One stratum: examples, groups, effective independent draws, and each split's share of the examples."""

    stratum: str
    examples: int
    groups: int
    draws: float
    shares: dict[str, float]


def split_proportions(stratum: Any, group: Any, split: np.ndarray, config: DatasetConfig) -> DatasetCheckResult:
    """Compare each split's share with its fraction, in every stratum and in all; a warning, never blocking.

    Groups, not rows, are drawn: a stratum with group sizes s counts as sum(s)^2 / sum(s^2) independent draws (Kish 1965). A share is
    outside when an exact binomial test of that many draws rejects its fraction at `proportions_alpha`, Bonferroni-corrected over all
    judged strata and splits, so that all of them together raise a false alarm that rarely.
    """
    from scipy.stats import binom

    strata, names = _as_codes(stratum)
    groups, _ = _as_codes(group)
    everything = np.zeros(len(split), np.int64)
    measured = [_measure(name, mask, groups, split) for name, mask in _masks(everything, ["all"])]
    if len(names) > 1:
        measured += [_measure(name, mask, groups, split) for name, mask in _masks(strata, names.to_pylist())]
    judged = [row for row in measured if row["draws"] >= config.proportions_minimum_groups]
    tail = config.proportions_alpha / (2 * len(SPLITS) * max(len(judged), 1))
    expected = config.fractions.model_dump()
    off = []
    for row in judged:
        draws = round(row["draws"])
        for name, fraction in expected.items():
            low, high = float(binom.ppf(tail, draws, fraction)) / draws, float(binom.isf(tail, draws, fraction)) / draws
            # half a draw of slack, because effective draws are not whole numbers
            if not low - 0.5 / draws <= row["shares"][name] <= high + 0.5 / draws:
                allowed = [round(low, 4), round(high, 4)]
                off.append(
                    {
                        "stratum": row["stratum"],
                        "split": name,
                        "share": row["shares"][name],
                        "expected": fraction,
                        "allowed": allowed,
                    }
                )
    shares = ", ".join(f"{name} {measured[0]['shares'][name]:.1%}" for name in SPLITS)
    message = f"{shares}; {len(judged)} of {len(measured)} strata large enough to judge" + (
        f"; {len(off)} outside the tolerance, first {off[0]['stratum']} / {off[0]['split']}. "
        "Merges into the held-out side can cause that over time."
        if off
        else "; all within the tolerance"
    )
    details = {
        "outside": off[: config.report_items],
        "strata": measured[: config.report_items],
        "judged": len(judged),
    }
    return DatasetCheckResult("split_proportions", not off, message, cast("JsonObject", details), blocking=False)


def _as_codes(values: Any) -> tuple[np.ndarray, Any]:
    """(a number for each value, the distinct values)."""
    encoded = (
        values.combine_chunks().dictionary_encode()
        if isinstance(values, pa.ChunkedArray)
        else values.dictionary_encode()
    )
    return encoded.indices.to_numpy(), encoded.dictionary


def _masks(codes: np.ndarray, names: list[str]) -> list[tuple[str, np.ndarray]]:
    """Row positions of each stratum, largest first."""
    order = np.argsort(codes, kind="stable")
    borders = np.searchsorted(codes[order], np.arange(len(names) + 1))
    parts = [(name, order[borders[n] : borders[n + 1]]) for n, name in enumerate(names)]
    return sorted(parts, key=lambda part: (-len(part[1]), part[0]))


def _measure(name: str, rows: np.ndarray, groups: np.ndarray, split: np.ndarray) -> StratumShares:
    sizes = np.unique(groups[rows], return_counts=True)[1].astype(float)
    share = np.bincount(split[rows], minlength=len(SPLITS)) / len(rows)
    return {
        "stratum": name,
        "examples": len(rows),
        "groups": len(sizes),
        "draws": round(float(sizes.sum() ** 2 / (sizes**2).sum()), 1),
        "shares": {split_name: round(float(share[code]), 4) for code, split_name in enumerate(SPLITS)},
    }
