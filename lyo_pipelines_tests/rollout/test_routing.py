"""The routing file and what is chosen by it: the most specific champion first, one release per question, sticky users."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyo_pipelines.registry.events import RegistryEvent
from lyo_pipelines.registry.log import append_event
from lyo_pipelines.rollout.assignment import BUCKETS, bucket_of, salt_of
from lyo_pipelines.rollout.routing import (
    Routing,
    RoutingFileError,
    current_routing,
    from_text,
    read_routing,
    read_sources,
    refresh_routing,
    routing_of,
    routing_path,
    to_text,
)
from lyo_pipelines.rollout.selection import Query, candidate_keys, choose_adapter, release_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.versions import point_to
from lyo_pipelines_tests.hypothesis_profile import draws
from lyo_pipelines_tests.registry.event_factory import SEGMENT, event, promoted, released, state, write

USERS = [f"pupil-{number}" for number in range(400)]
QUERY = Query("tutoring", "en", "math")


def routing(served_by: dict[str, str] | None = None, /, **of: list[RegistryEvent]) -> Routing:
    """tutoring_en_math=events, …"""
    keyed = {name.replace("__", "."): events for name, events in of.items()}
    return routing_of({key: state(events, key) for key, events in keyed.items()}, served_by or {})


def of(segment: str, *, version: str = "owner-1", day: float = 0) -> list[RegistryEvent]:
    return promoted(version, segment=segment, day=day)


def chosen(found: Routing, query: Query = QUERY, user: str | None = "pupil-1") -> str:
    adapter = choose_adapter(found, query, user).adapter
    return f"{adapter.segment}/{adapter.version}" if adapter else "base"


def test_the_most_specific_champion_answers_then_parents_then_the_base() -> None:
    everything = {key: of(key) for key in ("tutoring.en.math", "tutoring.en", "tutoring")}
    for left in range(3):
        some = dict(list(everything.items())[left:])
        found = routing_of({key: state(events, key) for key, events in some.items()}, {})
        assert chosen(found) == f"{next(iter(some))}/owner-1"
    assert chosen(Routing()) == "base"


def test_a_teams_own_comes_before_the_way_of_reasoning_and_that_before_the_subject() -> None:
    query = Query("tutoring", "en", "math", "chain_of_thought", "School 7")
    assert candidate_keys(query) == (
        "tutoring.en.school_7", "tutoring.en.chain_of_thought", "tutoring.en.math", "tutoring.en", "tutoring",
    )  # fmt: skip
    assert candidate_keys(Query("tutoring", "en", "math", "standard"))[0] == "tutoring.en.math"
    assert candidate_keys(Query.of_segment("tutoring.en")) == ("tutoring.en", "tutoring")


def test_a_thin_segment_gets_the_adapter_that_its_training_pointed_to() -> None:
    found = routing({"tutoring.hi.math": "mix.hi"}, mix__hi=of("mix.hi"), tutoring__hi=of("tutoring.hi"))
    assert chosen(found, Query("tutoring", "hi", "math")) == "mix.hi/owner-1"
    assert chosen(found, Query("tutoring", "hi", "physics")) == "tutoring.hi/owner-1"


def test_every_key_that_was_looked_at_says_why() -> None:
    found = routing(tutoring__en__math=released(), tutoring__en=of("tutoring.en"))
    told = choose_adapter(
        found, QUERY, next(user for user in USERS if bucket_of(user, salt_of(SEGMENT, "owner-1")) >= 1_000)
    )
    assert [one.key for one in told.considered] == ["tutoring.en.math", "tutoring.en"]
    assert "is not below 1,000 (stage 1, 10%)" in told.considered[0].why
    assert told.considered[1].why == "champion owner-1"


def test_the_candidates_share_of_users_gets_it_and_the_others_what_serves_now() -> None:
    found = routing(tutoring__en__math=[*of(SEGMENT), *released("owner-22", day=20)])
    arms = {user: choose_adapter(found, QUERY, user) for user in USERS}
    ours = {user for user, choice in arms.items() if choice.arm == "candidate"}
    assert ours == {user for user in USERS if bucket_of(user, salt_of(SEGMENT, "owner-22")) < BUCKETS // 10}
    assert {choice.adapter.version for user, choice in arms.items() if choice.adapter and user in ours} == {"owner-22"}
    assert {choice.fallback.version for user, choice in arms.items() if choice.fallback} == {"owner-1"}
    assert {choice.release for choice in arms.values()} == {SEGMENT}


def test_a_question_takes_part_in_one_release_only() -> None:
    found = routing(tutoring__en__math=released(), tutoring__en=released("owner-22", segment="tutoring.en"))
    for user in USERS:
        choice = choose_adapter(found, QUERY, user)
        assert choice.release == SEGMENT
        assert choice.adapter is None or choice.adapter.version == "owner-1", "never the parent's candidate"
    assert release_of(found, Query("tutoring", "en", "physics")) == "tutoring.en"
    assert release_of(found, Query("tutoring", "hi", "physics")) is None


def test_without_a_user_nobody_meets_a_candidate() -> None:
    found = routing(tutoring__en__math=released())
    choice = choose_adapter(found, QUERY, None)
    assert (choice.adapter, choice.arm, choice.release) == (None, None, None)


@settings(max_examples=draws(50))
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=60))
def test_a_growing_stage_moves_no_user_back(users: list[str]) -> None:
    before, after = [
        routing(tutoring__en__math=events)
        for events in (released(), [*released(), event("stepped_up", stage=2, share=0.25, day=3)])
    ]
    for user in users:
        if choose_adapter(before, QUERY, user).arm == "candidate":
            assert choose_adapter(after, QUERY, user).arm == "candidate"


def test_the_file_is_the_registry_as_any_gateway_reads_it(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    assert read_routing(lake) == Routing()
    write(lake, *promoted(), *released("owner-22", day=20))
    point_to(lake, "tutoring.hi.math", "x", served_by="tutoring.hi")
    found = refresh_routing(lake)
    assert read_routing(lake) == found == from_text(to_text(found))
    told = json.loads(Path(routing_path(lake)).read_text())
    entry = told["entries"][SEGMENT]
    assert (entry["champion"]["version"], entry["candidate"]["version"]) == ("owner-1", "owner-22")
    assert (entry["buckets"], told["total_buckets"]) == (1_000, 10_000)
    assert entry["candidate"]["folder"] == f"adapters/{SEGMENT}/owner-22"
    assert told["served_by"] == {"tutoring.hi.math": "tutoring.hi"}


def test_the_file_is_only_written_when_something_happened(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *released())
    refresh_routing(lake)
    path = Path(routing_path(lake))
    before = path.stat().st_mtime_ns
    refresh_routing(lake)
    assert path.stat().st_mtime_ns == before
    path.write_text("half a fi")
    with pytest.raises(RoutingFileError, match="`lyo releases` writes it anew"):
        read_routing(lake)
    assert SEGMENT in refresh_routing(lake).entries
    assert SEGMENT in read_routing(lake).entries


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"format": 1, "entries": []}', b'{"format": 1, "en', b"[" * 90_000]
)
def test_a_routing_file_that_cannot_be_read_is_kept_aside_and_written_anew(tmp_path: Path, content: bytes) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted())
    wanted = refresh_routing(lake)
    Path(routing_path(lake)).write_bytes(content)
    with pytest.raises(RoutingFileError):
        read_routing(lake)
    assert refresh_routing(lake) == wanted == read_routing(lake)
    (kept,) = Path(lake.path("quarantine")).iterdir()
    assert kept.name.startswith("routing.json.") and kept.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("buckets", "1000"),
        ("buckets", None),
        ("buckets", 70_000),
        ("salt", 5),
        ("candidate", "owner-1"),
        ("sequence", "3"),
    ],
)
def test_a_value_of_another_kind_in_the_routing_file_is_damage(tmp_path: Path, name: str, value: object) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *released())
    wanted = refresh_routing(lake)
    told = json.loads(Path(routing_path(lake)).read_text(encoding="utf-8"))
    told["entries"][SEGMENT][name] = value
    Path(routing_path(lake)).write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(RoutingFileError):
        read_routing(lake)
    assert refresh_routing(lake) == wanted == read_routing(lake)


@pytest.mark.parametrize("content", [b"", b"\x80", b"[]", b'"x"'])
def test_a_damaged_pointer_says_what_it_said_before_and_the_others_go_on(tmp_path: Path, content: bytes) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted())
    for thin in ("tutoring.hi.math", "tutoring.hi.music"):
        point_to(lake, thin, "x", served_by="tutoring.hi")
    before = refresh_routing(lake)
    Path(lake.adapter_dir("tutoring.hi.music"), "latest.json").write_bytes(content)
    (Path(lake.path("adapters")) / "notes.txt").write_text("x")
    sources = read_sources(lake)
    assert sources.routing == before
    assert list(sources.troubles) == ["tutoring.hi.music"] and "latest.json" in sources.troubles["tutoring.hi.music"]


def test_where_neither_registry_nor_routing_file_can_be_read_no_candidate_is_in_front_of_users(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted(), *released("owner-22", day=20))
    refresh_routing(lake)
    Path(lake.path("registry", SEGMENT, "00000009.json")).write_bytes(b"")
    assert current_routing(lake).entries[SEGMENT].candidate is not None, "the file still says who is served what"
    Path(routing_path(lake)).write_bytes(b"")
    entry = current_routing(lake).entries[SEGMENT]
    assert (entry.candidate, entry.champion and entry.champion.version) == (None, "owner-1")


def test_last_events_that_are_lost_are_found_by_the_routing_file(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    write(lake, *promoted(), *released("owner-22", day=20))
    before = refresh_routing(lake)
    for number in (8, 9):
        Path(lake.path("registry", SEGMENT, f"{number:08d}.json")).unlink()
    sources = read_sources(lake)
    assert sources.routing == before, "nobody is served anything else for that"
    assert "the last events are lost" in sources.troubles[SEGMENT]


def test_a_segment_whose_past_was_changed_is_served_as_before_and_the_others_go_on(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    other = "tutoring.hi.math"
    write(lake, *promoted(), *released("owner-22", day=20))
    write(lake, *released(segment=other))
    refresh_routing(lake)
    Path(lake.path("registry", SEGMENT, "00000001.json")).unlink()
    append_event(lake, event("fell_back", segment=other, day=30), now=event("fell_back", day=30).at)
    after = refresh_routing(lake)
    assert after.entries[SEGMENT].candidate is not None
    assert other not in after.entries, "a fallback elsewhere is not held up"
