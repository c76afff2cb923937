from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.day import curate_day, stale_days
from lyo_pipelines.curation.review import (
    COLUMNS,
    Review,
    ReviewQueueError,
    decisions_signature,
    parse_queue,
    queue_path,
    read_queue,
    review_decisions,
    review_verdict,
    update_day,
    write_queue,
)
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, config, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

RUDE = "तू यह सवाल फिर से हल करके देख, यह बहुत आसान है।"
PERSONA = "मैं आपको यह सवाल समझाता हूँ, पहले दोनों पक्षों से पाँच घटाइए।"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def put(lake: Lake, *rows, day: date = DAY) -> None:
    lake.write_table(table(*rows), lake.interactions(day))


def kept(lake: Lake, day: date = DAY) -> list[str]:
    return lake.read_table(lake.examples(day))["interaction_id"].to_pylist()


def decide(lake: Lake, **answers: str) -> None:
    write_queue(
        lake, [replace(line, decision=answers.get(line.interaction_id, line.decision)) for line in read_queue(lake)]
    )


def test_a_person_s_decisions_are_obeyed_by_the_next_run_and_survive_it(lake):
    put(
        lake,
        row(1, rating=5.0, language="hi", answer=RUDE),
        row(2, rating=5.0, language="hi", answer=PERSONA),
        row(3, rating=5.0),
    )
    first = curate_day(lake, DAY, CONFIG)
    assert first.review_pending == 2
    assert first.removed_by_rule == {"cultural_review_pending": 2}
    assert kept(lake) == ["i3"]
    assert stale_days(lake, CONFIG) == []

    decide(lake, i1="drop", i2="keep")
    assert stale_days(lake, CONFIG) == [DAY]
    second = curate_day(lake, DAY, CONFIG)
    assert second.removed_by_rule == {"cultural_dropped": 1}
    assert second.review_pending == 0
    assert kept(lake) == ["i2", "i3"]
    assert stale_days(lake, CONFIG) == []

    third = curate_day(lake, DAY, CONFIG)
    assert third == second
    assert {line.interaction_id: line.decision for line in read_queue(lake)} == {"i1": "drop", "i2": "keep"}


def test_a_decision_about_one_day_leaves_the_others_up_to_date(lake):
    other = DAY + timedelta(days=1)
    put(lake, row(1, rating=5.0, language="hi", answer=RUDE))
    put(lake, row(2, rating=5.0, language="hi", answer=RUDE), day=other)
    curate_day(lake, DAY, CONFIG)
    curate_day(lake, other, CONFIG)
    decide(lake, i2="keep")
    assert stale_days(lake, CONFIG) == [other]


def test_a_cultural_complaint_goes_to_the_reviewers_rated_or_not(lake):
    put(
        lake,
        row(1, rating=4.0, complaint_category="Cultural", complaint_text="rude to my grandmother, call 9876543210"),
        row(2, complaint_category="cultural"),
        row(3, rating=2.0, complaint_category="cultural"),
    )
    report = curate_day(lake, DAY, CONFIG)
    assert report.removed_by_rule == {"rated_low": 1, "cultural_review_pending": 2}
    lines = {line.interaction_id: line for line in read_queue(lake)}
    assert set(lines) == {"i1", "i2"}
    assert lines["i1"].finding == "complaint"
    assert "rude to my grandmother, call <PHONE>" in lines["i1"].excerpt
    assert lines["i1"].segment == "tutoring.en.math"


def test_without_the_review_no_row_is_held_and_complaints_count_against_unrated_ones(lake):
    put(lake, row(1, rating=5.0, language="hi", answer=RUDE), row(2, complaint_category="cultural"))
    report = curate_day(lake, DAY, config(cultural_review=False))
    assert report.removed_by_rule == {"unrated_complaint": 1}
    assert not lake.exists(queue_path(lake))


def test_a_row_with_two_findings_needs_both_decided():
    decided = {"i1": {"insult": "keep"}}
    assert review_verdict("i1", ["insult", "caste"], decided) == "pending"
    assert review_verdict("i1", ["insult"], decided) == "keep"
    assert review_verdict("i1", ["insult", "caste"], {"i1": {"insult": "keep", "caste": "drop"}}) == "drop"
    assert review_verdict("i1", [], decided) is None


def test_undecided_lines_that_are_no_longer_found_go_and_notes_stay(lake):
    line = Review("i1", DAY.isoformat(), "s", "insult", "“x”", "", "ask Meena")
    decided = Review("i2", DAY.isoformat(), "s", "insult", "“y”", "drop", "")
    write_queue(lake, [line, decided, replace(line, interaction_id="i3", note="")])
    assert update_day(lake, DAY, [replace(line, excerpt="“new”", note="")]) == 1
    assert read_queue(lake) == [replace(line, excerpt="“new”"), decided]


def test_days_that_run_at_the_same_time_lose_no_line(lake):
    days = [DAY + timedelta(days=n) for n in range(12)]
    found = {day: [Review(f"{day}-{n}", day.isoformat(), "s", "insult", "“x, y”\n") for n in range(20)] for day in days}
    with ThreadPoolExecutor(6) as pool:
        pending = list(pool.map(lambda day: update_day(lake, day, found[day]), days))
    assert pending == [20] * 12
    assert len(read_queue(lake)) == 240


HEADER = ",".join(COLUMNS[:7])  # as files from before the column `phrase` have it


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,day\n1,2\n", "missing"),
        (f"{HEADER}\ni1,{DAY},s,insult,x,maybe,\n", "line 2: decision 'maybe'"),
        (f"{HEADER}\ni1,{DAY},s,insult\n", "line 2: 4 fields instead of 7"),
        (f"{HEADER}\ni1,{DAY},s,insult,a, b,keep,\n", "line 2: 8 fields"),
        (f"{HEADER}\n,{DAY},s,insult,x,keep,\n", "must not be empty"),
        (f'{HEADER}\ni1,{DAY},s,insult,"x"y",keep,\n', "line 2"),
    ],
)
def test_a_broken_queue_is_an_error_that_says_where_and_changes_nothing(lake, text, says):
    put(lake, row(1, rating=5.0, language="hi", answer=RUDE))
    lake.write_text(text, queue_path(lake))
    with pytest.raises(ReviewQueueError, match=says):
        curate_day(lake, DAY, CONFIG)
    assert lake.read_text(queue_path(lake)) == text
    assert not lake.exists(lake.examples(DAY))


def test_a_queue_in_another_encoding_is_an_error(lake):
    path = Path(queue_path(lake))
    path.parent.mkdir()
    path.write_bytes(f"{HEADER}\ni1,{DAY},s,insult,caf\xe9,keep,\n".encode("latin-1"))
    with pytest.raises(ReviewQueueError, match="UTF-8"):
        read_queue(lake)


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_what_a_spreadsheet_saves_is_understood(mark):
    lines = [COLUMNS[:7], ("i1", DAY.isoformat(), "s", "insult", "x", " Keep ", ""), ("", "", "", "", "", "", "")]
    text = "\ufeff" + "\r\n".join(mark.join(line) for line in lines)
    assert [line.decision for line in parse_queue(text)] == ["keep"]


def test_an_empty_file_is_an_empty_queue(lake):
    assert read_queue(lake) == []
    lake.write_text("", queue_path(lake))
    assert read_queue(lake) == []


words = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\ufeff"), max_size=20)
lines = st.builds(
    Review,
    interaction_id=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    day=st.just(DAY.isoformat()),
    segment=words,
    finding=st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
    excerpt=words.map(lambda text: f"“{text}”"),
    decision=st.sampled_from(["", "keep", "drop"]),
    note=words,
)


@settings(max_examples=draws(60))
@given(made=st.lists(lines, max_size=6, unique_by=lambda line: line.key))
def test_what_is_written_is_read_again(made, tmp_path_factory):
    lake = Lake(str(tmp_path_factory.mktemp("queue")))
    write_queue(lake, made)
    assert read_queue(lake) == sorted(made, key=lambda line: (line.day, line.interaction_id, line.finding))


@given(made=st.lists(lines, max_size=6))
def test_undecided_lines_do_not_change_what_was_decided(made):
    decided = [line for line in made if line.decision]
    assert review_decisions(made) == review_decisions(decided)
    assert decisions_signature(made, DAY) == decisions_signature(decided, DAY)
    assert decisions_signature(made, DAY + timedelta(days=1)) == ""
