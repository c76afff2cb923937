"""Who answers whom over the gateway while a release is under way, and what is said and logged when an adapter does not apply."""

from __future__ import annotations

import pytest

from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.rollout.assignment import arm, candidate_buckets, salt_of
from lyo_pipelines.rollout.routing import Routing, RoutingEntry, Target, routing_path, to_text
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import read_adapter
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.interactions.landing_lake import CONFIG, build
from lyo_pipelines_tests.serving.live_gateway import NOW, SECRET, Gateway, inbox_rows, running
from lyo_pipelines_tests.serving.live_server import SEGMENT, published
from lyo_pipelines_tests.serving.stub_engine import StubEngine

RELEASE = f"{SEGMENT}@new#2"
SALT = salt_of(SEGMENT, "new", 2)
IN_HINDI = "tutoring.hi"


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    root = tmp_path_factory.mktemp("releases")
    base = sample_reports.tiny_base(root / "models" / "tiny")
    for version, seed in (("old", 3), ("new", 4)):
        published(root, base, version, seed=seed)
    published(root, base, "v1", seed=5, segment=IN_HINDI)
    return Lake(str(root))


@pytest.fixture(scope="module")
def gateway(lake):
    route(lake, share=0.5)
    with running(lake, changes={"journal": {"inbox_rows": 100_000, "reserve_bytes": 0}}) as gateway:
        yield gateway


def route(lake: Lake, *, share: float) -> None:
    def target(version: str) -> Target:
        folder = lake.adapter_dir(SEGMENT, version)
        return Target(SEGMENT, version, "lora", "tiny", folder, read_adapter(lake.local(folder)).manifest.files)

    entry = RoutingEntry(SEGMENT, 2, target("old"), target("new"), SALT, 1, share, candidate_buckets(share), RELEASE)
    lake.write_text(to_text(Routing({SEGMENT: entry})), routing_path(lake))


def asked(gateway: Gateway, question: str = "what is 2 + 2?", **more):
    metadata = {"task": "tutoring", "language": "en", "subject": "math"}
    return gateway.ask(question, **{"metadata": metadata} | more)


def told(answer) -> tuple[str | None, ...]:
    return tuple(
        answer.headers.get(f"x-lyo-{name}") for name in ("segment", "adapter-version", "experiment-arm", "release-id")
    )


def test_without_a_model_task_language_and_subject_lead_to_the_adapter_and_the_user_to_the_arm(gateway):
    for user in map(str, range(12)):
        wanted = arm(user, SALT, 0.5)
        version = "new" if wanted == "candidate" else "old"
        assert told(asked(gateway, user=user)) == (SEGMENT, version, wanted, RELEASE)
        assert told(asked(gateway, user=user, model=SEGMENT)) == (SEGMENT, version, wanted, RELEASE)
    assert told(asked(gateway)) == (SEGMENT, "old", None, None), "without a user the champion answers"


def test_without_a_release_the_nearest_newest_adapter_answers_and_the_base_where_there_is_none(gateway):
    for metadata, wanted in (
        ({"task": "tutoring", "language": "hi", "subject": "physics"}, (IN_HINDI, "v1")),
        ({"task": "tutoring", "language": "ta"}, ("base", "tiny")),
        ({"task": "quiz", "language": "hi"}, ("base", "tiny")),
    ):
        assert told(asked(gateway, metadata=metadata, user="u"))[:2] == wanted
    assert told(gateway.ask("मुझे यह सवाल समझ नहीं आया, कृपया फिर से बताइए", user="u"))[0] == IN_HINDI, (
        "the text tells its language"
    )


def test_a_routing_file_that_is_written_anew_counts_from_the_next_question_on(gateway):
    early = next(user for user in map(str, range(99)) if arm(user, SALT, 0.5) == "current")
    route(gateway.lake, share=1.0)
    assert told(asked(gateway, user=early))[2] == "candidate"
    route(gateway.lake, share=0.5)
    assert told(asked(gateway, user=early))[2] == "current"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("not_applied", "answers"),
    [({"new"}, (SEGMENT, "old")), ({"new", "old"}, ("base", "tiny"))],
    ids=["champion", "base"],
)
def test_where_the_engine_does_not_apply_an_adapter_the_next_answers_and_the_arm_stays(
    lake, not_applied, answers, stream
):
    user = next(user for user in map(str, range(99)) if arm(user, SALT, 0.5) == "candidate")
    other = Lake(f"{lake.root}/{'-'.join(sorted(not_applied))}-{stream}")
    lake.local(other.root).mkdir()
    for name in ("lake", "models"):
        lake.local(f"{other.root}/{name}").symlink_to(lake.local(f"{lake.root}/{name}"))
    with running(other, engine=StubEngine(not_applied=set(not_applied))) as gateway:
        answer = asked(gateway, user=user, stream=stream)
        assert answer.status_code == 200
        assert told(answer) == (*answers, "candidate", RELEASE)
        again = asked(gateway, user=user)
        assert told(again) == (*answers, "candidate", RELEASE)
        assert gateway.engine.proved.count("new") == 1, "when it started: a refusal stands for a while"
        ready = gateway.client.get("/readyz")
        assert (ready.status_code, len(ready.json()["troubles"])) == (503, len(not_applied))
        metrics = gateway.client.get("/metrics").text
        assert 'lyo_fallbacks_total{arm="candidate",engine="stub",segment="tutoring.en.math"}' in metrics
    rows = inbox_rows(other)
    assert [(row["adapter_version"], row["experiment_arm"], row["release_id"]) for row in rows] == [
        (answers[1], "candidate", RELEASE)
    ] * 2


@pytest.mark.parametrize("question", ["die at once please", "long", "slow enough"])
def test_the_release_stands_on_every_row_whatever_became_of_the_answer(lake, question, tmp_path):
    user = next(user for user in map(str, range(99)) if arm(user, SALT, 0.5) == "candidate")
    for name in ("lake", "models"):
        (tmp_path / name).symlink_to(lake.local(f"{lake.root}/{name}"))
    with running(Lake(str(tmp_path)), changes={"seconds": {"answer": 0.1}}) as gateway:
        gateway.engine.pause = 5
        answer = asked(gateway, question, user=user)
        assert answer.status_code >= 400
        assert told(answer) == (SEGMENT, "new", "candidate", RELEASE)
    (row,) = inbox_rows(Lake(str(tmp_path)))
    assert row["error"]
    assert (row["adapter_version"], row["experiment_arm"], row["release_id"]) == ("new", "candidate", RELEASE)


def test_what_the_gateway_wrote_goes_through_ingest_as_if_the_application_had_logged_it(lake, tmp_path):
    """Ask, rate before and after, take back: the rows of the day are what happened."""
    from datetime import UTC, datetime

    from lyo_pipelines.interactions.landing.inbox import land_inbox

    route(lake, share=0.5)
    for name in ("adapters", "routing.json"):
        (tmp_path / "lake").mkdir(exist_ok=True)
        (tmp_path / "lake" / name).symlink_to(lake.local(f"{lake.root}/lake/{name}"))
    own, user = Lake(str(tmp_path)), "student-77"
    with running(own, changes={"invited_share": 1.0}) as gateway:
        rated = asked(gateway, f"I am {user}. {'What is two plus two?'}", user=user)
        failing = asked(gateway, "die in between please", user=user)
        withdrawn = asked(gateway, "three", user=user)
        anonymous = asked(gateway, "four", metadata={"task": "tutoring", "language": "hi", "email": "b@example.org"})
        names = [one.headers["x-lyo-interaction-id"] for one in (rated, failing, withdrawn, anonymous)]
        for body in (
            {"interaction_id": names[0], "rating": 2},
            {"interaction_id": names[0], "rating": 5, "thumbs": "up"},
            {
                "interaction_id": names[0],
                "complaint": {"category": "cultural", "text": f"{user} dislikes it"},
                "user": user,
            },
            {"interaction_id": names[2], "rating": 1, "edited_answer": "3"},
            {"interaction_id": names[2], "withdrawn": ["rating"]},
            {"interaction_id": names[3], "rating": 4},
            {"interaction_id": names[3], "withdrawn": True},
        ):
            assert gateway.client.post("/feedback", json=body).json()["new"] is True
    now = datetime.fromtimestamp(NOW + 60, UTC)
    reports = land_inbox(own, Pseudonyms(SECRET), CONFIG, now)
    assert [(report.format, report.rejected) for report in reports] == [("feedback", 0), ("canonical", 0)]
    found = {row["interaction_id"]: row for row in build(own).to_pylist()}
    assert set(found) == set(names)
    first, failed, third, fourth = (found[name] for name in names)
    assert first["user_pseudonym"] == Pseudonyms(SECRET).of(user), "what ingest makes of the raw id"
    assert {user not in str(row) for row in found.values()} == {True}
    assert (first["rating"], first["thumbs"], first["complaint_category"]) == (5.0, 1, "cultural")
    assert (first["task"], first["language"], first["subject"]) == ("tutoring", "en", "math")
    assert first["response_time_ms"] >= first["time_to_first_token_ms"] > 0
    assert (failed["error"], failed["answer"]) == ("EngineDied", f"{failed['adapter_version']} heard:")
    assert failed["experiment_arm"] == arm(user, SALT, 0.5)
    assert (third["rating"], third["edited_answer"]) == (None, "3")
    assert (fourth["rating"], fourth["user_pseudonym"]) == (None, None)
    assert Pseudonyms(SECRET).of("b@example.org") in fourth["metadata"]
    assert land_inbox(own, Pseudonyms(SECRET), CONFIG, now) == [], "nothing is new"
