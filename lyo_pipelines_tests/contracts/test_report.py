"""report.json as a document: what is written is read back the same, older files are read, and everything else is one error."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.contracts.report import SCHEMA_VERSION, Report, ServedBy
from lyo_pipelines.contracts.report_sections import (
    Agreement,
    Collateral,
    CollateralRow,
    ConfusionTable,
    CultureExample,
    CultureFinding,
    EndpointSection,
    InvalidExample,
    InvalidReason,
    JudgeGate,
    JudgeSection,
    Satisfaction,
    TaskSection,
)
from lyo_pipelines.contracts.report_values import (
    Comparison,
    Gate,
    MetricValue,
    Percentiles,
    Sample,
    Slice,
    Timings,
    Value,
)
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines_tests.contracts.reports_made import content, report
from lyo_pipelines_tests.hypothesis_profile import draws

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 10**9)
ROLE = st.sampled_from(["base", "champion", "candidate", "hosted"])
VERDICT = st.sampled_from(["better", "worse", "cannot_tell"])
VALUES = st.dictionaries(
    TEXT, st.builds(MetricValue, value=NUMBER, n=COUNT, groups=COUNT, ci_low=NUMBER, ci_high=NUMBER), max_size=2
)
COMPARISONS = st.lists(
    st.builds(
        Comparison, metric=TEXT, a=ROLE, b=ROLE, n=COUNT, groups=COUNT, difference=NUMBER, ci_low=NUMBER, ci_high=NUMBER,
        mean_a=NUMBER, mean_b=NUMBER, verdict_low=NUMBER, verdict_high=NUMBER, verdict_confidence=NUMBER,
        p_value=NUMBER, p_adjusted=NUMBER, minimal_detectable_effect=NUMBER, verdict=VERDICT, note=TEXT,
    ),
    max_size=2,
).map(tuple)  # fmt: skip
PLAIN = st.dictionaries(TEXT, st.builds(Value, value=NUMBER, n=COUNT), max_size=2)
SLICES = st.lists(
    st.builds(
        Slice, dimension=TEXT, value=TEXT, n=COUNT, groups=COUNT, models=st.dictionaries(ROLE, PLAIN, max_size=2),
        comparisons=COMPARISONS,
    ),
    max_size=2,
).map(tuple)  # fmt: skip
SPAN = st.builds(Percentiles, p50=NUMBER, p95=NUMBER)
TIMINGS = st.dictionaries(
    ROLE,
    st.builds(
        Timings, probes=COUNT, probe_tokens=COUNT, time_to_first_token_ms=SPAN, total_ms=SPAN, per_token_ms=SPAN,
        generation_seconds=FINITE, generation_tokens_per_second=NUMBER, peak_memory_bytes=COUNT, device=TEXT, dtype=TEXT,
        reused=st.booleans(),
    ),
    max_size=2,
)  # fmt: skip
TASKS = st.builds(
    TaskSection,
    invalid=st.tuples(
        st.builds(
            InvalidReason, reason=TEXT, models=st.dictionaries(ROLE, COUNT, max_size=2),
            example=st.builds(InvalidExample, model=ROLE, item_id=TEXT, answer=TEXT),
        )
    ),
    confusion=st.tuples(
        st.builds(
            ConfusionTable, task=TEXT, field=TEXT, labels=st.just(("a", "b")), models=st.just({"base": ((1, 0, 2, 3),) * 2})
        )
    ),
)  # fmt: skip
OUTCOME = {
    "n": COUNT, "groups": COUNT, "wins": COUNT, "ties": COUNT, "losses": COUNT, "score": NUMBER, "ci_low": NUMBER,
    "ci_high": NUMBER, "p_value": NUMBER, "verdict": VERDICT, "note": TEXT,
}  # fmt: skip
USAGE = {
    "url": TEXT, "model": TEXT, "requests": COUNT, "tokens_in": st.none() | COUNT, "tokens_out": st.none() | COUNT, "cost": NUMBER,
    "answer_ms": SPAN,
}  # fmt: skip
SECTIONS: dict[str, st.SearchStrategy[Any]] = {
    "served_by": st.none() | st.builds(ServedBy, segment=TEXT, reason=TEXT, own_items=COUNT),
    "collateral": st.none() | st.builds(
        Collateral, before=ROLE, tolerance=FINITE, confidence=FINITE, damaged=st.tuples(TEXT), judged=COUNT,
        rows=st.tuples(
            st.builds(
                CollateralRow, set=TEXT, kind=TEXT, metric=TEXT, n=COUNT, groups=COUNT, change=NUMBER, ci_low=NUMBER,
                ci_high=NUMBER, models=st.dictionaries(ROLE, NUMBER, max_size=2), damaged=st.sampled_from([True, False, None]),
                note=TEXT,
            )
        ),
    ),
    "endpoints": st.lists(
        st.builds(EndpointSection, name=TEXT, asked=COUNT, answered=COUNT, why=TEXT, cost_per_answer=NUMBER, **USAGE), max_size=1
    ).map(tuple),
    "judge": st.none() | st.builds(
        JudgeSection, against=ROLE, why=TEXT, flip_rate=NUMBER, parse_failures=COUNT, replies=COUNT, first_preferred=NUMBER,
        agreement=st.dictionaries(TEXT, st.builds(Agreement, pairs=COUNT, trusted=st.booleans(), why=TEXT), max_size=1),
        gate=st.builds(JudgeGate, languages=st.tuples(TEXT), **OUTCOME), **OUTCOME, **USAGE,
    ),
    "culture": st.none() | st.lists(
        st.builds(
            CultureFinding, finding=TEXT, why=TEXT, models=st.dictionaries(ROLE, COUNT, max_size=2),
            example=st.builds(CultureExample, model=ROLE, item_id=TEXT, excerpt=TEXT),
        ),
        max_size=1,
    ).map(tuple),
    "satisfaction": st.none() | st.builds(Satisfaction, measured=st.booleans(), why=TEXT, ratings=COUNT, error=NUMBER),
}  # fmt: skip
REPORTS = st.fixed_dictionaries(
    {
        "segment": TEXT, "created_at": st.datetimes(timezones=st.just(UTC)), "models": st.dictionaries(ROLE, VALUES, max_size=2),
        "comparisons": COMPARISONS, "slices": SLICES, "timings": TIMINGS, "tasks": TASKS, "may_be_released": st.booleans(),
        "samples": st.tuples(
            st.builds(
                Sample, item_id=TEXT, metric=TEXT, change=FINITE, question=TEXT, reference=TEXT,
                answers=st.dictionaries(ROLE, TEXT, max_size=2),
            )
        ),
        "gates": st.tuples(st.builds(Gate, passed=st.sampled_from([True, False, None]))),
        **SECTIONS,
    }
).map(lambda changes: report(**changes))  # fmt: skip


@given(REPORTS)
@settings(max_examples=draws(40))
def test_what_is_written_is_read_back_the_same(written: Report) -> None:
    assert Report.parse(written.to_json(), "report.json") == written


def test_numbers_that_json_cannot_say_are_not_known() -> None:
    value = MetricValue(value=float("nan"), n=2, ci_low=float("-inf"))
    assert (value.value, value.ci_low) == (None, None)


def test_a_file_written_before_tasks_sections_and_the_version_is_read() -> None:
    """As the first versions of the evaluation wrote it: no tasks, no sections, no `whole`, gates without `applies`."""
    gate = {"name": "improves_on_base", "passed": True, "blocking": True, "message": "better"}
    old = content() | {"gates": [gate], "may_be_released": True}
    assert "schema_version" not in old
    read = Report.parse(json.dumps(old), "report.json")
    assert (read.schema_version, read.gates[0].applies, read.tasks.own_metrics) == (SCHEMA_VERSION, True, ())
    assert (read.collateral, read.judge, read.culture, read.endpoints) == (None, None, None, ())
    assert read.metrics["loss"].whole is False


def test_a_field_of_a_later_minor_version_is_left_out() -> None:
    assert Report.parse(json.dumps(content() | {"added_later": 1}), "report.json") == report()


WHOLE = report().to_json()
WITHOUT_MODELS = json.dumps({name: value for name, value in content().items() if name != "models"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        (WHOLE[: len(WHOLE) // 2], "it is not JSON"),
        ("[]", "it holds list"),
        ("null", "it holds NoneType"),
        (json.dumps(content() | {"schema_version": SCHEMA_VERSION + 1}), f"of version {SCHEMA_VERSION + 1}"),
        (json.dumps(content() | {"schema_version": "1"}), "of version '1'"),
        (WITHOUT_MODELS, "models: Field required"),
        (json.dumps(content() | {"comparisons": [{"metric": "loss"}]}), "comparisons.0.a: Field required"),
        (json.dumps(content() | {"created_at": "2026-11-20T12:00:00"}), "created_at"),
    ],
)
def test_a_damaged_or_newer_file_is_one_error_that_names_it(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"report\.json") as caught:
        read_report(tmp_path)
    assert problem in str(caught.value)


def test_a_missing_file_says_that_the_evaluation_goes_on(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"report\.json is missing.*Materialize eval_report"):
        read_report(tmp_path)


@given(st.sampled_from(sorted(Report.model_fields)), st.sampled_from([{"a": 1}, [1], "x", True, None, -1, 0.5]))
def test_any_field_of_another_kind_is_an_error_or_a_report(name: str, value: Any) -> None:
    """Nothing else may escape: no KeyError, no ValidationError."""
    text = json.dumps(content() | {name: value})
    try:
        assert isinstance(Report.parse(text, "report.json"), Report)
    except DocumentError as error:
        assert "report.json" in str(error)
