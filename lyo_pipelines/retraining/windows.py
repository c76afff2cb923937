"""Which days are judged, and against which: school days that end yesterday, exam days against exam days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from lyo_pipelines.config.retraining import EvidenceConfig
from lyo_pipelines.retraining.curriculum import Curriculum

REACH_DAYS = 400
"""So far back days are looked for: exam days are compared with the exam days last before them, if need be with last year's."""


@dataclass(frozen=True)
class WindowPair:
    """Days that are judged and the days they are compared with; both sorted, both without holidays."""

    now: tuple[date, ...]
    base: tuple[date, ...]


@dataclass(frozen=True)
class Windows:
    """The pairs of one day of judgement, and which of all their days are exam days."""

    short: WindowPair
    long: WindowPair
    week: WindowPair
    exams: frozenset[date]

    @property
    def days(self) -> tuple[date, ...]:
        """All days that any pair needs, sorted."""
        return tuple(sorted({day for pair in (self.short, self.long, self.week) for day in (*pair.now, *pair.base)}))


def comparison_windows(today: date, curriculum: Curriculum, evidence: EvidenceConfig) -> Windows:
    """The windows as they stand on the morning of `today`: yesterday is the last day that is whole.

    A window of 14 days holds 14 days that are no holidays, however far back they reach: a week of holidays moves the window, it
    does not empty it.
    """
    school = _SchoolDays(today, curriculum)
    short, long = evidence.window_days
    pairs = [
        _pair(school, now, base)
        for now, base in ((short, evidence.baseline_days), (long, evidence.baseline_days), (7, 7))
    ]
    days = {day for pair in pairs for day in (*pair.now, *pair.base)}
    return Windows(*pairs, exams=frozenset(day for day in days if school.kinds[day] == "exam"))


class _SchoolDays:
    """The days before `today` that are no holidays, newest first, with their kinds."""

    def __init__(self, today: date, curriculum: Curriculum) -> None:
        back = (today - timedelta(days=n) for n in range(1, REACH_DAYS + 1))
        self.kinds = {day: kind for day in back if (kind := curriculum.kind(day)) != "holiday"}
        self.days = list(self.kinds)


def _pair(school: _SchoolDays, now_days: int, base_days: int) -> WindowPair:
    now, base = school.days[:now_days], school.days[now_days : now_days + base_days]
    if base_days > now_days and any(school.kinds[day] == "exam" for day in now):
        earlier = school.days[now_days + base_days :]
        base = base + [day for day in earlier if school.kinds[day] == "exam"][:base_days]
    return WindowPair(tuple(sorted(now)), tuple(sorted(base)))
