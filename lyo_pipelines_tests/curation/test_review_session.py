from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.day import curate_day, stale_days
from lyo_pipelines.curation.review import Review, ReviewQueueError, parse_queue, phrase_rules, read_queue, write_queue
from lyo_pipelines.curation.review_session import ReviewSession
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, DAY, row, table
from lyo_pipelines_tests.hypothesis_profile import draws

BEER = "Think of {} glasses of beer on one tray, so that you can count them in rows of two."


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def line(number: int, phrase: str = "beer", **changes: str) -> Review:
    return replace(Review(f"i{number}", DAY.isoformat(), "s", "alcohol", "“…”", phrase=phrase), **changes)


def decisions(lake: Lake) -> list[str]:
    return [one.decision for one in read_queue(lake)]


def curated(lake: Lake, *rows) -> list[str]:
    lake.write_table(table(*rows), lake.interactions(DAY))
    curate_day(lake, DAY, CONFIG)
    return lake.read_table(lake.examples(DAY))["interaction_id"].to_pylist()


def test_each_decision_is_in_the_file_at_once(lake):
    write_queue(lake, [line(1), line(2), line(3)])
    session = ReviewSession(lake)
    session.decide("keep")
    assert decisions(lake) == ["keep", "", ""]
    session.skip()
    session.decide("drop")
    assert decisions(lake) == ["keep", "", "drop"]
    assert (session.current, session.decided) == (None, {"keep": 1, "drop": 1})
    assert ReviewSession(lake).total == 1


def test_undo_brings_the_line_back_and_with_it_those_that_its_phrase_settled(lake):
    write_queue(lake, [line(1), line(2, "Beer"), line(3, "vodka")])
    session = ReviewSession(lake)
    assert session.alike(line(1)) == 1
    session.decide("always")
    assert (session.left, decisions(lake)) == (1, ["always", "", ""])
    assert session.undo()
    assert (session.left, decisions(lake)) == (3, ["", "", ""])
    assert session.current == line(1)
    assert not session.undo()


def test_what_another_person_wrote_meanwhile_stays(lake):
    write_queue(lake, [line(1), line(2)])
    session = ReviewSession(lake)
    write_queue(lake, [line(1), line(2, decision="drop", note="mine"), line(3)])
    session.decide("keep")
    assert [(one.decision, one.note) for one in read_queue(lake)] == [("keep", ""), ("drop", "mine"), ("", "")]


@settings(max_examples=draws(60))
@given(keys=st.lists(st.sampled_from(["keep", "drop", "always", "never", "skip", "undo"]), max_size=14))
def test_taking_everything_back_leaves_the_queue_as_it_was(keys, tmp_path_factory):
    lake = Lake(str(tmp_path_factory.mktemp("queue")))
    made = [line(number, phrase) for number, phrase in enumerate(["beer", "vodka", "beer", "", "wine", "beer"])]
    write_queue(lake, made)
    session = ReviewSession(lake)
    for key in keys:
        if key == "undo":
            session.undo()
        elif session.current is not None:
            session.skip() if key == "skip" else session.decide(key)
    while session.undo():
        pass
    assert read_queue(lake) == made
    assert session.left == len(made)


def test_a_phrase_decided_once_decides_for_all_answers_that_hold_nothing_else(lake):
    rows = [row(n, rating=5.0, answer=BEER.format(n)) for n in (1, 2)]
    rows.append(row(3, rating=5.0, answer=BEER.format(3) + " Beside them stands one bottle of wine."))
    assert curated(lake, *rows) == []
    session = ReviewSession(lake)
    assert session.current and session.current.phrase == "beer"
    session.decide("always")
    assert stale_days(lake, CONFIG) == [DAY]
    assert curated(lake, *rows) == ["i1", "i2"]
    assert [(one.interaction_id, one.decision, one.phrase) for one in read_queue(lake)] == [
        ("i1", "always", "beer"),
        ("i3", "", "bottle of wine"),
    ]


def test_a_phrase_that_is_never_wanted_drops_and_asks_nobody(lake):
    rows = [row(n, rating=5.0, answer=BEER.format(n)) for n in (1, 2)]
    curated(lake, *rows)
    session = ReviewSession(lake)
    session.decide("never")
    assert curated(lake, *rows) == []
    assert decisions(lake) == ["never"]
    assert lake.read_table(lake.examples(DAY, "removed"))["rule"].to_pylist() == ["cultural_dropped"] * 2


def test_a_decision_about_a_row_wins_over_one_about_its_phrase(lake):
    rows = [row(n, rating=5.0, answer=BEER.format(n)) for n in (1, 2)]
    curated(lake, *rows)
    write_queue(
        lake, [replace(one, decision="never" if one.interaction_id == "i1" else "keep") for one in read_queue(lake)]
    )
    assert curated(lake, *rows) == ["i2"]


def test_never_wins_over_always_whatever_the_order():
    both = [line(1, decision="always"), line(2, decision="never")]
    assert phrase_rules(both) == phrase_rules(reversed(both)) == {("alcohol", "beer"): "drop"}


def test_always_without_its_phrase_is_an_error_that_says_so():
    text = f"interaction_id,day,finding,decision\ni1,{DAY},insult,always\n"
    with pytest.raises(ReviewQueueError, match="line 2: always needs the phrase"):
        list(parse_queue(text))
