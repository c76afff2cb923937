"""data/curriculum.yaml and the generator agree on what is taught to whom."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from lyo_pipelines.sample.people import GRADES, LANGUAGES, SUBJECTS
from lyo_pipelines.sample.problems import KINDS
from lyo_pipelines.sample.voices import VOICES

FILE = Path(__file__).parents[2] / "data" / "curriculum.yaml"


@pytest.fixture(scope="module")
def curriculum() -> dict:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_every_kind_is_on_the_curriculum_in_its_grades_and_every_topic_has_a_kind(curriculum):
    taught: dict[tuple[str, str], set[int]] = {}
    for kind in KINDS.values():
        taught.setdefault((kind.subject, kind.topic), set()).update(kind.grades)
    listed = {
        (subject, topic): set(grades)
        for subject, entry in curriculum["subjects"].items()
        for topic, grades in entry["topics"].items()
    }
    assert listed == taught


def test_languages_subjects_and_grades_are_those_of_the_log(curriculum):
    assert set(curriculum["languages"]) == set(LANGUAGES) == set(VOICES)
    assert curriculum["grades"] == list(GRADES)
    for language, subjects in SUBJECTS.items():
        assert set(subjects) == {
            name for name, entry in curriculum["subjects"].items() if language in entry["languages"]
        }


def test_holidays_and_exam_weeks_have_their_days_in_order(curriculum):
    for entry in curriculum["holidays"]:
        if "day" in entry:
            date.fromisoformat(f"2026-{entry['day']}")
        else:
            assert entry["first"] <= entry["last"]
    assert all(entry["first"] < entry["last"] for entry in curriculum["exam_weeks"])
    assert all(
        isinstance(entry["launched"], date)
        for entry in (*curriculum["languages"].values(), *curriculum["subjects"].values())
    )
