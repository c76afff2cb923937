"""Keys, limits, and what may be sent to /feedback and /fine-tuning."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.gateway import KeyLimits
from lyo_pipelines.serving.access.guard import is_loopback
from lyo_pipelines.serving.access.keys import ApiKeyError, Keys
from lyo_pipelines.serving.access.limits import Limits
from lyo_pipelines.serving.documents import Run
from lyo_pipelines.serving.running import NoKeyError, access_for, keys_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.serving.live_gateway import FakeTrainings, Running, inbox_rows, running
from lyo_pipelines_tests.serving.live_server import published

ASKED = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
PAGE = "https://tutor.example.org"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_is_shown_once_and_kept_as_a_hash_that_only_its_owner_can_read(tmp_path):
    keys = Keys(tmp_path / "gateway" / "keys.json")
    key = keys.add("tutor-app")
    text = keys.path.read_text()
    assert key not in text
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    holder = Keys(keys.path).holder_of(key)
    assert holder is not None
    assert (holder.name, holder.owner) == ("tutor-app", False)
    assert keys.holder_of(key[:-1]) is None
    with pytest.raises(ApiKeyError, match="already"):
        keys.add("tutor-app")
    with pytest.raises(ApiKeyError, match="cannot name"):
        keys.add("two words")
    keys.remove("tutor-app")
    assert keys.holder_of(key) is None
    with pytest.raises(ApiKeyError, match="no key"):
        keys.remove("tutor-app")


@pytest.mark.parametrize(
    ("host", "wanted"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.4", False)],
)
def test_only_this_machine_needs_no_key(tmp_path, host, wanted):
    assert is_loopback(host) is wanted
    config, lake = Running(Lake(str(tmp_path))).config(), Lake(str(tmp_path))
    if wanted:
        assert access_for(lake, config, host).keys is None
        return
    with pytest.raises(NoKeyError, match="lyo gateway key add"):
        access_for(lake, config, host)
    keys_of(lake).add("app")
    assert access_for(lake, config, host).keys is not None


def test_reached_from_elsewhere_a_key_is_asked_for_and_held_to_its_limits(tmp_path):
    lake = Lake(str(tmp_path))
    changes = {"per_key": {"requests_per_minute": 2, "tokens_per_day": 1_000}, "cors_origins": [PAGE]}
    app, other = keys_of(lake).add("app"), keys_of(lake).add("other")
    with running(lake, host="0.0.0.0", changes=changes) as gateway:
        client = gateway.client
        assert (
            client.get("/healthz").status_code
            == client.get("/").status_code
            == client.get("/page/page.js").status_code
            == 200
        )
        for path in ("/v1/models", "/metrics", "/fine-tuning/status"):
            assert client.get(path).status_code == 401
        assert client.post("/v1/chat/completions", json=ASKED).status_code == 401
        assert (
            client.post("/v1/chat/completions", json=ASKED, headers=bearer("lyo_wrong")).json()["error"]["code"]
            == "invalid_api_key"
        )
        answers = [client.post("/v1/chat/completions", json=ASKED, headers=bearer(app)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["error"]["code"] == "rate_limit"
        assert 1 <= int(answers[2].headers["retry-after"]) <= 30
        assert client.post("/v1/chat/completions", json=ASKED, headers=bearer(other)).status_code == 200, (
            "each has its own"
        )
        keys_of(lake).remove("other")
        assert client.get("/v1/models", headers=bearer(other)).status_code == 401, "at once"
        allowed = client.options(
            "/v1/chat/completions", headers={"origin": PAGE, "access-control-request-method": "POST"}
        )
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, PAGE)
        assert client.get("/healthz", headers={"origin": PAGE}).headers["access-control-allow-origin"] == PAGE
        assert (
            client.post("/fine-tuning/setup", data={"set": "x"}, headers=bearer(app)).json()["error"]["code"]
            == "not_an_owner"
        )


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 300)), max_size=60))
def test_no_key_gets_more_than_its_minute_and_its_day(steps):
    now, granted, spent = 0.0, [], []
    limits = Limits(KeyLimits(requests_per_minute=5, tokens_per_day=1_000), lambda: now)
    for wait, tokens in steps:
        now += wait
        used = sum(count for at, count in spent if at > now - 23 * 3600)
        held = limits.request("app")
        assert (held is not None and held[0] == "budget") == (used >= 1_000)
        if held is None:
            granted.append(now)
            spent.append((now, tokens))
            limits.spend("app", tokens)
        else:
            assert held[1] >= 1
    for first in granted:
        assert sum(first <= at < first + 60 for at in granted) <= 10, "a full bucket and what flows in within a minute"


def test_a_budget_is_free_again_after_a_day():
    now = 0.0
    limits = Limits(KeyLimits(requests_per_minute=100, tokens_per_day=10), lambda: now)
    assert limits.request("app") is None
    limits.spend("app", 10)
    held = limits.request("app")
    assert held is not None
    assert held[0] == "budget"
    now = float(held[1])
    assert limits.request("app") is None


# -- feedback ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("access")
    base = sample_reports.tiny_base(root / "models" / "tiny")
    published(root, base, "v1", seed=3, segment="documents.hi.garden")
    lake, trainings = Lake(str(root)), FakeTrainings()
    with running(lake, trainings=trainings) as gateway:
        yield gateway, trainings


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"rating": 6}, "rating"),
        ({"rating": 0}, "rating"),
        ({"rating": "good"}, "rating"),
        ({"thumbs": 2}, "thumbs"),
        ({"thumbs": "sideways"}, "thumbs"),
        ({}, None),
        ({"rating": 4, "withdrawn": True}, None),
        ({"withdrawn": ["everything"]}, "withdrawn"),
        ({"ratings": 4}, "ratings"),
        ({"complaint": {"colour": "red"}}, "complaint_colour"),
        ({"interaction_id": "", "rating": 4}, "interaction_id"),
    ],
)
def test_feedback_that_says_nothing_clear_is_refused(world, said, param):
    answer = world[0].client.post("/feedback", json={"interaction_id": "i", **said})
    assert answer.status_code == 400
    assert (answer.json()["error"]["param"] or "").startswith(param or "")


@pytest.mark.parametrize(("thumbs", "wanted"), [("up", 1), ("down", -1), (1, 1), (-1, -1), (True, 1), (False, -1)])
def test_thumbs_are_understood_as_words_numbers_and_truth(world, thumbs, wanted):
    from lyo_pipelines.interactions.fields.scrub import Scrubber
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.serving.asked import RowMaker
    from lyo_pipelines.serving.feedback import Feedback

    rows = RowMaker(Pseudonyms("a key for the tests"), Scrubber(Pseudonyms("a key for the tests"), ()))
    assert Feedback.model_validate({"interaction_id": "i", "thumbs": thumbs}).row(rows)["thumbs"] == wanted


# -- documents ---------------------------------------------------------------------------------------------------


def test_documents_are_kept_and_read_in_a_run_whose_id_is_told(world):
    gateway, trainings = world
    files = [("files", ("../../एक पौधा.md", b"# Plants\n\nWater them.")), ("files", ("b.txt", b"Light."))]
    answer = gateway.client.post("/fine-tuning/setup", data={"set": "Garden"}, files=files)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"id": "run-1", "set": "garden", "documents": 2}
    assert trainings.begun == ["garden"]
    kept = Path(gateway.lake.side("documents", "garden"))
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == {
        "एक पौधा.md": b"# Plants\n\nWater them.",
        "b.txt": b"Light.",
    }
    assert gateway.client.post("/fine-tuning/setup", data={"set": "garden"}).json()["id"] == "run-2", (
        "a set that is there"
    )


@pytest.mark.parametrize(
    ("data", "files", "status"),
    [
        ({}, [], 400),
        ({"set": "!!"}, [], 400),
        ({"set": "nowhere"}, [], 404),
        ({"set": "garden"}, [("files", (".hidden", b"x"))], 400),
        ({"set": "garden"}, [("files", ("a.part", b"x"))], 400),
    ],
)
def test_a_setup_that_names_nothing_readable_is_refused(world, data, files, status):
    assert world[0].client.post("/fine-tuning/setup", data=data, files=files or None).status_code == status


def test_the_status_is_what_dagster_and_the_lake_say_now(world):
    gateway, trainings = world
    trainings.begun = ["garden"]
    read, train = (
        Run("run-1", "read_documents", "running"),
        Run("t", "retrain", "running", "documents.hi.garden", "v2", "adapter"),
    )
    states = []
    for runs in ([read], [Run("run-1", "read_documents", "done")], [Run("run-1", "read_documents", "done"), train]):
        trainings.told = runs
        states.append(gateway.client.get("/fine-tuning/status").json()["state"])
    folder = Path(gateway.lake.adapter_dir("documents.hi.garden", "v2"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 3, "steps": 9, "loss": 2.5, "eta_seconds": 12}) + "\n")
    told = gateway.client.get("/fine-tuning/status?id=run-1").json()
    assert (told["step"], told["steps"], told["loss"], told["seconds_left"]) == (3, 9, 2.5, 12)
    assert (told["model_available"], told["models"]) == (True, {"documents.hi.garden": "v1"})
    trainings.told = [read, Run("t", "retrain", "failed", why="out of memory")]
    told = gateway.client.get("/fine-tuning/status").json()
    assert (told["state"], told["runs"][1]["why"]) == ("failed", "out of memory")
    assert states == ["reading", "waiting", "training"]
    assert gateway.client.get("/fine-tuning/status?id=run-9").status_code == 404
    trainings.silent = True
    answer = gateway.client.post("/fine-tuning/setup", data={"set": "garden"})
    trainings.silent = False
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_dagster")


def test_a_query_is_answered_by_the_documents_adapter_else_by_the_base(world):
    gateway, _ = world
    told = gateway.client.post("/fine-tuning/query", data={"query": "पौधों को क्या चाहिए?"}).json()
    assert (told["answered_by"], told["version"], told["answer"]) == (
        "documents.hi.garden",
        "v1",
        "v1 heard: पौधों को क्या चाहिए?",
    )
    other = gateway.client.post("/fine-tuning/query", data={"query": "what now?", "set": "unknown"}).json()
    assert (other["answered_by"], other["version"]) == ("base", "tiny")
    assert gateway.client.post("/fine-tuning/query", data={"query": " "}).status_code == 400
    assert not inbox_rows(gateway.lake), "they are in the journal, like every question"
