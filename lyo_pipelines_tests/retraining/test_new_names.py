"""Names that nobody knows are found, and those that only look strange are not."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.retraining.new_names import names_known, new_names, unknown_in
from lyo_pipelines.segments import segment_name
from lyo_pipelines_tests.dataset.example_lake import examples, lake_with
from lyo_pipelines_tests.hypothesis_profile import draws

KNOWN = {"task": {"tutoring"}, "language": {"en", "hi", "hi_latn"}, "subject": {"math", "computer_science"}}


def test_spellings_of_what_is_known_are_not_new() -> None:
    counts = {
        "task": {"Tutoring": 3},
        "language": {"en-IN": 5, "Hinglish": 2, "हिन्दी": 1},
        "subject": {"Math": 4, "Computer Science": 2},
    }
    assert new_names(counts, KNOWN) == []


def test_a_slip_is_told_with_what_is_near_and_how_many_rows_have_it() -> None:
    counts = {"task": {"tutorng": 1}, "language": {"xx-YY": 1, "klingon": 2}, "subject": {"maths": 7, "MATHS": 1}}
    task, language, subject = new_names(counts, KNOWN)[0], new_names(counts, KNOWN)[1], new_names(counts, KNOWN)[-1]
    assert (task.kind, task.near) == ("task", ("tutoring",))
    assert language.kind == "language"
    assert (subject.name, subject.rows, subject.near) == ("maths", 8, ("math",))
    assert "8 rows" in subject.says and "near to it: math" in subject.says


def test_the_curriculum_the_tasks_and_what_is_there_already_are_known(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, examples(range(12), segment="tutoring.en.woodwork", subject="woodwork"))
    known = names_known(lake, load_curriculum(lake), minimum=10)
    assert {"math", "physics", "woodwork"} <= known["subject"]
    assert {"en", "hi", "mr"} <= known["language"]
    assert {"tutoring", "search"} <= known["task"]
    few = names_known(lake, load_curriculum(lake), minimum=13)
    assert "woodwork" not in few["subject"], "a slip that was read once does not become known by that"


@settings(max_examples=draws(30))
@given(st.dictionaries(st.text(max_size=12), st.integers(1, 9), max_size=6))
def test_every_new_subject_is_told_once_with_all_its_rows(subjects: dict[str, int]) -> None:
    found = new_names({"subject": subjects}, KNOWN)
    names = [one.name for one in found]
    assert len(set(names)) == len(names)
    assert not set(names) & KNOWN["subject"]
    expected = sum(n for said, n in subjects.items() if segment_name(said) not in {"", *KNOWN["subject"]})
    assert sum(one.rows for one in found) == expected


def test_the_keys_of_new_segments_are_looked_at_too(tmp_path: Path) -> None:
    rows = [*examples(range(6), segment="tutoring.en.fisics"), *examples(range(6, 9), segment="documents.en.handouts")]
    found = unknown_in(lake_with(tmp_path, rows), ["tutoring.en.fisics", "documents.en.handouts", "tutoring.en.math"])
    assert [(one.kind, one.name, one.rows) for one in found] == [("subject", "fisics", 6)]
    assert "physics" in found[0].near
