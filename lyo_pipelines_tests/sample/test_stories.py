"""Every story is a claim about the log: what was planted is there, in its segment and its weeks, and nowhere else."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import pytest
import yaml

from lyo_pipelines.sample.generate import generate
from lyo_pipelines.sample.people import Chances
from lyo_pipelines.sample.stories import STORIES, demo_curriculum
from lyo_pipelines.sample.voices import VOICES
from lyo_pipelines.sample.write import write_sample
from lyo_pipelines_tests.sample.generated_logs import (
    END,
    LAUNCH,
    SEGMENTS,
    rows_of,
    seeds,
    story_kinds,
    story_rows,
    told_log,
)


def test_without_stories_the_files_are_byte_for_byte_what_they_were_before_there_were_any(tmp_path):
    files = write_sample(tmp_path / "inbox", tmp_path / "labels.jsonl", n=400, seed=5, end=END)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (*files, tmp_path / "labels.jsonl")))
    assert digest.hexdigest() == "14d773ba3ab522edc173d54c1f17aa2ddab020d2755137a8750170a71e651e52"


def test_the_same_arguments_tell_the_same_stories_and_the_files_hold_them(tmp_path):
    for folder in ("a", "b"):
        write_sample(tmp_path / folder, tmp_path / f"{folder}.jsonl", n=500, seed=3, end=END, stories=True)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    labels = generate(n=500, seed=3, end=END, stories=True).labels
    assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == len(labels)
    assert (tmp_path / "a.jsonl").read_bytes().count(b'"story_') == sum(
        len(story_kinds(label["planted"])) for label in labels
    )


@pytest.mark.parametrize("n", [0, 1, 57, 999])
@pytest.mark.parametrize("weeks", [1, 8])
def test_a_log_with_stories_has_exactly_as_many_rows_as_asked_for(n, weeks):
    assert len(generate(n=n, end=END, weeks=weeks, stories=True).interactions) == n


def test_every_story_has_a_name_of_its_own_a_segment_of_its_own_and_one_sentence():
    assert len({story.name for story in STORIES}) == len({story.segment for story in STORIES}) == len(STORIES) == 6
    assert all(story.says.endswith(".") and story.says.count(". ") == 0 for story in STORIES)
    assert {story.kind for story in STORIES} == {"volume", "quality", "performance", "business"}
    assert [story.name for story in STORIES if story.expected == "hold"] == ["mix_only", "noisy_small"]


@seeds
def test_a_label_names_the_story_of_the_row_s_own_segment_once_after_its_flaws(seed):
    for row in rows_of(seed):
        stories = story_kinds(row["planted"])
        assert all(SEGMENTS[name] == row["segment"] for name in stories)
        assert len(stories) <= 1
        if stories:
            assert row["planted"][-1] == f"story_{stories.pop()}"
    assert len({label["interaction_id"] for label in told_log(seed).labels}) == len(told_log(seed).labels)


@seeds
def test_the_labels_count_what_was_planted(seed):
    counts = Counter(name for row in rows_of(seed) for name in story_kinds(row["planted"]))
    assert set(counts) == set(SEGMENTS) - {"volume"}
    for name in ("new_subject", "mix_only"):
        assert counts[name] == len(story_rows(seed, name))
    slow = [row for row in story_rows(seed, "slow_answers") if row["is_recent"] and row["error"] is None]
    assert counts["slow_answers"] == len(slow)
    for name in ("rating_slump", "noisy_small", "slow_answers"):
        assert all(row["is_recent"] for row in story_rows(seed, name) if story_kinds(row["planted"]))
    details = {label["interaction_id"]: label["details"] for label in told_log(seed).labels}
    for name in ("rating_slump", "noisy_small"):
        told = [row for row in story_rows(seed, name) if f"story_{name}" in row["planted"]]
        assert all(details[row["interaction_id"]]["rating"] == row["rating"] for row in told)


@seeds
def test_volume_english_maths_alone_has_more_than_a_thousand_good_answers(seed):
    def is_kept(row: dict) -> bool:
        flaws = [kind for kind in row["planted"] if not kind.startswith("story_")]
        return not flaws and row["rating"] in (None, 4, 5)

    kept = Counter(row["segment"] for row in rows_of(seed) if is_kept(row))
    assert kept.pop(SEGMENTS["volume"]) > 1_200
    assert max(kept.values()) < 900
    assert min(kept[SEGMENTS[name]] for name in ("rating_slump", "slow_answers")) > 400


@seeds
def test_slow_answers_take_longer_by_one_factor_and_errors_do_not(seed):
    rows = story_rows(seed, "slow_answers")
    for name in ("response_time_ms", "time_to_first_token_ms"):
        before, now = (
            [row[name] for row in rows if row["is_recent"] == recent and row["error"] is None]
            for recent in (False, True)
        )
        assert 1.3 < median(now) / median(before) < 2.0
    errors = [row for row in rows_of(seed) if row["error"] is not None]
    assert {row["response_time_ms"] for row in errors} == {30_000.0}


@seeds
def test_new_subject_begins_three_weeks_before_the_end_in_english_on_its_own_curriculum(seed):
    rows = story_rows(seed, "new_subject")
    assert len(rows) >= 310
    assert LAUNCH <= min(row["occurred_at"] for row in rows) < (END - timedelta(days=19)).isoformat()
    assert [row["language"] for row in rows_of(seed) if row["subject"] == "commerce"] == ["en"] * len(rows)
    topics = demo_curriculum(END)["subjects"]["commerce"]["topics"]
    assert {row["topic"] for row in rows} == set(topics)
    assert all(int(row["grade"]) in topics[row["topic"]] for row in rows)
    assert all("commerce tutor" in row["system_prompt"] for row in rows)
    assert len({row["question"] for row in rows}) > 0.9 * len(rows)
    mark = VOICES["en"].answer_mark
    clean = [row for row in rows if row["planted"] == ["story_new_subject"] and row["reference_answer"]]
    assert len(clean) > 200
    assert all(row["answer"].split("\n")[-1] == mark + row["reference_answer"] for row in clean)


@seeds
def test_new_subject_comes_on_top_so_that_no_other_segment_shrinks(seed):
    others = [row for row in rows_of(seed) if row["subject"] != "commerce"]
    since = sum(row["occurred_at"] >= LAUNCH for row in others)
    assert 0.92 < (since / 3) / ((len(others) - since) / 5) < 1.08


def test_the_overlay_adds_one_subject_with_topics_of_its_own_to_the_curriculum():
    told = yaml.safe_load((Path(__file__).parents[2] / "data" / "curriculum.yaml").read_text(encoding="utf-8"))
    overlay = demo_curriculum(END)["subjects"]
    entry = overlay["commerce"]
    assert overlay.keys().isdisjoint(told["subjects"])
    assert set(entry) == set(told["subjects"]["math"])
    assert entry["launched"] == date(2026, 10, 30)
    assert all(set(entry["topics"]).isdisjoint(subject["topics"]) for subject in told["subjects"].values())
    assert {grade for grades in entry["topics"].values() for grade in grades} <= set(told["grades"])


def test_the_kept_options_of_chances_keep_their_weights():
    kept = Chances({"a": 3.0, "b": 5.0, "c": 1.0}).only(lambda option: option != "b")
    assert kept.options == ["a", "c"]
    assert [option for option in ("a", "c") for _ in range(2)] == [
        kept.draw(_Fixed(at)) for at in (0.0, 0.74, 0.76, 0.99)
    ]


class _Fixed:
    """A chance that is known."""

    def __init__(self, value: float) -> None:
        self._value = value

    def random(self) -> float:
        return self._value
