"""Data quality of a day and its segments: counts that add up over batches, metrics made from them, and checks that fail loudly.

Pure; the asset checks in the UI are made from `quality_checks` elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.contract import QUALITY, CurationReport
from lyo_pipelines.curation.rules import RULES, reported_errors

OPTIONAL = ("subject", "topic", "grade", "user_pseudonym", "conversation_id", "model")
"""Columns whose absence is counted: segments, strata and caps need them."""

DAY = ""
"""The segment name that stands for the whole day."""
WHOLE_DAY = "whole day"


@dataclass
class Tally:
    """Counts per segment, and the hashes of question and answer that tell duplicates (8 bytes a row)."""

    counts: dict[str, dict[str, float]] = field(default_factory=dict)
    hashes: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add another batch's counts to this one."""
        for segment, values in other.counts.items():
            mine = self.counts.setdefault(segment, {})
            for name, value in values.items():
                mine[name] = mine.get(name, 0.0) + value
        for segment, parts in other.hashes.items():
            self.hashes.setdefault(segment, []).extend(parts)


def tally(frame: pl.DataFrame, rows_with_pii: pl.Series, kept_segments: pl.Series) -> Tally:
    """Count one batch.

    frame: prepared rows with `verdict`; rows_with_pii: whether each kept row had personal data; kept_segments: their segments.
    """
    rated = pl.col("rating").is_not_null() & pl.col("rating").is_not_nan()
    mismatch = next(position for position, rule in enumerate(RULES) if rule.name == "wrong_language")
    grouped = (
        frame.with_columns(reported=reported_errors(frame["error"]))
        .group_by("segment")
        .agg(
            rows=pl.len(),
            rated=rated.sum(),
            rating_sum=pl.col("rating").filter(rated).sum(),
            thumbs=pl.col("thumbs").is_not_null().sum(),
            errors=pl.col("reported").sum(),
            complaints=(pl.col("complaint_category").is_not_null() | pl.col("complaint_text").is_not_null()).sum(),
            retried=(pl.col("retries").fill_null(0) > 0).sum(),
            kept=(pl.col("verdict") < 0).sum(),
            examined_for_language=((pl.col("verdict") < 0) | (pl.col("verdict") >= mismatch)).sum(),
            language_mismatch=(pl.col("verdict") == mismatch).sum(),
            romanised=(pl.col("bucket") != pl.col("declared")).sum(),
            **{f"missing_{name}": pl.col(name).is_null().sum() for name in OPTIONAL},
        )
    )
    counts = {row.pop("segment"): {k: float(v or 0) for k, v in row.items()} for row in grouped.to_dicts()}
    with_pii = (
        pl.DataFrame({"segment": kept_segments, "pii": rows_with_pii}).group_by("segment").agg(pl.col("pii").sum())
    )
    for segment, number in with_pii.iter_rows():
        counts[segment]["pii"] = float(number)
    keys = frame.select("segment", key=pl.struct("question", "answer").hash(seed=7))
    hashes = {str(segment[0]): [part["key"].to_numpy()] for segment, part in keys.group_by("segment")}
    return Tally(counts, hashes)


def metrics(total: Tally) -> dict[str, dict[str, float | None]]:
    """Metrics per segment, and for the whole day under ""; a share is None when there was nothing to take it of."""
    day: dict[str, float] = {}
    result: dict[str, dict[str, float | None]] = {DAY: {}}
    distinct_of_day = 0
    for segment, counts in sorted(total.counts.items()):
        distinct = int(np.unique(np.concatenate(total.hashes[segment])).size) if segment in total.hashes else 0
        distinct_of_day += distinct
        result[segment] = _shares(counts, distinct)
        for name, value in counts.items():
            day[name] = day.get(name, 0.0) + value
    result[DAY] = _shares(day, distinct_of_day)
    return result


def _shares(counts: Mapping[str, float], distinct: int) -> dict[str, float | None]:
    rows, kept, rated = counts.get("rows", 0), counts.get("kept", 0), counts.get("rated", 0)

    def share(name: str, of: float) -> float | None:
        return round(counts.get(name, 0) / of, 6) if of else None

    return {
        "rows": rows,
        "kept": kept,
        "survival": share("kept", rows),
        "rated_share": share("rated", rows),
        "mean_rating": round(counts.get("rating_sum", 0) / rated, 4) if rated else None,
        "error_share": share("errors", rows),
        "complaint_share": share("complaints", rows),
        "retry_share": share("retried", rows),
        "duplicate_share": round(1 - distinct / rows, 6) if rows else None,
        "language_mismatch": share("language_mismatch", counts.get("examined_for_language", 0)),
        "romanised_share": share("romanised", rows),
        "pii_rate": share("pii", kept),
        **{f"missing_{name}": share(f"missing_{name}", rows) for name in OPTIONAL},
    }


def quality_table(quality: Mapping[str, Mapping[str, float | None]]) -> pa.Table:
    """The metrics as rows (segment, metric, value)."""
    rows = [{"segment": s, "metric": m, "value": v} for s, values in quality.items() for m, v in values.items()]
    return pa.Table.from_pylist(rows, schema=QUALITY)


@dataclass(frozen=True)
class QualityCheckResult:
    """The outcome of one check: whether it passed, whether failing blocks what comes after, and why in a sentence.

    judged: False where there was too little to judge; such a check did not fail, and says nothing good either.
    """

    name: str
    passed: bool
    blocking: bool
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    judged: bool = True


@dataclass(frozen=True)
class _Bound:
    """A check: metrics that must be at most (`largest`) or at least the figure of this name."""

    name: str
    metrics: tuple[str, ...]
    figure: str
    largest: bool

    def outside(self, values: Mapping[str, float | None], bound: float) -> dict[str, float]:
        """The metrics that break the bound; an unknown one does not."""
        known = {name: value for name in self.metrics if (value := values.get(name)) is not None}
        return {name: value for name, value in known.items() if (value > bound if self.largest else value < bound)}


_BOUNDS = (
    _Bound("survival", ("survival",), "quality_minimum_survival", largest=False),
    _Bound("rated_share", ("rated_share",), "quality_minimum_rated_share", largest=False),
    _Bound("mean_rating", ("mean_rating",), "quality_minimum_mean_rating", largest=False),
    _Bound("duplicate_share", ("duplicate_share",), "quality_maximum_duplicate_share", largest=True),
    _Bound("language_mismatch", ("language_mismatch",), "quality_maximum_language_mismatch", largest=True),
    _Bound("pii_rate", ("pii_rate",), "quality_maximum_pii_rate", largest=True),
    _Bound("error_share", ("error_share",), "quality_maximum_error_share", largest=True),
    _Bound(
        "missing_fields", tuple(f"missing_{name}" for name in OPTIONAL), "quality_maximum_missing_share", largest=True
    ),
)
CHECKS = ("rows_conserved", *(bound.name for bound in _BOUNDS))
"""Names of all checks, in order."""


def quality_checks(report: CurationReport, config: CurationConfig) -> list[QualityCheckResult]:
    """Judge a day: the day as a whole blocks or warns as configured; segments that are outside are named in the details.

    Fewer than `quality_minimum_rows` rows are too few to judge: the check says so and fails nothing.
    """
    return [_conserved(report, config), *(_check_bound(bound, report, config) for bound in _BOUNDS)]


def _conserved(report: CurationReport, config: CurationConfig) -> QualityCheckResult:
    lost = report.read - report.kept - sum(report.removed_by_rule.values())
    says = f"{report.read:,} read = {report.kept:,} kept + {report.read - report.kept:,} removed"
    if lost:
        says = f"{lost:,} of {report.read:,} rows are unaccounted for"
    details = {"read": report.read, "kept": report.kept, "lost": lost}
    return QualityCheckResult("rows_conserved", lost == 0, "rows_conserved" in config.quality_blocking, says, details)


def _check_bound(bound: _Bound, report: CurationReport, config: CurationConfig) -> QualityCheckResult:
    limit = float(getattr(config, bound.figure))
    large = {s: v for s, v in report.quality.items() if (v.get("rows") or 0) >= config.quality_minimum_rows}
    outside = {segment or WHOLE_DAY: bad for segment, values in large.items() if (bad := bound.outside(values, limit))}
    relation = "at most" if bound.largest else "at least"
    details: dict[str, object] = {"bound": limit, "relation": relation, "outside": outside, "judged": len(large)}
    blocks = bound.name in config.quality_blocking
    if not large:
        says = f"Only {report.read:,} rows: too few to judge (from {config.quality_minimum_rows})."
        return QualityCheckResult(bound.name, True, blocks, says, details, judged=False)
    if not outside:
        return QualityCheckResult(bound.name, True, blocks, f"{bound.name}: {relation} {limit:g} everywhere.", details)
    worst = "; ".join(
        f"{segment}: " + ", ".join(f"{name} {value:.3g}" for name, value in bad.items())
        for segment, bad in list(outside.items())[:5]
    )
    # a single segment outside warns; the whole day outside blocks (where the configuration says so)
    says = f"{bound.name} must be {relation} {limit:g}; {worst}"
    return QualityCheckResult(bound.name, False, blocks and WHOLE_DAY in outside, says, details)
