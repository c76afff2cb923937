"""Which rows a candidate answered: by arm, by version, by the registry at that time, by the user's other rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from lyo_pipelines.health.on_trial import mark_registered_trials, mark_trials, read_releases, trial_periods
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.health.interaction_rows import frame, row
from lyo_pipelines_tests.registry.event_factory import PERSON, SEGMENT, START, event, promoted, released, state, write

DAY = timedelta(days=1)


def at(day: float, version: str | None, segment: str = SEGMENT) -> bool:
    rows = pl.DataFrame(
        [{"segment": segment, "adapter_version": version, "occurred_at": START + day * DAY}],
        schema_overrides={"adapter_version": pl.String},
    )
    return mark_registered_trials(rows, RELEASES)["registered_trial"].item()


def whose(*rows: dict[str, Any], registered: list[bool] | None = None) -> list[bool]:
    made = frame(list(rows)).with_columns(registered_trial=pl.Series(registered or [False] * len(rows)))
    return mark_trials(made)["on_trial"].to_list()


RELEASES = {
    SEGMENT: state(
        [
            *promoted("good"),
            *released("bad", day=20),
            event("fell_back", "bad", day=22, to="good"),
            event("candidate", "bad", day=30, who=PERSON),
            event("canary", "bad", day=30, stage=1, share=0.1),
        ]
    ),
    "tutoring.ta": state([*released("parent", segment="tutoring.ta")], "tutoring.ta"),
    "tutoring.hi.math": state([*released("twice", segment="tutoring.hi.math")], "tutoring.hi.math"),
    "tutoring.hi.physics": state([*released("twice", segment="tutoring.hi.physics")], "tutoring.hi.physics"),
}


@pytest.mark.parametrize(
    ("day", "version", "trial"),
    [
        (-1, "good", False),
        (1, "good", True),
        (13.9, "good", True),
        (14.1, "good", False),  # promoted: it is what serves everybody
        (21, "good", False),
        (21, " bad ", True),
        (22.1, "bad", True),  # on its way when it was sent back
        (31, "bad", True),
        (1, "unheard", False),
        (1, None, False),
    ],
)
def test_a_version_is_on_trial_until_it_serves_everybody(day, version, trial):
    assert at(day, version) is trial


def test_a_writer_whose_clock_was_ahead_hides_no_trial():
    begun = released("late")
    told = state(
        [*begun[:2], replace(begun[2], at=START + 40 * DAY), event("paused", "late", day=40, clock=START + DAY)]
    )
    assert trial_periods(SEGMENT, "late", {SEGMENT: told}) == [(START + DAY, None)]


def test_a_parents_candidate_is_on_trial_in_the_segments_that_it_answers_unless_nobody_can_tell_whose_it_is():
    assert at(1, "parent", "tutoring.ta.history")
    assert at(1, "twice", "tutoring.hi.math")
    assert not at(1, "twice", "tutoring.hi.history")
    assert trial_periods(SEGMENT, "parent", {}) == []


@pytest.mark.parametrize("arm", [None, "", " ", "treatment"])
def test_without_a_known_arm_the_version_decides(arm):
    mine = row(experiment_arm=arm, adapter_version="v2")
    assert whose(mine, row(adapter_version="v1"), registered=[True, False]) == [True, False]
    assert whose(mine, row(experiment_arm="candidate", adapter_version="v2")) == [True, True]
    assert whose(mine, row(experiment_arm="current", adapter_version="v2"), registered=[True, True]) == [True, False]


def test_a_failure_that_names_nothing_is_as_its_users_other_rows():
    lost = row(error="timeout")
    ours, theirs = (row(experiment_arm=arm, adapter_version=arm) for arm in ("candidate", "current"))
    assert whose(lost, ours) == [True, True]
    assert whose(lost, theirs) == [False, False]
    assert whose(lost, ours, theirs) == [False, True, False]  # the stage began that day
    assert whose(lost, ours | {"user_pseudonym": "u_2"}) == [False, True]
    assert whose(lost, ours | {"segment": "tutoring.hi.math"}) == [False, True]
    unknown = {"user_pseudonym": None}
    assert whose(lost | unknown, ours | unknown) == [False, True]


def test_what_follows_a_damaged_event_is_not_known_and_what_came_before_is(tmp_path):
    lake = Lake(str(tmp_path))
    write(lake, *promoted("good"))
    write(lake, *released("bad", day=20))
    (tmp_path / "lake" / "registry" / SEGMENT / "00000006.json").write_bytes(b"\xff")
    releases = read_releases(lake)
    assert trial_periods(SEGMENT, "good", releases) == [(START + at * DAY, None) for at in (0, 3, 7)]
    assert trial_periods(SEGMENT, "bad", releases) == []
