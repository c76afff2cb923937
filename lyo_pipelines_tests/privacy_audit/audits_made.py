"""Audits made up from counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.contracts.privacy import CanaryExposure, PrivacyAudit, Repetition, ShareFound
from lyo_pipelines.privacy_audit.measure import finding_of
from lyo_pipelines.statistics.exact_intervals import at_least_p_value, share_bounds

CONFIG = load_config().privacy


def share(found: int, of: int) -> ShareFound:
    """So many found of so many."""
    low, high = share_bounds(found, of)
    chance = at_least_p_value(found, of, CONFIG.kept_false_positives)
    finding = finding_of(low, high, CONFIG)
    return ShareFound(canaries=of, found=found, ci_low=low, ci_high=high, p_value=chance, finding=finding)


def audit_with(
    levels: Mapping[int, tuple[int, int]] | None = None,
    usual: tuple[int, int] | None = None,
    left_out: tuple[int, int] = (0, 40),
) -> PrivacyAudit:
    """An audit with these (found, of) by repetition, of those of few rows together, and of those left out."""

    def level(rows: int, counts: tuple[int, int]) -> Repetition:
        return Repetition(rows=rows, membership=share(*counts), exposure=CanaryExposure(highest=6.7))

    return PrivacyAudit(
        segment="tutoring.en.math", version="tiny-1", trained="audit-tiny-2", dataset_fingerprint="f", base_model="tiny",
        created_at=datetime(2026, 11, 1, tzinfo=UTC), seed=1, words=6, controls=100, confidence=0.95,
        false_positives=CONFIG.kept_false_positives, tolerable_share=CONFIG.tolerable_share, rows=100, canary_rows=20,
        planted_rows=20, kept_rows=20, steps=10, epochs=1, left_out=level(0, left_out),
        repetitions=tuple(level(rows, counts) for rows, counts in (levels or {1: (0, 20)}).items()),
        usual_rows=4, usual=share(*usual) if usual else None, seconds=1,
    )  # fmt: skip
