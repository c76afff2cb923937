"""Which rated answers a prediction may learn from: every rating of the training side, nothing of a test item."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyo_pipelines.dataset.contract import SPLITS
from lyo_pipelines.dataset.group_keys import member_keys
from lyo_pipelines.dataset.split_memory import SplitMemory
from lyo_pipelines.evaluation.inputs.ratings import rated_answers
from lyo_pipelines_tests.evaluation.dataset_lake import SEGMENT, curated_day, lake_in, row

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)


@pytest.fixture
def lake(tmp_path: Path):
    lake = lake_in(tmp_path)
    kept = [
        row(1, 5.0),
        row(2, 4.0),
        row(3, None),
        row(4, 5.0, segment="tutoring.hi.math"),
        row(5, 5.0, user_pseudonym=None),
    ]
    curated_day(lake, DAY, kept, low=[row(6, 1.0), row(7, 3.0)], broken=[row(8, 1.0)])
    curated_day(lake, NEXT, [row(11, 4.0)])
    return lake


def remembered(folder: Path, kind: str, value: str, split: str) -> Path:
    """A dataset version whose memory holds one key."""
    _, keys = member_keys(kind, pa.array([value]))
    places = np.array([SPLITS.index(split)], np.int8)
    pq.write_table(SplitMemory(keys, places, places).to_table(), folder / "groups.parquet")
    return folder


def questions(found) -> set[int]:
    return {int(question.split()[2]) for question in found.questions}


def test_good_and_bad_ratings_count_and_what_was_broken_does_not(lake, tmp_path):
    found = rated_answers(lake, [SEGMENT], tmp_path, 100)
    assert questions(found) == {1, 2, 6, 7, 11}
    assert sorted(found.ratings) == [1.0, 3.0, 4.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("i", "i6"), ("c", "c6"), ("x", "what is 6 plus 6"), ("t", "whatis0plus0\x1f6 6")],
)
def test_nothing_that_is_tied_to_a_test_item_is_learnt_from(lake, tmp_path, kind, value):
    assert questions(rated_answers(lake, [SEGMENT], remembered(tmp_path, kind, value, "test"), 100)) == {1, 2, 7, 11}
    assert 6 in questions(rated_answers(lake, [SEGMENT], remembered(tmp_path, kind, value, "train"), 100))


def test_the_newest_count_where_there_are_more_than_wanted(lake, tmp_path):
    assert questions(rated_answers(lake, [SEGMENT], tmp_path, 1)) == {11}


def test_several_segments_are_read_together_and_an_empty_lake_has_none(lake, tmp_path):
    assert 4 in questions(rated_answers(lake, [SEGMENT, "tutoring.hi.math"], tmp_path, 100))
    nothing = rated_answers(lake_in(tmp_path / "empty"), [SEGMENT], tmp_path, 100)
    assert len(nothing) == 0


def test_the_fingerprint_changes_with_a_rating(lake, tmp_path):
    before = rated_answers(lake, [SEGMENT], tmp_path, 100).fingerprint
    assert rated_answers(lake, [SEGMENT], tmp_path, 100).fingerprint == before
    curated_day(lake, NEXT, [row(11, 5.0)])
    assert rated_answers(lake, [SEGMENT], tmp_path, 100).fingerprint != before
