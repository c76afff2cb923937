"""How long what was learnt holds: editions follow one another, and what nobody says anything about holds always."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.validity import ALWAYS, Edition, Validity, is_academic_year, state_on

PHYSICS = "tutoring.en.physics"
OLD, NEW = date(2026, 3, 31), date(2026, 4, 1)


def edition(name: str = "old", **fields) -> Edition:
    return Edition(name, (PHYSICS,), **fields)


def asked(validity: Validity, day: date, topic: str = "motion", grade: str = "9", board: str | None = None):
    return validity.of_question(PHYSICS, topic, grade, board, day)


def test_an_example_holds_as_long_as_the_edition_in_force_when_it_was_asked():
    both = Validity((edition(topics=("motion",)), edition("new", topics=("motion",), first=NEW)))
    assert asked(both, date(2025, 11, 2)) == (None, OLD), "the next edition ends the one before it"
    assert asked(both, date(2026, 4, 1)) == (NEW, None)
    assert asked(both, date(2025, 11, 2), "gravitation") == ALWAYS
    assert both.of_question("tutoring.ta.physics", "motion", "9", None, OLD) == ALWAYS


def test_an_edition_alone_replaces_what_was_before_it():
    assert asked(Validity((edition("new", first=NEW),)), date(2026, 1, 1)) == (None, OLD)


def test_a_topic_that_is_no_longer_taught_is_expired_whenever_it_is_asked():
    ended = Validity((edition(topics=("motion",), last=OLD), edition("whole subject", last=date(2030, 1, 1))))
    for day in (date(2025, 1, 1), date(2026, 6, 1)):
        assert asked(ended, day)[1] == OLD
    assert asked(ended, day, "gravitation")[1] == date(2030, 1, 1)


def test_a_board_is_known_or_nothing_is():
    ours = Validity((edition(board="Tamil Nadu board", grades=("9",), last=OLD),))
    assert asked(ours, NEW, board="tamil  nadu Board")[1] == OLD
    assert asked(ours, NEW, board="CBSE") == asked(ours, NEW) == ALWAYS
    assert asked(ours, NEW, grade="10", board="Tamil Nadu board") == ALWAYS


@pytest.mark.parametrize(
    ("text", "board", "window"),
    [
        ("2025-26", None, (date(2025, 4, 1), date(2026, 3, 31))),
        ("2025-2026", "CBSE", (date(2025, 4, 1), date(2026, 3, 31))),
        ("2025", "tamil nadu board", (date(2025, 6, 1), date(2026, 5, 31))),
        ("2024-25, 2025-26", None, (date(2024, 4, 1), date(2026, 3, 31))),
        ("last year", None, None),
    ],
)
def test_an_academic_year_is_that_of_the_board(text, board, window):
    assert Validity(boards={"Tamil Nadu board": "06-01"}).academic_year(text, board) == window


@pytest.mark.parametrize("text", ["25-26", "2025-24", "2025-27", "2025-06", "0000-01", "9999-10000", "next year", ""])
def test_what_is_no_academic_year_is_none_and_breaks_nothing(text):
    assert not is_academic_year(text)
    known = Validity().academic_year(text)
    assert known is None or known[0] is not None


@pytest.mark.parametrize("text", ["2025-26", "2025–2026", "2025/26", "2025/6", "२०२५-२६", "2025-26 2026-27", "1999-00"])
def test_academic_years_are_read_as_people_write_them(text):
    assert is_academic_year(text) and Validity().academic_year(text) is not None


def test_a_document_holds_by_its_dates_then_its_year_then_its_edition():
    known = Validity((edition("NCERT 2020", last=OLD),))
    year = (date(2025, 4, 1), date(2026, 3, 31))
    assert known.of_document(valid_until=NEW, academic_year="2025-26") == (None, NEW)
    assert known.of_document(academic_year="2025-26", edition="NCERT 2020") == year
    assert known.of_document(edition="ncert 2020") == (None, OLD)
    assert known.of_document(edition="of somebody else") is known.of_document() is None


DAYS = st.dates(date(2024, 1, 1), date(2028, 1, 1))


@given(st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), min_size=1, max_size=5), DAYS, DAYS)
def test_whenever_it_is_asked_an_example_expires_at_most_once_and_for_good(ends, day, later):
    line = Validity(tuple(edition(str(n), first=a, last=b) for n, (a, b) in enumerate(ends)))
    first, last = asked(line, day)
    assert first is None or first <= day, "nothing rests on an edition that came later"
    if state_on((first, last), day) == "expired":
        assert state_on((first, last), max(day, later)) == "expired"
    newer = [a for a, _ in ends if a and day < a]
    if newer:
        assert last is not None and last <= min(newer) - timedelta(days=1), "the next edition replaces it"
