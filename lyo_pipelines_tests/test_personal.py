"""Shapes that point at a person wherever they stand, and what only looks like them."""

from __future__ import annotations

import time

import pytest

from lyo_pipelines.personal import TELEPHONE, points_at_a_person, without_personal_shapes
from lyo_pipelines.segments import SegmentKeyError, segment_key

NUMBERS = ["9900112233", "+91 99001 12233", "(022) 2555-1234", "१२३४५६७८९०", "4820137"]
PERSONAL = ["a.b@c.example", "10.0.0.17", "2001:db8:0:1:17", *NUMBERS]
DATES = ["2026-11-20", "2026-11-20T10:00:00.123", "2026-2027", "2026/27"]
NOBODY = ["class 9", "chapter 3.2.1", "grade 10 a", "@home", "1,234", *DATES]


@pytest.mark.parametrize("text", PERSONAL)
def test_addresses_and_long_numbers_point_at_somebody(text):
    assert points_at_a_person(f"ask {text} please")
    assert text not in without_personal_shapes(f"ask {text} please", lambda _: "…")


@pytest.mark.parametrize("text", NOBODY)
def test_dates_years_and_short_numbers_do_not(text):
    assert not points_at_a_person(text)
    assert without_personal_shapes(text, lambda _: "…") == text


def test_time_grows_with_the_length():
    def seconds(count: int) -> float:
        began = time.process_time()
        for unit in ("9-", "a.", "1.", "a@", "0:", "2026-", "+"):
            without_personal_shapes(unit * count, lambda _: "")
        return time.process_time() - began

    seconds(1_000)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.01)


@pytest.mark.parametrize("facet", ["ask 9900112233", "sunita@school.example", "99001-12233", "+91 99001 12233"])
def test_nobody_becomes_a_segment(facet):
    assert segment_key("tutoring", "en", facet) == "tutoring.en"
    with pytest.raises(SegmentKeyError) as error:
        segment_key(facet, "en")
    assert facet not in str(error.value)


def test_a_year_in_a_subject_stays():
    assert segment_key("tutoring", "en", "Physics 2026-27") == "tutoring.en.physics_2026_27"
    assert not points_at_a_person("4820137", TELEPHONE)
