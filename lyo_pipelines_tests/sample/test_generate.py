"""The log as a whole: the same for the same seed, the right mix, inside its weeks, and good enough to learn from."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from lyo_pipelines.interactions.contract import FEEDBACK_COLUMNS, INTERACTION, REASONING_MODES
from lyo_pipelines.sample.generate import generate, iter_blocks, iter_interactions
from lyo_pipelines.sample.voices import VOICES
from lyo_pipelines_tests.sample.question_clusters import clusters


def _count(rows, *names):
    return Counter(tuple(row[name] for name in names) for row in rows)


def test_the_same_seed_and_end_give_the_same_rows(end):
    once, again = generate(n=700, seed=3, end=end), generate(n=700, seed=3, end=end)
    assert (once.interactions, once.feedback, once.labels) == (again.interactions, again.feedback, again.labels)


def test_another_seed_gives_another_log_and_another_end_moves_the_same_one(end):
    here, moved, other = (generate(n=300, seed=s, end=e) for s, e in ((3, end), (3, end + timedelta(days=7)), (4, end)))
    assert [row["question"] for row in here.interactions] == [row["question"] for row in moved.interactions]
    assert here.interactions[0]["occurred_at"] < moved.interactions[0]["occurred_at"]
    assert [row["question"] for row in here.interactions] != [row["question"] for row in other.interactions]


@pytest.mark.parametrize("n", [0, 1, 57, 999])
def test_exactly_as_many_rows_as_asked_for(end, n):
    assert len(generate(n=n, end=end).interactions) == n
    assert sum(1 for _ in iter_interactions(n, end=end)) == n


def test_a_long_log_streams_in_blocks_of_bounded_size(end):
    sizes = [len(block.interactions) for block in iter_blocks(n=9_000, seed=1, end=end, weeks=1)]
    assert sum(sizes) == 9_000
    assert max(sizes) <= 4_000


def test_rows_have_the_fields_of_the_schema_with_the_raw_user_id_only_here(sample):
    expected = {*INTERACTION.names, "user_id"} - {
        "user_pseudonym",
        "source",
        "source_file",
        "source_line",
        "edited_answer",
        "release_id",
        "rating_invited",
        "images",
    }
    assert all(set(row) == expected for row in sample.interactions)
    assert all(set(row) <= {*FEEDBACK_COLUMNS, "interaction_id"} for row in sample.feedback)
    assert {row["reasoning_mode"] for row in sample.interactions} <= set(REASONING_MODES)


def test_ids_are_unique_and_turns_of_a_conversation_follow_each_other(sample):
    assert len({row["interaction_id"] for row in sample.interactions}) == len(sample.interactions)
    turns: dict[str, list[dict]] = {}
    for row in sorted(sample.interactions, key=lambda row: row["occurred_at"]):
        turns.setdefault(row["conversation_id"], []).append(row)
    assert {len(rows) for rows in turns.values()} == {1, 2, 3, 4}
    for rows in turns.values():
        assert [row["turn"] for row in rows] == list(range(len(rows)))
        for earlier, later in pairwise(rows):
            assert later["history"][-2]["content"] == earlier["question"]
            assert later["history"][-1]["content"] == earlier["answer"]


def test_the_log_covers_the_eight_weeks_before_its_end_and_no_more(sample, end):
    first = datetime(end.year, end.month, end.day, tzinfo=UTC) - timedelta(weeks=8)
    times = [datetime.fromisoformat(row["occurred_at"]) for row in sample.interactions]
    assert first <= min(times) and max(times) < first + timedelta(weeks=8)
    assert len({time.date() for time in times}) == 56


def test_students_ask_in_the_evening_and_hardly_on_saturday(sample):
    india = [datetime.fromisoformat(row["occurred_at"]) + timedelta(hours=5.5) for row in sample.interactions]
    hours, days = Counter(time.hour for time in india), Counter(time.weekday() for time in india)
    assert sum(hours[hour] for hour in range(16, 23)) > 0.6 * len(india)
    assert sum(hours[hour] for hour in range(6)) == 0
    assert days[5] < 0.8 * days[2]


def test_the_mix_of_languages_and_subjects(sample):
    languages = _count(sample.interactions, "language")
    assert 0.45 < languages[("en",)] / 12_000 < 0.53
    assert languages[("hi",)] > 2_200 and languages[("ta",)] > 2_200 and languages[("hi_latn",)] > 400
    pairs = _count(sample.interactions, "language", "subject")
    for language in ("en", "hi", "ta"):
        assert all(pairs[(language, subject)] >= 200 for subject in ("math", "physics", "chemistry", "programming"))
    assert _count(sample.interactions, "task", "subject").keys() == {
        ("tutoring", "math"), ("tutoring", "physics"), ("tutoring", "chemistry"), ("programming", "programming")
    }  # fmt: skip
    assert {row["grade"] for row in sample.interactions} == {str(grade) for grade in range(6, 13)}
    assert len({row["topic"] for row in sample.interactions}) > 30


def test_ratings_are_missing_for_a_third_and_mostly_good(sample, final_ratings):
    assert 0.30 < 1 - len(final_ratings) / 12_000 < 0.42
    assert sum(rating >= 4 for rating in final_ratings.values()) / len(final_ratings) > 0.72
    assert set(final_ratings.values()) == {1, 2, 3, 4, 5}


def test_a_few_students_ask_most(sample):
    per_student = [count for _, count in Counter(row["user_id"] for row in sample.interactions).most_common()]
    assert len(per_student) > 500
    assert sum(per_student[:60]) > 0.3 * 12_000
    assert per_student[0] < 0.06 * 12_000


def test_late_feedback_names_a_known_row_comes_days_later_and_before_the_end(sample, by_id, end):
    assert len(sample.feedback) > 500
    for row in sample.feedback:
        answered = by_id[row["interaction_id"]]
        delay = datetime.fromisoformat(row["feedback_at"]) - datetime.fromisoformat(answered["occurred_at"])
        assert timedelta(days=1) <= delay <= timedelta(days=4)
        assert row["feedback_at"][:10] < end.isoformat()
        assert answered["rating"] is None and answered["feedback_at"] is None


def test_feedback_in_the_row_has_its_time(sample):
    for row in sample.interactions:
        given = any(row[name] is not None for name in ("rating", "thumbs", "complaint_category"))
        assert given == (row["feedback_at"] is not None)


def test_answers_without_a_flaw_end_with_the_known_result(sample, labels):
    clean = [row for row in sample.interactions if row["interaction_id"] not in labels and row["reference_answer"]]
    assert len(clean) > 8_000
    for row in clean:
        assert row["answer"].split("\n")[-1] == VOICES[row["language"]].answer_mark + row["reference_answer"]


def test_an_exercise_of_the_bank_goes_to_at_most_three_students(sample, labels):
    copies = {id_ for id_, label in labels.items() if "duplicate" in label["planted"][0]}
    asked = Counter(
        row["question_id"]
        for row in sample.interactions
        if row["question_id"] and row["turn"] == 0 and row["interaction_id"] not in copies
    )
    assert set(asked.values()) == {1, 2, 3}
    assert asked.most_common()[-1][1] == 1


def test_more_than_a_thousand_good_examples_of_english_maths_remain(sample, labels, final_ratings):
    """rating >= 4, or unrated with nothing against it; no planted flaw; at most 40 of a student; 900 separate groups."""
    good = [
        row
        for row in sample.interactions
        if row["language"] == "en"
        and row["subject"] == "math"
        and row["interaction_id"] not in labels
        and final_ratings.get(row["interaction_id"], 4) >= 4
        and row["thumbs"] != -1
    ]
    per_student: Counter[str] = Counter()
    kept = []
    for row in good:
        per_student[row["user_id"]] += 1
        if per_student[row["user_id"]] <= 40:
            kept.append(row)
    assert len(kept) >= 1_000
    assert len(_groups(kept)) >= 900


def _groups(rows) -> set[int]:
    """Conversation, exercise and near-duplicate cluster joined into groups."""
    parent = list(range(len(rows)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    first: dict[tuple, int] = {}
    cluster = clusters([row["question"] for row in rows])
    for at, row in enumerate(rows):
        for key in (
            ("conversation", row["conversation_id"]),
            ("exercise", row["question_id"] or at),
            ("cluster", cluster[at]),
        ):
            parent[root(at)] = root(first.setdefault(key, at))
    return {root(at) for at in range(len(rows))}
