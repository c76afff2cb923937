"""The curriculum: what is taught, kinds of days, a team's file over it, and errors that name what is wrong."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.retraining.curriculum import CurriculumError, Period, load_curriculum
from lyo_pipelines.storage.lake import Lake

SMALL = """
country: IN
time_zone: Asia/Kolkata
academic_year: {start: "04-01", boards: {Tamil Nadu board: "06-01"}}
languages:
  en: {name: English, launched: 2025-04-01}
  ta: {name: Tamil, launched: 2025-09-01}
grades: [6, 7]
subjects:
  math:
    task: tutoring
    launched: 2025-06-01
    languages: [en, ta]
    topics: {angles: [6, 7], fractions: [6]}
holidays:
  - {name: New Year, first: "12-30", last: "01-02"}
  - {name: Pongal, first: 2026-01-14, last: 2026-01-17}
  - {name: Republic Day, day: "01-26"}
exam_weeks:
  - {name: pre-boards, first: "01-10", last: "01-27"}
"""


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def loaded(lake: Lake, text: str = SMALL, local: str | None = None):
    lake.write_text(text, lake.side("curriculum.yaml"))
    if local is not None:
        lake.write_text(local, lake.side("curriculum.local.yaml"))
    return load_curriculum(lake)


def test_without_a_file_the_project_s_own_counts(lake):
    areas = load_curriculum(lake).areas
    assert areas["tutoring.ta.math"].launched == date(2025, 9, 1)
    assert "programming.en.programming" in areas


def test_each_subject_in_each_of_its_languages_is_an_area(lake):
    areas = loaded(lake).areas
    assert sorted(areas) == ["tutoring.en.math", "tutoring.ta.math"]
    assert areas["tutoring.en.math"].launched == date(2025, 6, 1)  # when both the subject and the language were there
    assert areas["tutoring.ta.math"].launched == date(2025, 9, 1)
    assert areas["tutoring.ta.math"].subject_launched == date(2025, 6, 1)
    assert areas["tutoring.ta.math"].grades == {"6", "7"}
    assert areas["tutoring.ta.math"].topics["fractions"] == ("6",)


def test_a_team_s_file_is_laid_over_and_changes_only_what_it_names(lake):
    local = "subjects: {math: {topics: {angles: [8]}}, art: {task: tutoring, launched: 2026-01-01, languages: [en], topics: {}}}"
    areas = loaded(lake, local=local).areas
    assert areas["tutoring.en.math"].topics == {"angles": ("8",), "fractions": ("6",)}
    assert areas["tutoring.en.art"].launched == date(2026, 1, 1)
    assert loaded(lake, local="# nothing yet").areas.keys() == {"tutoring.en.math", "tutoring.ta.math"}


def test_a_list_of_the_team_s_replaces_the_list(lake):
    curriculum = loaded(lake, local='holidays: [{name: Founders, day: "03-03"}]')
    assert [period.name for period in curriculum.holidays] == ["Founders"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("country: IN", "country: IN\nschools: 3"), "schools"),
        (("launched: 2025-06-01", "launched: soon"), "subjects.math.launched"),
        (("launched: 2025-06-01", "launched: 2025-02-30"), "cannot be read as YAML"),
        (("languages: [en, ta]", "languages: [en, fr]"), "'fr'"),
        (("task: tutoring", 'task: "?"'), "must both name something"),
        (("topics: {angles: [6, 7], fractions: [6]}", "topics: {angles: 6}"), "subjects.math.topics.angles"),
        (("topics: {angles: [6, 7], fractions: [6]}", "topics: [angles]"), "subjects.math.topics"),
        (("grades: [6, 7]", "grades: 6"), "grades"),
        (('day: "01-26"', 'day: "26 January"'), "neither MM-DD nor YYYY-MM-DD"),
        (('day: "01-26"', 'day: "13-01"'), "holidays.2.day"),
        ((', day: "01-26"', ""), "give `day`, or `first` and `last`"),
        ((', last: "01-02"', ""), "give `day`, or `first` and `last`"),
        (('last: "01-02"', "last: 2027-01-02"), "both with the year, or both without"),
        (('day: "01-26"', 'day: "01-26", first: "01-20", last: "01-27"'), "give `day`, or `first` and `last`"),
        (('start: "04-01"', 'start: "April"'), "academic_year.start"),
        (('start: "04-01"', 'start: "02-29"'), "not in every year"),
        ((SMALL, "- a"), "expected keys"),
        ((SMALL, "a: ["), "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(lake, change, said):
    with pytest.raises(CurriculumError) as error:
        loaded(lake, SMALL.replace(*change))
    assert "curriculum.yaml" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("edition", "said"),
    [
        ("subject: physics, valid_until: 2027-03-31", "physics is no subject of it"),
        ("subject: math, topics: [algebra], valid_until: 2027-03-31", "no topic algebra"),
        ("subject: math, languages: [fr], valid_until: 2027-03-31", "not taught in fr"),
        ("subject: math", "give `valid_from` or `valid_until`"),
        ("subject: math, valid_until: 2027-03-31, academic_years: ['2026-27']", "or `academic_years`"),
        ("subject: math, valid_from: 2027-04-01, valid_until: 2027-03-31", "before valid_from"),
        ("subject: math, academic_years: [next]", "written as 2025-26"),
    ],
)
def test_an_edition_that_says_nothing_usable_is_named(lake, edition, said):
    with pytest.raises(CurriculumError) as error:
        loaded(lake, local=f"editions: [{{name: old, {edition}}}]")
    assert said in str(error.value)


def test_editions_belong_to_the_segments_of_their_subject_and_to_their_board_s_year(lake):
    told = "{name: old, subject: math, topics: [angles], grades: [6], board: Tamil Nadu board, academic_years: ['2025-26']}"
    (edition,) = loaded(lake, local=f"editions: [{told}]").validity.editions
    assert edition.segments == ("tutoring.en.math", "tutoring.ta.math") and edition.grades == ("6",)
    assert (edition.first, edition.last) == (date(2025, 6, 1), date(2026, 5, 31))
    assert "editions" not in loaded(lake, local="{}").model_dump_json(), "without any, digests stay what they were"


def test_an_error_in_the_team_s_file_names_that_file(lake):
    with pytest.raises(CurriculumError, match=r"curriculum\.local\.yaml"):
        loaded(lake, local="country: {a: b}")


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-01-09", "ordinary"), ("2026-01-10", "exam"), ("2026-01-13", "exam"), ("2026-01-14", "holiday"),
        ("2026-01-17", "holiday"), ("2026-01-18", "exam"),
        ("2026-01-26", "holiday"), ("2026-01-27", "exam"), ("2026-01-28", "ordinary"),
        ("2027-01-14", "exam"), ("2027-01-26", "holiday"),
        ("2025-12-29", "ordinary"), ("2025-12-30", "holiday"), ("2025-12-31", "holiday"), ("2026-01-01", "holiday"),
        ("2026-01-02", "holiday"), ("2026-01-03", "ordinary"), ("2026-07-01", "ordinary"),
    ],
)  # fmt: skip
def test_days_are_of_a_kind_and_a_holiday_in_exam_weeks_is_a_holiday(lake, day, kind):
    assert loaded(lake).kind(date.fromisoformat(day)) == kind


def test_a_date_in_quotes_is_a_date(lake):
    curriculum = loaded(
        lake, SMALL.replace("first: 2026-01-14, last: 2026-01-17", 'first: "2026-01-14", last: "2026-01-17"')
    )
    assert curriculum.kind(date(2026, 1, 15)) == "holiday"
    assert curriculum.kind(date(2027, 1, 15)) == "exam"


@given(
    st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.dates(date(2028, 1, 1), date(2028, 12, 31)), st.integers(0, 330)
)
def test_a_yearly_period_holds_the_days_between_its_ends_also_over_new_year(day, first, length):
    last = first + timedelta(days=length)
    yearly = Period(name="x", first=f"{first:%m-%d}", last=f"{last:%m-%d}")
    then = date(2028, day.month, day.day)
    later = date(2029, day.month, day.day) if (day.month, day.day) != (2, 29) else None
    between = first <= then <= last or (later is not None and first <= later <= last)
    assert yearly.holds(day) == between


@pytest.mark.parametrize(
    ("day", "start"),
    [
        ("2026-03-31", "2025-06-01"),
        ("2026-04-01", "2026-04-01"),
        ("2026-05-31", "2026-04-01"),
        ("2026-12-31", "2026-06-01"),
    ],
)
def test_an_academic_year_is_that_of_the_calendar_or_board_that_began_last(lake, day, start):
    assert loaded(lake).year_start(date.fromisoformat(day)) == date.fromisoformat(start)
