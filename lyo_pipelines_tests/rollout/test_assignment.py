"""Assignment: the same everywhere, even, sticky, and independent between releases."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from lyo_pipelines.rollout.assignment import BUCKETS, arm, bucket_of, buckets, candidate_buckets, salt_of

TEXT = st.text(max_size=20).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text))
SHARE = st.floats(0, 1)


@pytest.mark.parametrize(("user", "expected"), [("u_1", 3241), ("u_2", 1564), ("மாணவர்", 4220), ("", 3314)])
def test_these_users_have_these_buckets_for_ever(user, expected):
    """Written down: whoever changes the function moves everybody."""
    assert bucket_of(user, salt_of("tutoring.ta.math", "v2")) == expected


def test_another_process_with_another_hash_seed_says_the_same():
    code = "from lyo_pipelines.rollout.assignment import bucket_of; print(bucket_of('u_1', 's'))"
    told = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    assert {int(run.stdout) for run in told} == {bucket_of("u_1", "s")}


@given(TEXT, TEXT, SHARE, SHARE)
def test_growing_a_stage_moves_nobody_back(user, salt, one, other):
    smaller, larger = sorted((one, other))
    if arm(user, salt, smaller) == "candidate":
        assert arm(user, salt, larger) == "candidate"


@given(TEXT, TEXT)
def test_nobody_gets_a_share_of_none_and_everybody_one_of_all(user, salt):
    assert arm(user, salt, 0) == "current"
    assert arm(user, salt, 1) == "candidate"


@given(st.lists(TEXT, max_size=20), TEXT)
def test_many_users_at_once_get_what_each_gets_alone(users, salt):
    assert buckets(users, salt).tolist() == [bucket_of(user, salt) for user in users]


def test_buckets_are_even_and_one_release_says_nothing_about_another():
    users = [f"u_{number}" for number in range(100_000)]
    first, second, third = (
        buckets(users, salt_of(segment, version))
        for segment, version in (("tutoring.ta.math", "v1"), ("tutoring.hi.math", "v1"), ("tutoring.ta.math", "v2"))
    )
    assert chisquare(np.bincount(first // 100, minlength=100)).pvalue > 0.001
    for other in (second, third):
        table = np.histogram2d(first // 1000, other // 1000, bins=10)[0]
        assert chi2_contingency(table).pvalue > 0.001


def test_a_name_cannot_be_split_into_another_release_s():
    assert salt_of("tutoring.ta", "math") != salt_of("tutoring", "tamath")
    assert bucket_of("b", "a") != bucket_of("ab", "") or bucket_of("c", "a") != bucket_of("ac", "")


def test_shares_count_in_ten_thousandths():
    assert (candidate_buckets(0.1), candidate_buckets(0.00004), candidate_buckets(1)) == (1_000, 0, BUCKETS)
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            candidate_buckets(share)
