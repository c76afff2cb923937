"""Made rows of interactions as `aggregate` wants them, and days of health made of them."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import strategies as st

SCHEMA = {
    "segment": pl.String, "topic": pl.String, "grade": pl.String, "rating": pl.Float32, "thumbs": pl.Int8,
    "complaint_category": pl.String, "complaint_text": pl.String, "relevance_score": pl.Float32, "retries": pl.Int32,
    "error": pl.String, "response_time_ms": pl.Float64, "user_pseudonym": pl.String,
    "adapter_version": pl.String, "experiment_arm": pl.String, "rating_invited": pl.Boolean,
    "kept": pl.Boolean, "examined": pl.Boolean, "mismatched": pl.Boolean,
}  # fmt: skip
CULTURAL = ("cultural", "religion")


def row(**changes: Any) -> dict[str, Any]:
    """One good interaction about which much is known."""
    base = {
        "segment": "tutoring.en.math", "topic": "angles", "grade": "6", "rating": 5.0, "thumbs": None, "complaint_category": None,
        "complaint_text": None, "relevance_score": 0.9, "retries": 0, "error": None, "response_time_ms": 2_000.0,
        "user_pseudonym": "u_1", "adapter_version": None, "experiment_arm": None,
        "rating_invited": None, "kept": True, "examined": True, "mismatched": False,
    }  # fmt: skip
    return base | changes


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """As a frame of the columns that aggregate looks at."""
    return pl.DataFrame(rows, schema=SCHEMA)


ROW = st.fixed_dictionaries(
    {
        "segment": st.sampled_from(["tutoring.en.math", "tutoring.hi.math"]),
        "topic": st.sampled_from(["angles", "fractions", None]),
        "grade": st.sampled_from(["6", "7", None]),
        "rating": st.sampled_from([None, float("nan"), 1.0, 2.0, 2.5, 3.0, 5.0]),
        "thumbs": st.sampled_from([None, -1, 1]),
        "complaint_category": st.sampled_from([None, "Cultural", "religion", "too slow"]),
        "complaint_text": st.sampled_from([None, "no"]),
        "relevance_score": st.sampled_from([None, float("nan"), 0.25, 0.75]),
        "retries": st.sampled_from([None, 0, 1, 3]),
        "error": st.sampled_from([None, "", "timeout"]),
        "response_time_ms": st.sampled_from([None, 0.0, 1.0, 800.0, 2_500.0, 1e9]),
        "user_pseudonym": st.sampled_from([None, "u_1", "u_2", "u_3"]),
        "adapter_version": st.sampled_from([None, "v1", "v2"]),
        "experiment_arm": st.sampled_from([None, "current", "Candidate", "candidate"]),
        "rating_invited": st.sampled_from([None, True, False]),
        "kept": st.booleans(),
        "examined": st.booleans(),
        "mismatched": st.booleans(),
    }
)
ROWS = st.lists(ROW, max_size=25)
