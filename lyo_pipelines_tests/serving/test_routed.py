"""A server that follows the routing file: the same user meets the same adapter, the champion everybody else."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.rollout.assignment import BUCKETS, arm, candidate_buckets, salt_of
from lyo_pipelines.rollout.routing import Routing, RoutingEntry, Target, refresh_routing, routing_path, to_text
from lyo_pipelines.rollout.start import adapter_of
from lyo_pipelines.serving.access.limits import Limits
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.door import Door
from lyo_pipelines.serving.gateway import Access, make_app
from lyo_pipelines.serving.models import Models
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines.training.verified_loading import DamagedAdapterError
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.registry.event_factory import event, promoted, released, write
from lyo_pipelines_tests.serving.live_server import SEGMENT, published
from lyo_pipelines_tests.serving.stub_engine import StubEngine

RELEASE = f"{SEGMENT}@new#2"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    base = sample_reports.tiny_base(tmp_path / "models" / "tiny")
    for version, seed in (("old", 3), ("new", 4)):
        published(tmp_path, base, version, seed=seed)
    return Lake(str(tmp_path))


def target(lake: Lake, version: str) -> Target:
    folder = lake.adapter_dir(SEGMENT, version)
    return Target(SEGMENT, version, "lora", "tiny", folder, read_adapter(folder).manifest.files)


def route(lake: Lake, *, share: float) -> Models:
    entry = RoutingEntry(
        SEGMENT,
        2,
        target(lake, "old"),
        target(lake, "new"),
        salt_of(SEGMENT, "new"),
        1,
        share,
        candidate_buckets(share),
        RELEASE,
    )
    lake.write_text(to_text(Routing({SEGMENT: entry})), routing_path(lake))
    return Models(lake, "tiny")


def test_users_meet_the_arm_that_assignment_gives_them(lake):
    models = route(lake, share=0.5)
    for user in map(str, range(40)):
        found = models.choose(SEGMENT, user)
        wanted = arm(user, salt_of(SEGMENT, "new"), 0.5)
        assert (found.arm, found.version) == (wanted, "new" if wanted == "candidate" else "old")


def test_in_a_segments_first_release_the_base_model_is_the_current_arm(lake):
    entry = RoutingEntry(SEGMENT, 2, None, target(lake, "new"), salt_of(SEGMENT, "new"), 1, 0.5, candidate_buckets(0.5))
    lake.write_text(to_text(Routing({SEGMENT: entry})), routing_path(lake))
    models = Models(lake, "tiny")
    for user in map(str, range(40)):
        found = models.choose(SEGMENT, user)
        wanted = arm(user, salt_of(SEGMENT, "new"), 0.5)
        assert (found.arm, found.version) == (wanted, "new" if wanted == "candidate" else "tiny")


def test_nobody_in_particular_meets_the_champion_though_another_adapter_is_newer(lake):
    found = route(lake, share=1.0).choose(SEGMENT, None)
    assert (found.version, found.arm) == ("old", None)


def test_without_a_routing_file_the_newest_answers(lake):
    assert Models(lake, "tiny").choose(SEGMENT, "u").version == "new"


def test_a_file_that_changes_counts_from_the_next_question_on(lake):
    models = route(lake, share=0.0)
    assert models.choose(SEGMENT, "u").version == "old"
    route(lake, share=1.0)
    assert models.choose(SEGMENT, "u").version == "new"


def test_an_adapter_that_is_not_the_released_one_is_refused(lake):
    entry = RoutingEntry(
        SEGMENT, 1, Target(**{**asdict(target(lake, "old")), "files": {"adapter_model.safetensors": "0" * 64}})
    )
    lake.write_text(to_text(Routing({SEGMENT: entry})), routing_path(lake))
    with pytest.raises(DamagedAdapterError, match="not the adapter that was released"):
        Models(lake, "tiny").choose(SEGMENT, None)


def test_a_candidate_that_is_damaged_leaves_its_users_to_the_champion_who_answers_in_the_candidate_s_arm(lake):
    models = route(lake, share=1.0)
    weights = Path(lake.adapter_dir(SEGMENT, "new")) / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    found = models.choose(SEGMENT, "u")
    assert (found.version, found.arm) == ("old", "candidate"), "or nobody could tell that a machine does not load it"


def test_a_candidate_that_cannot_be_loaded_and_has_nothing_to_fall_back_to_says_whose_failure_it_is(lake):
    entry = RoutingEntry(SEGMENT, 2, None, target(lake, "new"), "salt", 1, 1.0, BUCKETS, RELEASE)
    lake.write_text(to_text(Routing({SEGMENT: entry})), routing_path(lake))
    (Path(lake.adapter_dir(SEGMENT, "new")) / "adapter_model.safetensors").write_bytes(b"half")
    asked = {"model": SEGMENT, "user": "u", "messages": [{"role": "user", "content": "hi"}]}
    answer = TestClient(app_of(Models(lake, "tiny"), Unable())).post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "damaged_adapter")
    assert named(answer) == {"adapter-version": "new", "experiment-arm": "candidate", "release-id": RELEASE}


class Unable(StubEngine):
    """An engine that answers nothing."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error

    async def write(self, *_: object):
        raise self.error or AssertionError("not reached")
        yield


def app_of(models: Models, engine: StubEngine):
    config = load_config()
    door = Door(models, engine, config.gateway, config.interactions.language_from_text, clock=lambda: 1.8e9)
    return make_app(door, Access("testserver", None, Limits(config.gateway.per_key, lambda: 0.0)))


def named(answer) -> dict[str, str]:
    told = {key.removeprefix("x-lyo-"): value for key, value in answer.headers.items() if key.startswith("x-lyo-")}
    return {name: told[name] for name in ("adapter-version", "experiment-arm", "release-id")}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("out of memory"), 500),
        (RefusedError("busy", status=503), 503),
        (RefusedError("slow", status=504), 504),
    ],
)
def test_a_failure_carries_the_adapter_and_arm_that_it_counts_against(lake, error, status, stream):
    app = app_of(route(lake, share=1.0), Unable(error))
    asked = {"model": SEGMENT, "user": "u", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    answer = TestClient(app).post("/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "server_error")
    assert named(answer) == {"adapter-version": "new", "experiment-arm": "candidate", "release-id": RELEASE}


@pytest.mark.parametrize("name", ["tutoring.en.physics", "Not A Segment", "../x", ""])
def test_a_name_that_nothing_serves_is_refused_with_those_that_are(lake, name):
    with pytest.raises(RefusedError, match=SEGMENT):
        Models(lake, "tiny").choose(name, None)


def test_an_adapter_that_was_sent_back_answers_nobody_though_it_is_the_newest(lake):
    candidate = adapter_of(read_adapter(lake.adapter_dir(SEGMENT, "new")))
    begun = [
        replace(one, adapter=candidate) for one in (*released("new", segment=SEGMENT), event("fell_back", "new", day=1))
    ]
    write(lake, *begun[:3])
    refresh_routing(lake)
    assert {Models(lake, "tiny").choose(SEGMENT, user).version for user in map(str, range(99))} == {"new", "tiny"}
    write(lake, begun[3])
    refresh_routing(lake)
    assert {Models(lake, "tiny").choose(SEGMENT, user).version for user in (None, *map(str, range(99)))} == {"tiny"}


@pytest.mark.parametrize("damage", ["gone", "cut", "not text"])
def test_a_damaged_routing_file_is_read_out_of_the_registry_and_answers_go_on(lake, damage):
    champion = adapter_of(read_adapter(lake.adapter_dir(SEGMENT, "old")))
    write(lake, *(replace(one, adapter=champion) for one in promoted("old", segment=SEGMENT)))
    refresh_routing(lake)
    file = Path(routing_path(lake))
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40] if damage == "cut" else b"\xff\xfe\x00")
    assert Models(lake, "tiny").choose(SEGMENT, "somebody").version == "old"
