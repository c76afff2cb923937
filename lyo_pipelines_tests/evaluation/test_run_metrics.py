"""Which metrics are measured on which items: of their task, of several tasks in one test split, and of plain text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs
from lyo_pipelines.evaluation.measures.catalogue import load_metrics
from lyo_pipelines.evaluation.measures.language_quality import language_metrics
from lyo_pipelines.evaluation.measures.metric_values import MetricValues, WholeValues
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs, Timing
from lyo_pipelines.evaluation.measures.run_metrics import Measured, run_metrics
from lyo_pipelines.evaluation.planning.assemble import gather_inputs
from lyo_pipelines_tests.evaluation import moods_task, sample_reports

TIMING = Timing([], [], 4, 0.0, 0.0, 0, "cpu", "float32", False)


def gathered(world, folder: Path, rows: list[dict], segment: str, **config) -> EvaluationInputs:
    names = {name for row in rows for name in row}
    filled = [dict.fromkeys(sorted(names)) | row for row in rows]
    dataset = sample_reports.dataset(folder, filled, segment=segment)
    return gather_inputs(
        dataset,
        world.candidate,
        None,
        world.config.model_copy(update={"max_items": None} | config),
        curation=sample_reports.CURATION,
    )


def answered(inputs: EvaluationInputs, texts: list[str]) -> ModelOutputs:
    n = len(inputs.items)
    return ModelOutputs([5.0] * n, [2] * n, [False] * n, texts, [3] * n, [False] * n, [9] * n, 16, TIMING)


def measured(inputs: EvaluationInputs, texts: list[str] | None = None) -> Measured:
    """The references as the candidate's answers, unless others are given."""
    said = answered(inputs, [item.reference for item in inputs.items] if texts is None else texts)
    return run_metrics(inputs, load_metrics(inputs.metric_files), {"candidate": said})


def values(found: Measured, name: str) -> list[float | None]:
    found_values = found.values["candidate"][name]
    assert isinstance(found_values, MetricValues)
    return list(found_values.values)


def test_a_structured_task_has_its_own_metrics_and_those_general_ones_that_it_names(world, tmp_path):
    found = measured(gathered(world, tmp_path / "c", sample_reports.classified(9), "classification.en"))
    names = [metric.name for metric in found.metrics]
    assert names[:3] == ["loss", "valid_answer", "content_type_accuracy"]
    assert names[-1] == "length_ratio"
    assert {"chrf", "checked_answer", "language_match", "repetition", "tool_names_exact"} <= set(found.elsewhere)
    assert not set(names) & set(found.elsewhere)
    assert values(found, "valid_answer") == values(found, "content_type_accuracy") == [1.0] * 9
    assert isinstance(found.values["candidate"]["content_type_macro_f1"], WholeValues)
    assert found.values["candidate"]["content_type_macro_f1"].value(range(9)) == 1


def test_the_users_choice_of_general_metrics_is_narrowed_by_the_task_and_the_deciding_one_always_stays(world, tmp_path):
    rows = sample_reports.classified(6)
    few = gathered(world, tmp_path / "a", rows, "classification.en", metrics=("chrf", "loss"))
    assert list(few.metric_files) == ["loss"]
    other = gathered(world, tmp_path / "b", rows, "classification.en", metrics=("chrf",), primary_metric="chrf")
    assert list(other.metric_files) == ["chrf"]


def test_a_task_without_metrics_of_its_own_is_measured_as_before(world):
    inputs = gather_inputs(world.dataset, world.candidate, None, world.config, curation=sample_reports.CURATION)
    found = measured(inputs)
    assert {metric.name for metric in found.metrics} == set(world.config.metrics)
    assert values(found, "chrf") == [pytest.approx(100)] * len(inputs.items)


def test_an_invalid_answer_is_worth_what_the_metric_says_and_gains_nothing(world, tmp_path):
    inputs = gathered(world, tmp_path / "c", sample_reports.classified(9), "classification.en")
    texts = [item.reference if row else "I would rather not." for row, item in enumerate(inputs.items)]
    found = measured(inputs, texts)
    assert values(found, "valid_answer")[:2] == values(found, "content_type_accuracy")[:2] == [0, 1]
    assert values(found, "educational_value_error")[:2] == [1, 0]
    whole = found.values["candidate"]["content_type_macro_f1"]
    assert (whole.known(0), whole.value(range(9)) or 0) == (True, pytest.approx(0.9, abs=0.1))
    assert (whole.value(range(9)) or 0) < 1


def test_plain_text_has_a_loss_and_nothing_else(world, tmp_path):
    found = measured(gathered(world, tmp_path / "d", sample_reports.documents(6), "documents.en.stories"), [""] * 6)
    assert [metric.name for metric in found.metrics] == ["loss"]
    assert values(found, "loss") == [2.5] * 6
    assert {"chrf", "length_ratio", "valid_answer"} <= set(found.elsewhere)


def test_in_a_mixed_split_every_item_is_measured_by_its_own_task(world, tmp_path):
    """One adapter of several segments: classifications, tutoring and plain text in one test split."""
    tutoring = [{**row, "segment": "tutoring.en.math", "context": None} for row in sample_reports.rows(3, per_group=1)]
    rows = [*sample_reports.classified(3), *sample_reports.documents(3), *tutoring]
    inputs = gathered(world, tmp_path / "m", rows, "tutoring")
    kinds = [(item.segment or "").split(".")[0] for item in inputs.items]
    assert kinds == ["classification"] * 3 + ["documents"] * 3 + ["tutoring"] * 3
    found = measured(inputs)
    measured_rows = {
        metric.name: [row for row in range(9) if found.values["candidate"][metric.name].known(row)]
        for metric in found.metrics
    }
    assert measured_rows["loss"] == list(range(9))
    assert measured_rows["valid_answer"] == measured_rows["content_type_macro_f1"] == [0, 1, 2]
    assert measured_rows["length_ratio"] == [0, 1, 2, 6, 7, 8]
    assert measured_rows["chrf"] == [6, 7, 8]


def test_two_tasks_share_a_metric_of_items_and_keep_their_own_of_the_whole(world, tmp_path):
    with moods_task.added(tmp_path / "tasks"):
        again = moods_task.SOURCE.replace('task="moods"', 'task="tempers"')
        (tmp_path / "tasks" / "tempers.py").write_text(again)
        moods_task.tasks.task_formats.cache_clear()
        other = [{**row, "segment": "tempers.en", "example_id": f"t{row['example_id']}"} for row in moods_task.rows(6)]
        found = measured(gathered(world, tmp_path / "two", [*moods_task.rows(6), *other], "moods.en"))
    assert values(found, "strength_error") == [0] * 12
    ours, theirs = (found.values["candidate"][name] for name in ("weaker_mood", "weaker_mood_tempers"))
    assert [row for row in range(12) if ours.known(row)] == list(range(6))
    assert [row for row in range(12) if theirs.known(row)] == list(range(6, 12))


def test_a_rule_that_none_of_the_items_falls_under_is_a_rule_of_other_tasks(world, tmp_path):
    inputs = gathered(world, tmp_path / "d", sample_reports.rows(6, languages=("ta",)), "programming.ta", metrics=None)
    lists = inputs.context.lists
    said = answered(inputs, [item.reference for item in inputs.items])
    found = run_metrics(
        inputs,
        load_metrics(inputs.metric_files),
        {"candidate": said},
        language_metrics(lists, inputs.context.curation),
    )
    assert "persona_kept" in found.elsewhere
    assert "cultural_findings" in found.values["candidate"]


def test_an_answer_that_is_missing_is_measured_by_nothing_that_reads_answers(world, tmp_path):
    inputs = gathered(
        world, tmp_path / "d", sample_reports.rows(4), "tutoring.en.math", metrics=("loss", "chrf", "broken_text")
    )
    said = replace(answered(inputs, ["a", "b", "c", ""]), answered=[True, True, True, False])
    lists = inputs.context.lists
    found = run_metrics(
        inputs,
        load_metrics(inputs.metric_files),
        {"candidate": said},
        language_metrics(lists, inputs.context.curation),
    )
    assert set(found.values["candidate"]) == {"loss", "chrf", "broken_text"}, "only what the configuration names"
    for name in ("chrf", "broken_text"):
        assert [value is None for value in values(found, name)] == [False, False, False, True]
    assert None not in values(found, "loss")
