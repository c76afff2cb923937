"""A team's own dataset: by consent alone, of enough people, capped, beside what everybody holds out; else its parent's."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.dataset.build import build_dataset
from lyo_pipelines.dataset.errors import DatasetError, SegmentTooSmallError
from lyo_pipelines.dataset.fallback import build_or_fall_back
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.teams import fair_cap, of_team
from lyo_pipelines.dataset.versions import read_split, why_served
from lyo_pipelines.rollout.selection import Query, candidate_keys
from lyo_pipelines_tests.dataset.example_lake import CONFIG, CURATION, NOW, SEGMENT, examples, lake_with

TEAM, PARENT = "tutoring.en.school_03", "tutoring.en"


def figures(**teams) -> DatasetConfig:
    told = {"allowed": ("school_03",), "minimum_examples": 20, "minimum_users": 4, "user_share": 1.0} | teams
    return CONFIG.model_copy(update={"teams": CONFIG.teams.model_copy(update=told)})


@pytest.fixture
def lake(tmp_path):
    ours = [
        *examples(range(40), team="School 03"),
        *examples(range(40, 44), team="school-03", subject="physics", segment="tutoring.en.physics"),
    ]
    return lake_with(tmp_path, [*ours, *examples(range(44, 80), team="School 04"), *examples(range(80, 90))])


def numbers(lake, version, *splits: str) -> set[int]:
    rows = [
        row
        for split in splits
        for row in read_split(lake, version.segment, version.fingerprint, split, ["interaction_id"]).to_pylist()
    ]
    return {int(row["interaction_id"].removeprefix("int-")) for row in rows}


def test_a_team_learns_from_its_own_rows_of_all_subjects_and_keeps_what_others_hold_out(lake):
    everybody = build_dataset(lake, SEGMENT, figures(), CURATION, now=NOW)
    team = build_dataset(lake, TEAM, figures(), CURATION, now=NOW)
    assert numbers(lake, team, "train", "validation", "test") <= set(range(44))
    assert team.manifest.segments == {SEGMENT: 40, "tutoring.en.physics": 4}
    assert not numbers(lake, team, "train") & numbers(lake, everybody, "test")
    assert team.manifest.row_figures["dataset.team.name"] == "school_03"
    assert not any(name.startswith("dataset.team") for name in everybody.manifest.row_figures)


def test_without_consent_nobody_learns_from_a_team_alone(lake):
    with pytest.raises(DatasetError, match="no interaction belongs to this segment"):
        build_dataset(lake, TEAM, figures(allowed=()), CURATION, now=NOW)
    assert CONFIG.teams.allowed == (), "nobody is asked for until somebody says so"


def test_a_subject_is_never_taken_for_a_team(lake):
    allowed = figures(allowed=("math",))
    assert build_dataset(lake, SEGMENT, allowed, CURATION, now=NOW).manifest.segments == {SEGMENT: 86}


@pytest.mark.parametrize("few", [{"minimum_examples": 45}, {"minimum_users": 8}])
def test_too_few_examples_or_people_are_served_by_the_parent(lake, few):
    served = build_or_fall_back(lake, TEAM, figures(**few), CURATION, now=NOW)
    assert served.segment == PARENT
    assert "44 of" in why_served(lake, TEAM) and "7 of" in why_served(lake, TEAM)
    assert (
        build_or_fall_back(lake, "tutoring.en.school_09", figures(allowed=("school_09",)), CURATION, now=NOW).segment
        == PARENT
    )


def test_nobody_is_most_of_a_team(lake):
    capped = build_dataset(lake, TEAM, figures(user_share=0.15), CURATION, now=NOW)
    assert sum(capped.manifest.counts.values()) == 7 * 6, "six of 42 is 14 %, seven of 44 were 16 %"
    assert capped.manifest.removed_by_rule["user_cap"] == 2
    with pytest.raises(SegmentTooSmallError, match="7 of 10 users, none of whom may give more than 10%"):
        build_dataset(lake, TEAM, figures(user_share=0.1), CURATION, now=NOW)


def test_who_has_nearly_all_examples_is_capped_by_what_is_left(lake):
    table = pa.table({"user_pseudonym": ["much"] * 981 + [f"u{at}" for at in range(19)]})
    scope = scope_of(lake, TEAM, {}, ("school_03",))
    with pytest.raises(SegmentTooSmallError, match="21 of 1,000 examples"):
        of_team(scope, figures(minimum_examples=1000, user_share=0.1).teams, CURATION, table)


@given(st.lists(st.integers(1, 60), max_size=40), st.floats(0.02, 1))
def test_a_cap_holds_the_share_and_one_more_would_not(each, share):
    cap = fair_cap(each, share)
    left = [min(count, cap) for count in each]
    assert max(left, default=0) <= share * sum(left) * 1.001
    if each and cap < max(each):
        assert cap + 1 > share * sum(min(count, cap + 1) for count in each)


def test_a_question_of_the_team_asks_its_adapter_first():
    assert candidate_keys(Query("tutoring", "en", "math", team="School 03"))[:3] == (TEAM, SEGMENT, PARENT)
