from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.day import curate_day
from lyo_pipelines.curation.judgements import mean_ratings
from lyo_pipelines.curation.pool import apply_pool_rules
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

LISTS = load_wordlists()
QUESTION = "How do I solve 3x + 5 = 26 for x?"


def pooled(lake: Lake, *days: list[dict]):
    """Curate the days and pool all their examples."""
    for number, rows in enumerate(days):
        day = DAY + timedelta(days=number)
        moved = [made | {"occurred_at": made["occurred_at"] + timedelta(days=number)} for made in rows]
        lake.write_table(table(*moved), lake.interactions(day))
        curate_day(lake, day, CONFIG)
    examples = [lake.read_table(lake.examples(day)) for day in lake.days("examples")]
    return apply_pool_rules(pa.concat_tables(examples).replace_schema_metadata(None), CONFIG, 500, mean_ratings(lake))


def rated(number: int, rating: float | None, **changes):
    return row(number, question=QUESTION, rating=rating, **changes)


def test_an_answer_that_most_people_found_bad_is_no_good_example_though_one_liked_it(tmp_path: Path):
    result = pooled(Lake(str(tmp_path)), [rated(0, 5.0)], [rated(n, 1.0) for n in range(1, 10)])
    assert result.kept.num_rows == 0
    assert result.removed_by_rule == {"judged_low": 1}


def test_ratings_between_bad_and_good_count_too(tmp_path: Path):
    result = pooled(Lake(str(tmp_path)), [rated(0, 5.0), rated(1, 3.0), rated(2, 3.0), row(4, rating=5.0)])
    assert result.kept["interaction_id"].to_pylist() == ["i4"]


def test_an_answer_liked_by_most_stays_and_weighs_by_its_mean(tmp_path: Path):
    result = pooled(Lake(str(tmp_path)), [rated(0, 5.0), rated(1, 4.0)])
    assert result.kept["rating"].to_pylist() == [4.5]
    assert result.kept["weight"].to_pylist() == pytest.approx([0.9])
    assert result.removed_by_rule == {"exact_duplicate": 1}


def test_an_unrated_twin_of_a_bad_answer_goes_with_it(tmp_path: Path):
    result = pooled(Lake(str(tmp_path)), [rated(0, None), row(1)], [rated(2, 1.0)])
    assert result.kept["interaction_id"].to_pylist() == ["i1"]


def test_of_equal_examples_the_rated_one_stays_though_another_came_first(tmp_path: Path):
    result = pooled(Lake(str(tmp_path)), [rated(0, None)], [rated(1, 5.0)])
    assert result.kept["interaction_id"].to_pylist() == ["i1"]


def test_another_question_or_another_talk_before_it_is_another_judgement(tmp_path: Path):
    history = [{"role": "user", "content": "before"}]
    made = [rated(0, 5.0), row(1, rating=1.0), rated(2, 1.0, history=history), rated(3, 1.0, context="a sheet")]
    assert pooled(Lake(str(tmp_path)), made).kept["interaction_id"].to_pylist() == ["i0"]


def test_no_text_stands_in_the_file_of_ratings(tmp_path: Path):
    lake = Lake(str(tmp_path))
    pooled(lake, [rated(0, 5.0), rated(1, 3.0), rated(2, 1.0)])
    stored = lake.read_table(lake.examples(DAY, "ratings"))
    assert stored.column_names == ["example_id", "answer_key", "rating"]
    assert all(len(key) == 32 for key in stored["answer_key"].to_pylist())
    assert stored["example_id"].null_count == 1


@settings(max_examples=draws(25))
@given(
    given_ratings=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([None, 1.0, 2.0, 3.0, 4.0, 5.0])), min_size=1, max_size=10
    ),
    border=st.integers(0, 10),
)
def test_equal_answers_are_judged_alike_by_the_mean_of_all_ratings_whatever_the_day(
    given_ratings, border, tmp_path_factory
):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    made = [
        row(number, question=f"What is {which} + 1?  ", rating=rating)
        for number, (which, rating) in enumerate(given_ratings)
    ]
    days = [part for part in (made[:border], made[border:]) if part]
    kept = {item["question"].strip(): item for item in pooled(lake, *days).kept.to_pylist()}
    for which in {which for which, _ in given_ratings}:
        said = [rating for other, rating in given_ratings if other == which and rating is not None]
        mean = sum(said) / len(said) if said else None
        example = kept.get(f"What is {which} + 1?")
        assert (example is not None) == (
            mean is None or (mean >= CONFIG.minimum_rating and max(said) >= CONFIG.minimum_rating)
        )
        if example is not None:
            assert example["rating"] == (pytest.approx(mean) if mean is not None else None)


def test_a_batch_lists_all_its_examples_and_rated_answers():
    result = curate_batch(table(rated(0, 5.0), rated(1, 3.0), rated(2, 1.0), row(3)), CONFIG, LISTS, {})
    assert result.ratings.num_rows == 4
    assert result.ratings["rating"].to_pylist() == [5.0, None, 1.0, 3.0]
