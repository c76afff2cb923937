"""Which rows are a release's: by the name that they carry, else by what was under way when they were asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.release_rows import ReleaseRows
from lyo_pipelines.rollout.routing import Routing, release_id, routing_at, routing_of
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, START, event, promoted, released, state

DAY = timedelta(days=1)
PHYSICS = "tutoring.en.physics"


def asked(at: datetime, name: str | None = None, *, subject: str = "math") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "task": ["tutoring"], "language": ["en"], "subject": [subject], "reasoning_mode": [None], "team": [None],
            "occurred_at": [at], "release_id": [name],
        },
        schema_overrides={"release_id": pl.String, "reasoning_mode": pl.String, "team": pl.String},
    )  # fmt: skip


def belongs(release: Release, routing: Routing, rows: pl.DataFrame) -> bool:
    return ReleaseRows(release, routing).of(rows).height == 1


def fallen() -> Release:
    """In front of its first users from day 0, sent back on day 3."""
    return state([*released("owner-1"), event("fell_back", "owner-1", day=3)])


def tried_again() -> Release:
    again = [
        event("candidate", "owner-1", day=5, who=PERSON),
        event("canary", "owner-1", day=5, stage=1, share=0.1),
    ]
    return state([*released("owner-1"), event("fell_back", "owner-1", day=3), *again])


def test_a_version_that_is_tried_again_is_another_release_with_another_salt():
    first, second = state(released("owner-1")), tried_again()
    assert (release_id(first), release_id(second)) == (f"{SEGMENT}@owner-1", f"{SEGMENT}@owner-1#2")
    salts = {routing_of({SEGMENT: one}, {}).entries[SEGMENT].salt for one in (first, second)}
    assert len(salts) == 2


def test_rows_that_carry_a_name_belong_to_it_whenever_they_were_asked():
    release = tried_again()
    routing = routing_of({SEGMENT: release}, {})
    late, early = START + 6 * DAY, START + DAY
    assert belongs(release, routing, asked(late, f"{SEGMENT}@owner-1#2"))
    assert not belongs(release, routing, asked(late, f"{SEGMENT}@owner-1"))
    assert not belongs(release, routing, asked(late, "tutoring.en@owner-1"))
    assert belongs(release, routing, asked(late)), "rows of before have no names"
    assert not belongs(release, routing, asked(START + 4 * DAY)), "nothing was under way"
    assert belongs(release, routing, asked(early)), "as it was then: time tells the two apart"


def test_files_without_the_column_are_read_by_time():
    release = state(released("owner-1"))
    rows = asked(START + DAY).drop("release_id")
    assert belongs(release, routing_of({SEGMENT: release}, {}), rows)


def test_what_a_child_asked_for_during_its_release_is_never_the_parent_s():
    parent = replace(tried_again(), segment="tutoring.en")
    child = fallen()
    routing = routing_of({"tutoring.en": parent, SEGMENT: child}, {})
    during, after = START + 2 * DAY, START + 6 * DAY
    assert not belongs(parent, routing, asked(during))
    assert belongs(parent, routing, asked(during, subject="physics"))
    assert belongs(parent, routing, asked(after))


def test_a_champion_of_the_child_s_own_keeps_the_parent_s_release_away_from_its_promotion_on():
    child = state(promoted("owner-1"))
    parent = replace(tried_again(), segment="tutoring.en")
    routing = routing_of({"tutoring.en": parent, SEGMENT: child}, {})
    assert not belongs(parent, routing, asked(START + 400 * DAY))
    assert belongs(parent, routing, asked(START + 400 * DAY, subject="physics"))


def test_the_past_of_a_segment_that_cannot_be_read_is_what_the_file_says():
    release = state(released("owner-1"))
    routing = routing_of({SEGMENT: release}, {})
    unread = replace(routing, entries={**routing.entries, PHYSICS: routing.entries[SEGMENT]})
    then = routing_at(unread, START - DAY)
    assert set(then.entries) == {PHYSICS}
