"""A complete report whose parts a test replaces, as a model and as the JSON of a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Comparison

CREATED = datetime(2026, 11, 20, 12, tzinfo=UTC)


def comparison(
    verdict: str = "better", metric: str = "loss", b: str = "base", *, note: str = "", **changes: Any
) -> Comparison:
    """The candidate against another model on 80 items of 60 groups."""
    numbers = {
        "difference": -0.5, "ci_low": -0.7, "ci_high": -0.3, "p_value": 0.001, "p_adjusted": 0.001,
        "minimal_detectable_effect": 0.1,
    }  # fmt: skip
    named = {"metric": metric, "a": "candidate", "b": b, "n": 80, "groups": 60, "verdict": verdict, "note": note}
    return Comparison.model_validate({**named, **numbers, **changes})


def report(comparisons: Sequence[Comparison] = (), **changes: Any) -> Report:
    """A report of a candidate against the base, without slices, samples or gates; `changes` replace its fields."""
    return Report.model_validate({**content(), "comparisons": tuple(comparisons), **changes})


def content() -> dict[str, Any]:
    """The fields that every version of report.json holds, as values of JSON."""
    numbers = {"n": 80, "groups": 60, "ci_low": 1.0, "ci_high": 3.0}
    return {
        "segment": "tutoring.en.math", "version": "owner-1", "dataset_fingerprint": "feed0001", "data_version": "d1",
        "created_at": CREATED.isoformat(), "n_test": 80, "groups": 60, "test_split": {"items": 80, "groups": 60},
        "enough_groups": True, "minimum_groups": 50, "primary_metric": "loss",
        "model_versions": {"base": "tiny", "candidate": "owner-1"}, "candidate_is_champion": False,
        "metrics": {"loss": {"direction": "lower", "unit": "nats per token", "description": "Loss of the references."}},
        "models": {"base": {"loss": {"value": 2.0, **numbers}}, "candidate": {"loss": {"value": 1.5, **numbers}}},
        "comparisons": [], "slices": [], "timings": {}, "samples": [],
        "statistics": {
            "resamples": 1000, "confidence": 0.95, "alpha": 0.05, "power": 0.8, "interval": "BCa bootstrap over groups",
            "p_value": "paired sign-flip test over groups", "correction": "Holm",
        },
        "generation": {"max_new_tokens": 64, "decoding": "greedy", "batch": 8, "max_length": 512},
        "seconds": 12.5, "gates": [], "may_be_released": False,
    }  # fmt: skip
