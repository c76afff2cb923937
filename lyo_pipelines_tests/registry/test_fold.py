"""The fold: what served whom follows from the events alone, and what does not fit is refused with what is possible."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.registry.events import KINDS, EventFormatError, RegistryEvent, event_from_json, event_to_json
from lyo_pipelines.registry.fold import IllegalEventError, apply_event
from lyo_pipelines.registry.state import Release
from lyo_pipelines.registry.transitions import transition_refusal
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.registry.event_factory import (
    PERSON,
    SEGMENT,
    SENSOR,
    START,
    adapter,
    event,
    promoted,
    released,
    state,
)

VERSIONS = ("owner-1", "owner-22", "owner-333")


@st.composite
def tries(draw: st.DrawFn) -> list[RegistryEvent]:
    """Anything that anybody may try, in any order; times only go on."""
    made, day = [], 0.0
    for _ in range(draw(st.integers(1, 40))):
        day += draw(st.floats(0, 3))
        made.append(
            event(
                draw(st.sampled_from(KINDS)),
                draw(st.sampled_from(VERSIONS)),
                day=day,
                who=draw(st.sampled_from([SENSOR, PERSON])),
                stage=draw(st.integers(0, 4)),
                share=draw(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])),
                to=draw(st.sampled_from(["", *VERSIONS])),
            )
        )
    return made


def likely(release: Release, one: RegistryEvent) -> RegistryEvent:
    """The same try with the stage, share and target that fit, so that random orders get far."""
    shares = {1: 0.1, 2: 0.25, 3: 0.5}
    stage = {"canary": 1, "stepped_up": release.stage + 1, "stepped_back": release.stage - 1}.get(one.kind, one.stage)
    to = release.champion if one.kind == "fell_back" or release.in_canary else one.to
    return replace(one, stage=stage, share=shares.get(stage, one.share), to=to)


def walked(events: list[RegistryEvent]) -> tuple[Release, list[RegistryEvent]]:
    """The state after those that fit, and these."""
    release, fitting = Release(SEGMENT), []
    for one in events:
        mended = likely(release, one)
        if transition_refusal(release, mended) is None:
            release = apply_event(release, mended)
            fitting.append(mended)
    return release, fitting


@settings(max_examples=draws(150))
@given(tries())
def test_whatever_is_tried_there_is_one_champion_one_candidate_and_everybody_is_served_once(
    events: list[RegistryEvent],
) -> None:
    release, fitting = walked(events)
    assert reduce(apply_event, fitting, Release(SEGMENT)) == release, (
        "the whole history gives the same state as its parts one after another"
    )
    stages = list(release.states.values())
    assert stages.count("champion") == (1 if release.champion else 0)
    assert stages.count("canary") + stages.count("candidate") == (1 if release.candidate else 0)
    assert release.in_canary == ("canary" in stages)
    assert 0 <= release.share < 1
    assert set(release.formers) <= {v for v, found in release.states.items() if found == "retired"}
    for one in fitting:
        at_once = [served for served in release.served if served.since <= one.at and (served.until or one.at) >= one.at]
        now = [served for served in at_once if served.until is None or served.until > one.at]
        assert not now or math.isclose(sum(served.share for served in now), 1.0), (
            "nobody is served twice, nobody not at all"
        )


@settings(max_examples=draws(100))
@given(tries())
def test_who_was_served_what_has_no_gap_and_names_the_decisions(events: list[RegistryEvent]) -> None:
    release, fitting = walked(events)
    for served in release.served:
        assert fitting[served.by - 1].at == served.since
        assert (served.until is None) == (served.ended_by is None)
        if served.ended_by is not None:
            ended = fitting[served.ended_by - 1]
            assert ended.at == served.until
            assert any(other.by == served.ended_by for other in release.served), "something else serves from then on"


@settings(max_examples=draws(100))
@given(tries(), tries())
def test_what_is_refused_changes_nothing_and_says_what_is_possible(
    events: list[RegistryEvent], more: list[RegistryEvent]
) -> None:
    release, _ = walked(events)
    for one in more:
        late = replace(one, at=START + timedelta(days=1000))
        if (why := transition_refusal(release, late)) is None:
            apply_event(release, late)
            continue
        with pytest.raises(IllegalEventError, match="possible: ") as told:
            apply_event(release, late)
        assert why in str(told.value)
        assert release.situation in str(told.value)


@settings(max_examples=draws(40))
@given(tries())
def test_an_event_is_read_back_as_it_was_written(events: list[RegistryEvent]) -> None:
    assert [event_from_json(event_to_json(one)) for one in events] == events


def test_a_candidate_climbs_and_the_champion_before_it_may_come_back() -> None:
    release = state([*promoted("owner-1"), *promoted("owner-22", day=20)])
    assert (release.champion, release.formers, release.candidate) == ("owner-22", ("owner-1",), "")
    assert dict(release.states) == {"owner-1": "retired", "owner-22": "champion"}
    shown = [(one.version, one.arm, one.share, (one.since - START).days) for one in release.served]
    assert shown[:4] == [
        ("", "current", 0.9, 0),
        ("owner-1", "candidate", 0.1, 0),
        ("", "current", 0.75, 3),
        ("owner-1", "candidate", 0.25, 3),
    ]
    assert shown[-1] == ("owner-22", "current", 1, 34)
    back = apply_event(release, event("rolled_back", "owner-22", day=40, to="owner-1", who=PERSON))
    assert (back.champion, back.formers, back.states["owner-22"]) == ("owner-1", (), "fallen_back")


def test_a_fallback_gives_everybody_what_served_before() -> None:
    release = state(
        [*promoted("owner-1"), *released("owner-22", day=20), event("fell_back", "owner-22", day=21, to="owner-1")]
    )
    assert [(one.version, one.share) for one in release.served if one.until is None] == [("owner-1", 1.0)]
    assert release.states["owner-22"] == "fallen_back"
    with pytest.raises(IllegalEventError, match="only a person may let it try again"):
        apply_event(release, event("candidate", "owner-22", day=22))
    assert apply_event(release, event("candidate", "owner-22", day=22, who=PERSON)).candidate == "owner-22"


@pytest.mark.parametrize(
    ("events", "wrong", "why"),
    [
        ([], event("canary", stage=1, share=0.1), "not registered"),
        (released(), event("registered"), "registered already"),
        (released(), event("stepped_up", stage=3, share=0.5), "stage 2 with a larger share comes next"),
        (released(), event("stepped_up", stage=2, share=0.05), "stage 2 with a larger share comes next"),
        (released(), event("stepped_back", stage=0, share=0.0), "at the first stage"),
        (released(), event("resumed"), "not paused"),
        (released(), event("rejected"), "it is canary"),
        ([*released(), event("paused")], event("stepped_up", stage=2, share=0.25), "it is paused"),
        ([*released(), event("paused")], event("promoted"), "it is paused"),
        (promoted(), event("paused", day=15), "it is champion"),
        ([*released(), event("registered", "owner-22")], event("candidate", "owner-22"), "owner-1 is on its way"),
        ([*promoted(), *released("owner-22", day=20)], event("retired", day=21), "retire the candidate first"),
        (promoted(), event("rolled_back", day=15, to="owner-22"), "never served it"),
        (promoted(), event("candidate", day=13), "before the last event"),
        (released(), event("paused", adapter=replace(adapter(), files={"adapter_model.safetensors": "0"})), "other files"),
        (released(), event("paused", segment="tutoring.en.physics"), "an adapter of tutoring.en.physics"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_reason(
    events: list[RegistryEvent], wrong: RegistryEvent, why: str
) -> None:
    with pytest.raises(IllegalEventError, match=why):
        apply_event(state(events), wrong)


def test_no_figure_keeps_an_event_from_being_written() -> None:
    odd = {
        "nan": math.nan,
        "inf": math.inf,
        "int": np.int64(3),
        "float": np.float64(0.5),
        "bool": np.bool_(True),
        "at": START,
    }
    found = event_from_json(event_to_json(event("fell_back", figures={"findings": ({"figures": odd},)}))).figures[
        "findings"
    ][0]
    assert found["figures"] == {"nan": None, "inf": None, "int": 3, "float": 0.5, "bool": True, "at": str(START)}


def test_a_text_that_is_no_event_is_refused() -> None:
    for text in ("{}", "[]", "no json", event_to_json(event("paused")).replace('"paused"', '"forgotten"')):
        with pytest.raises(EventFormatError):
            event_from_json(text)


def test_each_time_a_version_goes_to_its_first_users_is_an_attempt_of_its_own():
    once = state(released("owner-1"))
    assert dict(once.attempts) == {"owner-1": 1}
    again = [
        event("fell_back", "owner-1", day=3),
        event("candidate", "owner-1", day=4, who=PERSON),
        event("canary", "owner-1", day=4, stage=1, share=0.1),
        event("stepped_up", "owner-1", day=8, stage=2, share=0.25),
    ]
    assert dict(state([*released("owner-1"), *again]).attempts) == {"owner-1": 2}
