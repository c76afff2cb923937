"""data/curriculum.yaml: what is taught to whom, and when school is different. What follows from it belongs to the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lyo_pipelines.bounded_yaml import read_bounded_yaml, yaml_problem
from lyo_pipelines.config.loading import overlay
from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree
from lyo_pipelines.segments import SegmentKeyError, segment_key
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import Edition, Validity, is_academic_year

FILE = "curriculum.yaml"
LOCAL = "curriculum.local.yaml"
"""A team's additions, laid over the file beside it."""

DayKind = Literal["ordinary", "holiday", "exam"]


class CurriculumError(LyoError):
    """The curriculum does not fit; the message names file, key and what is expected."""


def _month_day(text: str) -> str:
    try:
        if f"{date.fromisoformat(f'2028-{text}'):%m-%d}" == text:  # a leap year
            return text
    except ValueError:
        pass
    raise ValueError(f"{text!r} is neither MM-DD nor YYYY-MM-DD")


MonthDay = Annotated[str, AfterValidator(_month_day)]


class _CurriculumPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Language(_CurriculumPart):
    """A written language and the first day that learners could use it."""

    name: str
    launched: date


class Subject(_CurriculumPart):
    """A subject: its task, first day, languages, and the grades of each topic."""

    task: str
    launched: date
    languages: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]

    @field_validator("topics", mode="before")
    @classmethod
    def _grades_are_texts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value or {}
        return {topic: _texts(grades) for topic, grades in value.items()}


class Period(_CurriculumPart):
    """Days of a name: one day of every year (`day: "01-26"`), or from `first` to `last` (dates, or month-days of every year)."""

    name: str
    day: MonthDay | None = None
    first: date | MonthDay | None = None
    last: date | MonthDay | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Period:
        ends = {type(self.first), type(self.last)}
        if len(ends) > 1 or (self.day is None) == (self.first is None):
            raise ValueError("give `day`, or `first` and `last` (both with the year, or both without)")
        return self

    def holds(self, day: date) -> bool:
        """Whether the day lies in the period."""
        first, last = self.day or self.first, self.day or self.last
        assert first is not None and last is not None
        month_day = f"{day:%m-%d}"
        after = month_day >= first if isinstance(first, str) else day >= first
        before = month_day <= last if isinstance(last, str) else day <= last
        # a yearly period may run over New Year: 12-20 to 01-10
        over_new_year = isinstance(first, str) and isinstance(last, str) and first > last
        return (after or before) if over_new_year else (after and before)


class AcademicYear(_CurriculumPart):
    """Month-day on which the academic year begins, and those of boards that begin on another."""

    start: MonthDay
    boards: dict[str, MonthDay] = Field(default_factory=dict)

    @field_validator("start")
    @classmethod
    def _every_year(cls, value: str) -> str:
        if value == "02-29":
            raise ValueError("02-29 is not in every year")
        return value


class TaughtEdition(_CurriculumPart):
    """What is taught of a subject for a time only: from `valid_from` to `valid_until`, or in `academic_years` ("2025-26")."""

    name: str
    subject: str
    languages: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    board: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    academic_years: tuple[str, ...] = ()

    @field_validator("grades", mode="before")
    @classmethod
    def _grades_are_texts(cls, value: Any) -> Any:
        return _texts(value)

    @model_validator(mode="after")
    def _says_when(self) -> TaughtEdition:
        dated = bool(self.valid_from or self.valid_until)
        if dated == bool(self.academic_years):
            raise ValueError("give `valid_from` or `valid_until` (or both), or `academic_years`")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        return self


class Curriculum(_CurriculumPart):
    """See data/curriculum.yaml."""

    country: str
    time_zone: str
    academic_year: AcademicYear
    languages: dict[str, Language]
    grades: tuple[str, ...]
    subjects: dict[str, Subject]
    holidays: tuple[Period, ...] = ()
    exam_weeks: tuple[Period, ...] = ()
    # left out of dumps where there are none: digests of curricula of before stay what they were
    editions: tuple[TaughtEdition, ...] = Field(default=(), exclude_if=lambda editions: not editions)

    @field_validator("grades", mode="before")
    @classmethod
    def _grades_are_texts(cls, value: Any) -> Any:
        return _texts(value)

    def kind(self, day: date) -> DayKind:
        """What kind of school day it is; a holiday in exam weeks is a holiday."""
        if any(period.holds(day) for period in self.holidays):
            return "holiday"
        return "exam" if any(period.holds(day) for period in self.exam_weeks) else "ordinary"

    @cached_property
    def areas(self) -> dict[str, Area]:
        """Segment key -> what is taught in it."""
        found = {}
        for name, subject in self.subjects.items():
            for code in subject.languages:
                language = self.languages[code]
                area = Area(name, code, max(subject.launched, language.launched), subject.launched, subject.topics)
                found[segment_key(subject.task, code, name)] = area
        return found

    @cached_property
    def validity(self) -> Validity:
        """From when and until when what was learnt holds. Raises ValueError for an academic year that is none."""
        year = self.academic_year
        known = Validity((), year.start, year.boards)
        return Validity(tuple(self._edition(one, known) for one in self.editions), year.start, year.boards)

    def _edition(self, told: TaughtEdition, years: Validity) -> Edition:
        subject = self.subjects[told.subject]
        segments = tuple(segment_key(subject.task, code, told.subject) for code in told.languages or subject.languages)
        first, last = told.valid_from, told.valid_until
        if told.academic_years:
            named = " ".join(told.academic_years)
            window = years.academic_year(named, told.board)
            if window is None or not is_academic_year(named):
                raise ValueError(f"editions: {told.name}: an academic year is written as 2025-26")
            first, last = window
        return Edition(told.name, segments, told.topics, told.grades, told.board, first, last)

    def year_start(self, day: date) -> date:
        """The day on which an academic year began last, the main one or that of a board."""
        month_days = [
            tuple(map(int, start.split("-")))
            for start in (self.academic_year.start, *self.academic_year.boards.values())
        ]
        starts = (date(year, month, number) for year in (day.year - 1, day.year) for month, number in month_days)
        return max(start for start in starts if start <= day)


@dataclass(frozen=True)
class Area:
    """A subject in a language: launched (both of them), and its topics with their grades."""

    subject: str
    language: str
    launched: date
    subject_launched: date
    topics: dict[str, tuple[str, ...]]

    @property
    def grades(self) -> set[str]:
        """All grades in which any topic is taught."""
        return {grade for grades in self.topics.values() for grade in grades}


def load_curriculum(lake: Lake) -> Curriculum:
    """Read `<data>/curriculum.yaml` (without one, the project's own), with `<data>/curriculum.local.yaml` laid over it.

    Raises CurriculumError.
    """
    path = lake.side(FILE)
    name, text = path, lake.read_text(path) if lake.exists(path) else ""
    if not text:
        default = Path(PROJECT_ROOT) / "data" / FILE
        name, text = str(default), default.read_text(encoding="utf-8")
    values = _mapping(text, name)
    local = lake.side(LOCAL)
    if lake.exists(local):
        name = f"{name} with {local}"
        values = overlay(values, _mapping(lake.read_text(local), local))
    try:
        curriculum = Curriculum.model_validate(values)
        _ = curriculum.areas, _known_editions(curriculum, name)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise CurriculumError(f"{name}: {said}. See the comments in data/curriculum.yaml.") from error
    except SegmentKeyError as error:
        raise CurriculumError(f"{name}: {error}.") from error
    except KeyError as error:
        raise CurriculumError(
            f"{name}: a subject names the language {error}, which stands not under `languages`."
        ) from error
    return curriculum


def _known_editions(curriculum: Curriculum, name: str) -> Validity:
    for edition in curriculum.editions:
        if edition.subject not in curriculum.subjects:
            known = ", ".join(curriculum.subjects)
            raise CurriculumError(
                f"{name}: editions: {edition.name}: {edition.subject} is no subject of it. Known: {known}."
            )
        if strange := set(edition.languages) - set(curriculum.subjects[edition.subject].languages):
            raise CurriculumError(
                f"{name}: editions: {edition.name}: {edition.subject} is not taught in {', '.join(sorted(strange))}."
            )
        unknown = set(edition.topics) - curriculum.subjects[edition.subject].topics.keys()
        if unknown:
            raise CurriculumError(
                f"{name}: editions: {edition.name}: {edition.subject} has no topic {', '.join(sorted(unknown))}. Keep a topic that is "
                "no longer taught under `topics`, and end it with `valid_until`."
            )
    try:
        return curriculum.validity
    except ValueError as error:
        raise CurriculumError(f"{name}: {error}.") from error


def _mapping(text: str, name: str) -> ConfigTree:
    try:
        values = read_bounded_yaml(text) or {}
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that there is not, such as 2026-02-30
        raise CurriculumError(f"{name}: cannot be read as YAML ({yaml_problem(error)}). Mend or remove it.") from error
    if not isinstance(values, dict):
        raise CurriculumError(f"{name}: expected keys such as subjects and languages, found {type(values).__name__}.")
    return values


def _texts(grades: Any) -> Any:
    return [str(grade) for grade in grades] if isinstance(grades, list) else grades
