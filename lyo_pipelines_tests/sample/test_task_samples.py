"""The samples of the tasks: the same for the same seed, varied, and good enough for every stage after them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from lyo_pipelines.commands.sample import write_task_sample
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.interactions.contract import INPUT_FIELDS
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.sample.tasks import generate
from lyo_pipelines.sample.tasks.engagement import predict, profile
from lyo_pipelines.sample.tasks.generate import CONVERSED, TASKS, UnknownSampleError, languages_of, task_rows
from lyo_pipelines.sample.tasks.search import INTENTS
from lyo_pipelines.sample.tasks.technical_docs import functions
from lyo_pipelines.sample.tasks.topics import path_to, topics
from lyo_pipelines.sample.write import write_jsonl
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import search, task_format, task_formats
from lyo_pipelines_tests.sample.question_clusters import clusters
from lyo_pipelines_tests.tasks.row_factory import drawn, row_of, text_of

EACH = [(task, language) for task in sorted(TASKS) for language in languages_of(task)]
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
CONFIG = load_config()


def test_every_task_format_has_a_sample():
    made_elsewhere = {"documents", "fine_tuning"}  # their examples come from files
    assert set(task_formats()) - made_elsewhere == {*TASKS, *CONVERSED}


@pytest.mark.parametrize(("task", "language"), EACH)
def test_each_sample_fits_its_task_in_each_language(task, language):
    judge = task_format(task)
    for made in drawn(task, 60, language):
        answer = judge.parse(text_of(made.answer) or "")
        assert answer is not None
        assert judge.check is None or judge.check(answer, row_of(made, language)) is None
        assert all(row_of(made, language)[name] for name in judge.needs)


@pytest.mark.parametrize(("task", "language"), EACH)
def test_questions_are_many_and_not_only_variants_of_each_other(task, language):
    questions = [made.question for made in drawn(task, 300, language)]
    assert len(set(questions)) >= 100
    assert len(set(clusters(questions))) >= 60


@pytest.mark.parametrize("task", ["search", "quiz", "live_study"])
def test_the_same_seed_gives_the_same_rows_and_another_one_others(task, end):
    once, again, other = (task_rows(task, n=40, seed=seed, end=end) for seed in (3, 3, 4))
    assert once == again
    assert [row["question"] for row in once] != [row["question"] for row in other]


@pytest.mark.parametrize("task", sorted([*TASKS, *CONVERSED]))
def test_rows_are_canonical_lie_in_eight_weeks_and_come_by_time(task, end):
    rows = task_rows(task, n=60, end=end)
    assert len(rows) == 60
    assert all(set(row) <= set(INPUT_FIELDS) for row in rows)
    assert {row["task"] for row in rows} == {task}
    times = [row["occurred_at"] for row in rows]
    assert times == sorted(times)
    assert (end.toordinal() - 56) <= date.fromisoformat(times[0][:10]).toordinal()
    assert times[-1][:10] < end.isoformat()
    assert len({row["interaction_id"] for row in rows}) == 60


def test_flaws_are_planted_and_most_answers_are_good(end):
    judge, rows = task_format("search"), task_rows("search", n=600, end=end)
    valid = sum(judge.parse(row["answer"]) is not None for row in rows) / len(rows)
    assert 0.85 < valid < 0.98
    assert any(row["answer"].startswith("```json") for row in rows)
    assert any(row["finish_reason"] == "length" for row in rows)
    low = [row for row in rows if (row["rating"] or 5) <= 2]
    assert 0.03 < len(low) / len(rows) < 0.2
    assert sum(judge.parse(row["answer"]) is None for row in low) / len(low) > 0.2


def test_an_unknown_task_or_language_is_told_what_there_is(end):
    with pytest.raises(UnknownSampleError, match=r"No sample of the task 'chess'; there are agent, .*tutoring"):
        task_rows("chess", n=1, end=end)
    with pytest.raises(UnknownSampleError, match="agent is in en, not in 'hi'"):
        task_rows("agent", n=1, end=end, language="hi")


def test_subjects_make_segments_only_where_they_are_asked_for(end):
    assert {row["subject"] for row in task_rows("search", n=50, end=end)} == {None}
    assert len({row["subject"] for row in task_rows("search", n=50, end=end, with_subject=True)}) > 3


def test_samples_land_are_curated_and_become_datasets(tmp_path: Path, end, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate, "WEEKS", 1)  # all tasks in one week, because each day costs time
    lake = Lake(str(tmp_path))
    rows = [row for task in TASKS for row in task_rows(task, n=130, end=end)]
    path = write_jsonl(tmp_path / "sample.jsonl", rows)
    landed = land_file(lake, str(path), pseudonyms=Pseudonyms("k" * 32), config=CONFIG.interactions, now=NOW)
    assert (landed.format, landed.accepted, landed.rejected) == ("canonical", len(rows), 0)
    removed: Counter[str] = Counter()
    for day in sorted({date.fromisoformat(row["occurred_at"][:10]) for row in rows}):
        build_day(lake, day)
        removed.update(curate_day(lake, day, CONFIG.curation).removed_by_rule)
    assert removed["invalid_answer"] > 20
    assert set(removed) <= {
        "rated_low", "invalid_answer", "truncated_answer", "unrated_thumbs_down", "unrated_short", "repeated_answer"
    }  # fmt: skip
    for task in TASKS:
        version = build_dataset(lake, f"{task}.en", CONFIG.dataset, CONFIG.curation, now=NOW)
        judge = task_format(task)
        for split in ("train", "validation", "test"):
            examples = pq.read_table(f"{version.path}/{split}.parquet").to_pylist()
            assert examples
            assert all(judge.parse(example["messages"][-1]["content"]) is not None for example in examples)


def test_the_command_writes_a_file_and_says_what_to_do_with_it(tmp_path: Path):
    console = Console(record=True, width=300)
    path = write_task_sample(
        console, "quiz", rows=20, language="hi", seed=7, output=tmp_path / "quiz.jsonl", with_subject=False
    )
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert len(rows) == 20
    assert {row["language"] for row in rows} == {"hi"}
    assert f"lyo ingest {path} && lyo train quiz.hi" in console.export_text()


def test_a_program_is_told_the_file_and_its_segments(tmp_path: Path):
    console = Console(record=True, width=300)
    path = write_task_sample(
        console, "quiz", rows=6, language="hi", seed=7, output=tmp_path / "q.jsonl", with_subject=False, as_json=True
    )
    assert orjson.loads(console.export_text()) == {"file": str(path), "rows": 6, "segments": ["quiz.hi"]}


def test_the_command_writes_into_the_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    path = write_task_sample(
        Console(quiet=True), "search", rows=3, language="en", seed=7, output=None, with_subject=True
    )
    assert path == tmp_path / "inbox" / "sample-search-en.jsonl"


def test_topics_need_only_what_stands_before_them():
    for topic in topics().values():
        assert [one.en for one in path_to(topic)][-1] == topic.en
        earlier = list(topics())[: list(topics()).index(topic.en)]
        assert set(topic.needs) <= set(topics())
        assert all(topics()[need].subject in (topic.subject, "math") for need in topic.needs), topic.en
        assert set(topic.needs) <= set(earlier), topic.en


def test_the_documented_functions_do_what_their_documentation_says():
    for function in functions():
        known: dict[str, object] = {}
        exec(function["code"], known)
        assert repr(eval(function["call"], known)) == function["result"], function["name"]
        code = known[function["name"]].__code__  # pyright: ignore[reportAttributeAccessIssue]
        assert tuple(function["arguments"]) == code.co_varnames[: code.co_argcount]


def test_the_sample_knows_the_intents_of_the_task():
    assert set(INTENTS) == set(search.INTENTS)


def test_what_a_learner_likes_engages_more(end):
    from random import Random

    from lyo_pipelines.sample.tasks.contents import draw_content

    rng = Random(3)
    for _ in range(50):
        content, learner = draw_content(rng, "en"), profile(rng)
        kind = content.form.kind
        others = [name for name in learner["likes"] if name != kind]
        liked, _ = predict(content, learner | {"likes": [kind], "avoids": []})
        avoided, reasons = predict(content, learner | {"likes": others, "avoids": [kind]})
        assert liked > avoided
        assert reasons[0] == "dislikes"
