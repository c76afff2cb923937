"""The result that answers are held against, how many items have one, and what a report says of it."""

from __future__ import annotations

import pytest

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_sections import Correctness
from lyo_pipelines.contracts.report_values import Percentiles, Timings
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.inputs.known_results import NOT_COMPARABLE, NOTHING_STATED, known_result
from lyo_pipelines.evaluation.report.checked import correctness_section
from lyo_pipelines.evaluation.report.headline import correctness_line
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines_tests.contracts import reports_made
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.evaluation.test_run_metrics import gathered, measured, values


def item(reference: str, result: str | None = None) -> Item:
    return Item("i1", "g1", (("user", "How many?"),), reference, "en", reference_answer=result)


@pytest.mark.parametrize(
    ("reference", "result"),
    [
        ("Halve it, then add.\nAnswer: $$\\frac{7}{2}$$", "$$\\frac{7}{2}$$"),
        ("Only the third holds.\n\nAnswer: (c)", "(c)"),
        ("जोड़िए।\nउत्तर: २४ सेमी", "२४ सेमी"),
        ("The leaves make it. The answer is chlorophyll.", "chlorophyll."),
        ("So it is 4 + 4 = 8.\n#### 8", "8"),
    ],
)
def test_a_reference_that_ends_with_its_result_gives_what_is_checked(reference, result):
    found = known_result(item(reference))
    assert (found.text, found.source, found.why) == (result, "reference", "")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("Try to halve it first.", NOTHING_STATED),
        ("The answer is 8. Can you see why?", NOTHING_STATED),
        ("Answer: plants make their food out of light, water and air", NOT_COMPARABLE),
    ],
)
def test_a_reference_that_states_no_sure_result_says_why_nothing_is_checked(reference, why):
    assert known_result(item(reference)).why == why
    assert known_result(item(reference)).text == ""


def test_the_result_of_the_row_comes_first():
    found = known_result(item("Answer: 8", "9"))
    assert (found.text, found.source) == ("9", "row")


def test_answers_are_checked_without_a_column_of_results_and_the_report_counts_them(world, tmp_path):
    rows = sample_reports.rows(8)
    silent = [row | {"reference_answer": None} for row in rows]
    silent[0]["messages"] = [
        *silent[0]["messages"][:-1],
        {"role": "assistant", "content": "Multiply first, then take some away."},
    ]
    silent[1]["reference_answer"] = "12"
    inputs = gathered(world, tmp_path, silent, "tutoring.en.math")
    found = measured(inputs)
    assert sum(value is not None for value in values(found, "checked_answer")) == 7
    section = correctness_section(inputs, found)
    assert section == Correctness(items=8, of_rows=1, of_references=6, unchecked={NOTHING_STATED: 1})
    assert section.checked == 7


def test_where_nobody_could_check_anything_the_head_of_the_report_says_so():
    nothing = reports_made.report(correctness={"items": 30, "unchecked": {NOTHING_STATED: 30}})
    line = correctness_line(nothing)
    assert line.startswith("**Nobody measured whether the answers are right: none of 30")
    assert line in correctness_head(nothing)


def test_where_some_could_be_checked_the_head_says_how_many_and_why_not_the_others():
    some = reports_made.report(
        correctness={"items": 30, "of_rows": 4, "of_references": 20, "unchecked": {NOTHING_STATED: 6}}
    )
    assert correctness_line(some) == (
        "Correctness: 24 of 30 answers could be checked against known results (4 from the rows, 20 as the references state them). "
        f"Not checked: {NOTHING_STATED}: 6."
    )


def test_a_report_of_a_task_without_results_says_nothing_of_them():
    assert correctness_line(reports_made.report()) == ""


def correctness_head(report: Report) -> str:
    none = Percentiles(p50=None, p95=None)
    timing = Timings(
        probes=0, probe_tokens=0, time_to_first_token_ms=none, total_ms=none, per_token_ms=none, generation_seconds=1.0,
        generation_tokens_per_second=None, peak_memory_bytes=0, device="cpu", dtype="float32", reused=False,
    )  # fmt: skip
    timed = report.model_copy(update={"timings": {"base": timing, "candidate": timing}})
    return render_report(timed).partition("## Result")[0]
