"""Numbers, sizes, times and names as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.telling import natural_order, rounded, told_share, told_size, told_span


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 B"), (999, "999 B"), (1024, "1.0 KiB"), (5_046_586_573, "4.7 GiB"), (1023 * 1024, "1.0 MiB"), (2**50, "1.0 PiB")],
)  # fmt: skip
def test_sizes(count, told):
    assert told_size(count) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0123, "12.3 ms"), (3.21, "3.2 s"), (59.2, "59 s"), (60, "1 min"), (1131, "18 min 51 s"), (7500, "2 h 5 min"),
     (273_600, "3 d 4 h"), (math.nan, "unknown"), (-1, "unknown")],
)  # fmt: skip
def test_spans(seconds, told):
    assert told_span(seconds) == told


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_longer_span_is_never_told_in_a_smaller_unit(first, second):
    units = ["ms", "s", "min", "h", "d"]
    shorter, longer = sorted((first, second))
    assert units.index(told_span(shorter).split()[1]) <= units.index(told_span(longer).split()[1])


@given(st.floats(-1e12, 1e12))
def test_a_rounded_number_is_near_and_short(value):
    found = rounded(value)
    assert found is not None
    assert abs(found - value) <= 0.5 or math.isclose(found, value, rel_tol=1e-3)
    if abs(value) >= 1e-4:
        assert math.isclose(found, value, rel_tol=6e-4)


def test_a_number_keeps_four_digits_and_what_is_none_stays_none():
    assert (rounded(1.51234), rounded(0.00123456), rounded(None)) == (1.512, 0.001235, None)
    assert math.isnan(rounded(math.nan) or 0)


def test_a_share_of_nothing_has_no_percentage():
    assert (told_share(312, 1024), told_share(0, 0)) == ("312 of 1,024 (30%)", "0 of 0")


@given(st.lists(st.integers(0, 10**6)), st.sampled_from(["grade ", "", "Grade-"]))
def test_numbers_in_names_sort_as_they_are_counted(numbers, prefix):
    told = sorted((f"{prefix}{number}" for number in numbers), key=natural_order)
    assert told == [f"{prefix}{number}" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_sorted(names):
    assert sorted(sorted(names, key=natural_order)) == sorted(names)
