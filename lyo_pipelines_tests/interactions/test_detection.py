"""No format is taken for another, what was found is said, and what is given is obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.interactions.formats.detect import detect_format, recognise
from lyo_pipelines.interactions.formats.registry import FORMATS
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.interactions.landing_lake import jsonl, lake_at, land, rating, row
from lyo_pipelines_tests.interactions.telemetry import ARGILLA, OLDER_ARGILLA, SPANS, annotation, sharegpt
from lyo_pipelines_tests.interactions.test_formats import observation, score

SAMPLES: dict[str, list[dict[str, Any]]] = {
    "label_studio": [
        {"id": 1, "data": {"question": "q", "answer": "a"}, "annotations": [{"completed_by": 7, "result": []}]}
    ],
    "argilla": [*ARGILLA.values(), OLDER_ARGILLA, {**OLDER_ARGILLA, "inputs": {"text": "q"}, "text": None}],
    "canonical": [
        row(1),
        row(2, rating=4),
        {"question": "q", "occurred_at": "2026-10-01", "task": "t", "language": "en"},
    ],
    "feedback": [rating("i1", 3), {"conversation_id": "c", "thumbs": 1, "feedback_at": "2026-10-01"}],
    "langfuse_observations": [
        observation(),
        observation(metadata={"attributes": {"a": 1}}),
        {"id": "o", "startTime": "2026-10-01", "input": "q", "traceId": "t", "name": "n"},
    ],
    "langfuse_scores": [
        score(trace_id="t"),
        {"name": "r", "value": 5, "traceId": "t", "comment": "c", "dataType": "NUMERIC"},
    ],
    "langfuse_traces": [
        {"id": "t", "timestamp": "2026-10-01", "input": "q", "output": "a", "bookmarked": False},
        {
            "id": "t",
            "timestamp": "2026-10-01",
            "input": "q",
            "observations": [{"id": "o", "type": "SPAN"}],
            "scores": [],
        },
    ],
    "openai_messages": [
        {"messages": [{"role": "user", "content": "q"}]},
        {"messages": [], "metadata": {}, "id": "m", "created": 1791664357, "tools": []},
    ],
    "otel_spans": [*SPANS.values(), {"resourceMetrics": []}],
    "sharegpt": [sharegpt(), sharegpt(system="s", source="web", score=3)],
    "span_annotations": [annotation(), {"context.span_id": "a", "annotation_name": "r", "label": "up"}],
}
NEUTRAL = st.dictionaries(
    st.sampled_from(
        ["user_id", "metadata", "created_at", "tags", "environment", "source", "version", "language", "notes", "model"]
    ),
    st.sampled_from(["x", 3, None, {}, ["a"], {"question": "q"}]),
    max_size=4,
)
one = st.sampled_from([(name, number) for name, rows in SAMPLES.items() for number in range(len(rows))])


def test_every_format_that_can_be_told_has_samples() -> None:
    # rows of single messages are told by many of them together (test_single_messages.py)
    assert {*SAMPLES, "auto", "flat", "langfuse", "single_messages"} == set(FORMATS)


@settings(max_examples=draws(400))
@given(which=one, more=NEUTRAL, order=st.randoms(use_true_random=False))
def test_no_format_is_taken_for_another_whatever_else_its_rows_hold(which, more, order) -> None:
    name, number = which
    sample = {**more, **SAMPLES[name][number]}
    items = list(sample.items())
    order.shuffle(items)
    found = recognise(dict(items))
    assert found is not None and found.format == name
    assert found.why


@settings(max_examples=draws(200))
@given(
    which=st.sampled_from(sorted(SAMPLES)),
    strangers=st.lists(one, max_size=3),
    unknown=st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=3),
    order=st.randoms(use_true_random=False),
)
def test_a_file_is_what_most_of_its_first_rows_are(which, strangers, unknown, order) -> None:
    rows = [SAMPLES[which][number % len(SAMPLES[which])] for number in range(4)]
    rows += [SAMPLES[name][number] for name, number in strangers] + unknown
    order.shuffle(rows)
    found = detect_format(rows)
    assert found is not None and found.format == which


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_found_is_in_the_report_and_what_is_given_is_obeyed(tmp_path: Path, name: str) -> None:
    path = jsonl(tmp_path / "rows.jsonl", SAMPLES[name])
    lake = lake_at(tmp_path / "data")
    report = land(lake, path)
    assert report.format == name
    assert f"of the first {len(SAMPLES[name])} rows" in report.found
    assert land(lake, path).found == report.found, "also when it was read before"
    given_other = "canonical" if name != "canonical" else "sharegpt"
    other = land(lake_at(tmp_path / "other"), path, format=given_other)
    assert (other.format, other.found) == (given_other, "given")
