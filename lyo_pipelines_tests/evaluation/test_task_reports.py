"""Reports of other tasks than tutoring, end to end: a task that was added as one file, and documents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.contracts.report_values import MetricValue
from lyo_pipelines.defs.report_page import report_metadata
from lyo_pipelines.evaluation.command import evaluation_command, write_config
from lyo_pipelines.evaluation.engine.__main__ import main
from lyo_pipelines.evaluation.planning.assemble import gather_inputs
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.evaluation.report.html import render_html
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.evaluation import moods_task, sample_reports


def evaluated(world, folder: Path, dataset: Path, **config) -> Path:
    wanted = world.config.model_copy(update={"metrics": None, "whole_resamples": 1_000} | config)
    command = evaluation_command(
        dataset, world.candidate, folder / "report", world.root / "models",
        evaluation_config_path=write_config(wanted, folder), champion_dir=world.champion,
    )  # fmt: skip
    assert main(command[3:]) == 0
    return folder / "report"


@pytest.fixture(scope="module")
def free(world, tmp_path_factory) -> Path:
    """The added task, answered freely: tiny models write nonsense."""
    folder = tmp_path_factory.mktemp("moods")
    with moods_task.added(folder / "tasks"):
        dataset = sample_reports.dataset(folder / "d1", moods_task.rows(), segment="moods.en")
        return evaluated(world, folder, dataset, max_new_tokens=40)


@pytest.fixture(scope="module")
def held(world, tmp_path_factory) -> Path:
    """The same, held to the schema."""
    folder = tmp_path_factory.mktemp("held")
    with moods_task.added(folder / "tasks"):
        dataset = sample_reports.dataset(folder / "d1", moods_task.rows(), segment="moods.en")
        return evaluated(world, folder, dataset, max_new_tokens=40, constrained="schema")


def test_a_task_that_is_one_new_file_is_reported_with_its_own_metrics(free):
    report = read_report(free)
    assert list(report.metrics) == [
        "loss", "valid_answer", "strength_error", "weaker_mood", "length_ratio", "cultural_findings", "broken_text", "unanswered",
    ]  # fmt: skip
    assert report.tasks.own_metrics == ("valid_answer", "strength_error", "weaker_mood")
    for role in ("base", "candidate", "champion"):
        assert report.models[role]["valid_answer"].groups == 18
        assert (report.metric(role, "valid_answer"), report.metric(role, "strength_error")) == (0, 9)
    compared = {(c.metric, c.b) for c in report.comparisons}
    assert {("weaker_mood", "base"), ("weaker_mood", "champion"), ("strength_error", "base")} <= compared


def test_answers_that_are_held_to_the_schema_are_valid_but_for_the_check(held, free):
    report, before = read_report(held), read_report(free)
    assert report.tasks.constrained
    assert not before.tasks.constrained
    rows = [row for row in pq.read_table(held / "items.parquet").to_pylist() if row["model"] == "candidate"]
    assert {row["problem"] for row in rows} <= {None, "an angry text is at least of strength 5"}
    assert all(set(json.loads(row["answer"])) == {"mood", "strength"} for row in rows)
    share = report.metric("candidate", "valid_answer")
    assert share == sum(row["problem"] is None for row in rows) / len(rows)
    assert "metric_weaker_mood" not in rows[0], "a metric of the whole set has no value of an item"


def test_the_confusion_table_counts_every_item_once(held, free):
    for folder, last in ((held, 0), (free, 18)):
        (table,) = read_report(folder).tasks.confusion
        assert (table.field, table.labels) == ("mood", ("calm", "angry"))
        for counts in table.models.values():
            assert [sum(row) for row in counts] == [12, 6]
            assert sum(row[-1] for row in counts) == last


def test_invalid_answers_are_counted_by_reason_with_an_example(free):
    invalid = read_report(free).tasks.invalid
    for role in ("base", "candidate", "champion"):
        assert sum(found.models[role] for found in invalid) == 18
    assert invalid[0].example.answer


def test_the_gates_of_other_tasks_do_not_apply_and_the_tasks_own_do(free):
    found = {gate.name: gate for gate in read_report(free).gates}
    for name in ("answers_not_less_correct", "language_kept", "wording_not_worse", "no_more_repetition"):
        assert (found[name].passed, found[name].applies) == (True, False)
    for name in ("improves_on_base", "valid_answers_kept", "task_metrics_kept", "no_slice_worse"):
        assert found[name].applies
    assert found["task_metrics_kept"].passed is True


def test_the_readable_report_shows_what_the_task_is_about(free, held):
    text = (free / "report.md").read_text()
    for needed in (
        "Task moods: A text in the question, its mood out.",
        "- strength_error: Distance of the strength from the reference's.",
        "Valid answers: base 0 of 18, candidate 0 of 18, champion 0 of 18.",
        "All models wrote freely",
        "How `mood` was answered",
        "Gates that do not apply, as their metrics belong to other tasks: answers_not_less_correct",
        "percentiles of 1,000 resamples",
    ):
        assert needed in text
    assert "all models' answers were held to the schema" in (held / "report.md").read_text()


def test_dagster_shows_the_tasks_metrics_with_their_sentences(held, tmp_path):
    report = read_report(held)
    with dg.DagsterInstance.ephemeral() as instance:
        metadata = report_metadata(instance, Lake(str(tmp_path)), report, shown_answers=2)
    assert next(iter(metadata)) == "may_be_released"
    assert metadata["valid_answer"] == pytest.approx(report.metric("candidate", "valid_answer"), rel=1e-3)
    assert "- weaker_mood: Share right of the mood that is known less well." in metadata["task"].value
    assert len(metadata["task"].value) < 10_000
    assert len(metadata["answers"].value.records) == 2


def test_the_report_stands_alone_as_one_file(held):
    page = (held / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(list(held.glob("*.png")))
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "nothing is fetched"
    assert "<script" not in page


def test_what_people_and_models_wrote_is_no_mark_up_in_the_file(held):
    report = read_report(held)
    hostile = "<img src=x onerror=alert(1)> ![x](http://127.0.0.1/a.png) </p><script>alert(2)</script>"
    samples = [one.model_copy(update={"question": hostile, "answers": {"base": hostile}}) for one in report.samples]
    page = render_html(report.model_copy(update={"samples": tuple(samples), "version": hostile}), {})
    assert samples
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;alert(2)" in page


def test_what_a_model_wrote_into_a_reason_or_an_example_cannot_become_mark_up(free):
    report = read_report(free)
    first, *others = report.tasks.invalid
    written = first.model_copy(
        update={
            "reason": "`![x](http://example.org/x.png)` | <b>\x00 is no tool",
            "example": first.example.model_copy(update={"answer": "```\n![y](http://example.org/y.png)"}),
        }
    )
    tasks = report.tasks.model_copy(update={"invalid": (written, *others)})
    report = report.model_copy(update={"tasks": tasks})
    text = render_report(report)
    assert "`'![x](http://example.org/x.png)' \\| <b> is no tool`" in text
    assert "````text\n```\n![y]" in text
    assert "\x00" not in text


def test_another_source_of_a_task_makes_another_report(world, tmp_path):
    dataset = sample_reports.dataset(tmp_path / "d1", moods_task.rows(), segment="moods.en")
    versions = set()
    for limit in ("strength < 5", "strength < 6"):
        with moods_task.added(tmp_path / "tasks"):
            (tmp_path / "tasks" / "moods.py").write_text(moods_task.SOURCE.replace("strength < 5", limit))
            versions.add(
                gather_inputs(
                    dataset, world.candidate, None, world.config, curation=sample_reports.CURATION
                ).data_version
            )
    assert len(versions) == 2


def test_documents_are_judged_by_their_loss_alone(world, tmp_path):
    dataset = sample_reports.dataset(tmp_path / "d1", sample_reports.documents(18), segment="documents.en.stories")
    folder = evaluated(world, tmp_path, dataset, minimum_groups=5)
    report = read_report(folder)
    assert list(report.metrics) == ["loss"]
    assert report.models["base"]["loss"].n == report.tasks.plain_text == 18
    assert report.models["base"]["answer_tokens"] == MetricValue(value=None, n=0)
    judged = {gate.name for gate in report.gates if gate.applies}
    assert judged == {"improves_on_base", "beats_champion", "no_slice_worse"}
    text = (folder / "report.md").read_text()
    assert "Plain text: loss only." in text
    assert "No response times: nothing was asked." in text
    assert "Answers side by side" not in text
