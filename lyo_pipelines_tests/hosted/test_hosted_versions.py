"""A provider's model is a version like others: judged by the same gates, released, served, and passed over when it does not answer."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.contracts.adapter import HOSTED
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.command import evaluation_command, write_config
from lyo_pipelines.evaluation.engine.__main__ import main
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.measures.language_quality import NAMES
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.hosted.prepare import HostedRefusedError
from lyo_pipelines.hosted.record import HostedJob
from lyo_pipelines.hosted.versions import publish_version
from lyo_pipelines.registry.events import Who
from lyo_pipelines.registry.log import read_release
from lyo_pipelines.rollout.rehearsal import RehearsalError, rehearse_fallback, target_after
from lyo_pipelines.rollout.routing import read_routing, target_of
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.hosted_engine import HostedEngine, WithHosted
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import DamagedAdapterError, load_checked
from lyo_pipelines.training.versions import NoAdapterError, chosen_adapter, latest_adapter
from lyo_pipelines_tests.config.packaged import evaluation_config
from lyo_pipelines_tests.evaluation import sample_reports
from lyo_pipelines_tests.evaluation.scripted_judge import Odd, ruled
from lyo_pipelines_tests.rollout.adapter_factory import routed
from lyo_pipelines_tests.serving.live_gateway import running
from lyo_pipelines_tests.serving.stub_engine import StubEngine

SEGMENT = "tutoring.en.math"
TUNED, BASE = "ft:small:ours", "small"
KEY, PHONE = "HOSTED_TEST_KEY", "Call me at 9876543210 or asha@example.org."
NOW = datetime(2026, 11, 30, tzinfo=UTC)


class Provider:
    """Its tuned model knows the references, its base model says the same to everything. fault: status of every answer."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.fault = 0

    def rule(self, asked, _):
        if self.fault:
            return Odd(self.fault, "{}")
        question = asked["messages"][-1]["content"]
        text = self.known.get(question, f"heard {question}") if asked["model"] == TUNED else "I cannot say."
        if not asked.get("stream"):
            return text
        parts = [{"choices": [{"delta": {"content": piece}}]} for piece in re.findall(r"\S+\s*", text)]
        ends = [
            {
                "choices": [{"delta": {}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 30, "completion_tokens": 9},
            }
        ]
        return Odd(200, "".join(f"data: {json.dumps(one)}\n\n" for one in [*parts, *ends]) + "data: [DONE]\n\n")


@pytest.fixture(scope="module")
def provider():
    known = Provider()
    with ruled(known.rule) as server:
        known.server = server
        yield known


FIGURES = {
    "max_items": 18, "resamples": 1_000, "minimum_groups": 10, "collateral": {"segments": 0, "general": True},
    "satisfaction": {"enabled": False},
    "metrics": ["loss", "chrf", "checked_answer", "language_match", "length_ratio", "repetition", "solution_first", *NAMES],
}  # fmt: skip
"""That fit so few items, and measure what gates ask for."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Where models would be: none is needed."""
    return SimpleNamespace(root=tmp_path_factory.mktemp("models"), config=evaluation_config(**FIGURES))


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY, "secret")


def hosted_config(provider, **changes):
    return {
        "base_url": provider.server.url,
        "model": BASE,
        "api_key_env": KEY,
        "attempts": 1,
        "wait_seconds": 0,
    } | changes


@pytest.fixture(scope="module")
def judged(provider, world, tmp_path_factory):
    """The lake with the version and its report, as `lyo hosted --report` leaves them."""
    root = tmp_path_factory.mktemp("hosted")
    lake = Lake(str(root))
    rows = sample_reports.rows(24, per_group=1)
    rows[0]["messages"][-2]["content"] += f" {PHONE}"
    dataset = sample_reports.dataset(Path(lake.dataset_dir(SEGMENT, "feed0001")), rows)
    for row in pq.read_table(dataset / "test.parquet").to_pylist():
        provider.known[row["messages"][-2]["content"]] = row["messages"][-1]["content"]
    job = HostedJob(
        cause="abc123def456", segment=SEGMENT, dataset_fingerprint="feed0001", base_url=provider.server.url, model=BASE,
        hyperparameters={"n_epochs": 3}, examples={"train": 30}, bytes=100, tokens=90, estimate=0.1, currency="USD", job_id="ftjob-1",
        status="succeeded", trained_tokens=900, cost=1.8, fine_tuned_model=TUNED,
    )  # fmt: skip
    version = publish_version(lake, job)
    assert publish_version(lake, job) == version
    return lake, version, dataset


def evaluated(judged, provider, world, output: Path, **hosted) -> int:
    """Exit code of an evaluation in this process."""
    lake, version, dataset = judged
    settings = output.parent / "hosted.yaml"
    settings.write_text(yaml.safe_dump({"hosted": hosted_config(provider, **hosted)}))
    command = evaluation_command(
        dataset, lake.adapter_dir(SEGMENT, version), output, world.root / "models", config_path=settings,
        evaluation_config_path=write_config(world.config, output), cache_dir=output / "cache",
    )  # fmt: skip
    return main(command[3:])


def under_dagster(lake, provider, job: str, op: str, **told):
    """A run of one asset of a job about the hosted version, as commands launch it."""
    hosted = hosted_config(provider, consent=True, evaluate=True, serve=True)
    settings = Path(lake.root) / "config.yaml"
    settings.write_text(yaml.safe_dump({"hosted": hosted, "evaluation": FIGURES}))
    store, instance = Store(data_dir=lake.root, config_path=str(settings)), dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(KEY, "secret")
        patched.setenv("LYO_PSEUDONYM_KEY", "k" * 32)
        return build_defs(resources={"store": store}).resolve_job_def(job).execute_in_process(
            instance=instance, partition_key=SEGMENT, run_config={"ops": {op: {"config": told}}}, asset_selection=[dg.AssetKey(op)],
        )  # fmt: skip


@pytest.fixture(scope="module")
def reported(judged, provider):
    """(report, verdicts of its checks), as `lyo hosted --report` launches it."""
    lake, version, _ = judged
    run = under_dagster(lake, provider, "retrain", "eval_report", version=version)
    checks = {one.check_name: one.passed for one in run.get_asset_check_evaluations()}
    return read_report(Path(lake.report_dir(SEGMENT, version))), checks


def test_it_is_a_version_with_checksums_and_never_the_newest(judged):
    lake, version, _ = judged
    found = chosen_adapter(lake, SEGMENT, version)
    assert (found.manifest.method, found.manifest.cost.amount, set(found.manifest.files)) == (
        HOSTED,
        1.8,
        {HOSTED_FILE},
    )
    with pytest.raises(NoAdapterError):
        latest_adapter(lake, SEGMENT)


def test_without_consent_no_question_is_sent(judged, provider, world, tmp_path):
    before = len(provider.server.requests)
    elsewhere = {"base_url": "http://127.0.0.1:9/v1", "consent": True, "evaluate": True}
    for allowed in ({"consent": True}, {"evaluate": True}, elsewhere):
        assert evaluated(judged, provider, world, tmp_path / "report", **allowed) == 1
    assert len(provider.server.requests) == before


def test_the_same_gates_judge_it_by_what_it_writes(reported, provider):
    report, checks = reported
    assert report.without_likelihood == ("base", "candidate")
    assert report.models["candidate"]["loss"].value is None
    gates = {gate.name: gate for gate in report.gates}
    assert "chrf" in gates["improves_on_base"].message and gates["improves_on_base"].passed
    assert gates["answer_length"].passed
    assert report.may_be_released, [gate for gate in report.gates if gate.passed is not True]
    assert checks["may_be_released"], "of the version that was named: the segment has no newest adapter"
    sent = json.dumps(provider.server.requests)
    assert "asha@example.org" not in sent and "9876543210" not in sent, "test questions are redacted once more"


def test_without_every_answer_there_is_no_report_and_one_no_better_than_its_base_is_not_released(
    judged, provider, world, tmp_path, monkeypatch
):
    allowed = {"consent": True, "evaluate": True}
    monkeypatch.setattr(provider, "fault", 503)
    assert evaluated(judged, provider, world, tmp_path / "report", **allowed) == 1
    assert not (tmp_path / "report" / "report.json").exists()
    monkeypatch.setattr(provider, "fault", 0)
    monkeypatch.setattr(provider, "known", dict.fromkeys(provider.known, "I cannot say."))
    assert evaluated(judged, provider, world, tmp_path / "report", **allowed) == 0
    assert not read_report(tmp_path / "report").may_be_released


@contextmanager
def gateway(lake, provider, **changes):
    config = lay_over({"hosted": hosted_config(provider, consent=True, **changes)})
    hosted = HostedEngine(config.hosted, config.curation, clock=NOW.timestamp) if config.hosted.serve else None
    with running(lake, engine=WithHosted(StubEngine(), hosted)) as one:
        yield one


def ask(one, question: str, user: str = "u1"):
    answer = one.ask(question, model=SEGMENT, user=user)
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"], answer.headers.get("x-lyo-adapter-version")


def started(judged, provider, **hosted):
    lake, version, _ = judged
    config = lay_over({"hosted": hosted_config(provider, consent=True, **hosted)})
    return start_release(
        lake, SEGMENT, config.evaluation, config.rollout, who=Who("tester", person=True), reason="hope", now=NOW,
        version=version, provider=config.hosted,
    )  # fmt: skip


@pytest.fixture(scope="module")
def released(judged, provider, reported):
    lake, version, _ = judged
    with pytest.raises(HostedRefusedError, match="users' questions"):
        started(judged, provider)
    told = {"reason": "better wording", "person": "tester", "version": version}
    assert under_dagster(lake, provider, "release_adapter", "release", **told).success
    assert read_release(lake, SEGMENT).candidate == version
    return lake


def of_candidate(lake) -> str:
    route = routed(lake, SEGMENT)
    return next(user for number in range(200) if route(user := f"u{number}")[0] == "candidate")


def test_the_registry_knows_it_and_the_gateway_has_the_provider_answer_its_users(released, judged, provider):
    lake, version = released, judged[1]
    assert read_routing(lake).entries[SEGMENT].candidate.method == HOSTED
    user = of_candidate(lake)
    with gateway(lake, provider, serve=True) as one:
        text, by = ask(one, f"I am {user}, call 9876543210 or write to asha@example.org", user)
        assert by == version
        sent = provider.server.requests[-1]
        assert sent["model"] == TUNED
        assert provider.server.keys[-1] == "Bearer secret"
        told = json.dumps(sent)
        assert "9876543210" not in told and "asha@example.org" not in told and user not in told
        assert text.startswith("heard ")
        assert one.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("fault", "said"),
    [(503, "too many requests"), (404, "404"), (401, "refuses the key (401)"), (500, "the server says 500")],
)
def test_a_provider_that_is_gone_is_passed_over_and_asked_again(released, judged, provider, monkeypatch, fault, said):
    lake, user = released, of_candidate(released)
    monkeypatch.setattr(provider, "fault", fault)
    with gateway(lake, provider, serve=True, serve_again=3600) as one:
        for _ in range(2):
            assert ask(one, "What is 2 + 2?", user) == ("tiny heard: What is 2 + 2?", "tiny")
        asked = len(provider.server.requests)
        ready = one.client.get("/readyz")
        assert (ready.status_code, len(provider.server.requests)) == (200, asked), "nobody is sent away for it"
        (told,) = ready.json()["passed_over"]
        assert judged[1] in told and said in told
    monkeypatch.setattr(provider, "fault", 0)
    with gateway(lake, provider, serve=True, serve_again=0) as one:
        assert ask(one, "What is 2 + 2?", user)[1] == judged[1]
        assert one.client.get("/readyz").json()["passed_over"] == []


def test_without_a_key_nothing_is_sent_and_it_is_said(released, judged, provider, monkeypatch):
    monkeypatch.delenv(KEY)
    before = len(provider.server.requests)
    with gateway(released, provider, serve=True) as one:
        assert ask(one, "What is 2 + 2?", of_candidate(released))[1] == "tiny"
        assert KEY in one.client.get("/readyz").json()["passed_over"][0]
    assert len(provider.server.requests) == before


def test_tokens_of_a_day_and_consent_end_what_is_sent(released, judged, provider):
    lake, user = released, of_candidate(released)
    with gateway(lake, provider, serve=True, serve_tokens_per_day=40) as one:
        before = len(provider.server.requests)
        assert [ask(one, "What is 2 + 2?", user)[1] for _ in range(4)] == [judged[1], judged[1], "tiny", "tiny"]
        assert len(provider.server.requests) == before + 2, "39 tokens were spent after the first, 78 after the second"
    with gateway(lake, provider) as one:
        before = len(provider.server.requests)
        assert ask(one, "What is 2 + 2?", user)[1] == "tiny"
        assert len(provider.server.requests) == before


def test_personal_data_in_calls_of_tools_does_not_leave(provider):
    config = lay_over({"hosted": hosted_config(provider, consent=True, serve=True)})
    engine = HostedEngine(config.hosted, config.curation, clock=NOW.timestamp)
    model = HostedModel(base_url=provider.server.url, model=TUNED)
    choice = ModelChoice("m", ModelSpec("m", TUNED, None, "v", "i", hosted=model), "v")
    call = {"id": "1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "asha@example.org"}'}}
    turns = [
        {"role": "user", "content": "Write to her.", "name": "Asha"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "sent to asha@example.org"},
    ]
    request = ChatRequest.model_validate({"model": "m", "messages": turns})

    async def asked() -> None:
        async for _ in engine.write(choice, request):
            pass
        await engine.close()

    asyncio.run(asked())
    sent = json.dumps(provider.server.requests[-1])
    assert "asha" not in sent.lower() and '"name": "mail"' in sent


def test_it_is_rehearsed_where_it_is_and_falls_back_to_a_model_that_is_here(released, judged, provider, tmp_path):
    lake, version, _ = judged
    release = read_release(lake, SEGMENT)
    asked = {"release": {"rehearsal": {"question": "What is 7 + 5?"}}}
    config = lay_over(asked, {"hosted": hosted_config(provider, consent=True, serve=True)})
    found = rehearse_fallback(lake, target_of(release, version), "", tmp_path, config)
    assert (found.target, found.answer) == (version, "heard What is 7 + 5?")
    with pytest.raises(RehearsalError, match=r"hosted\.base_url is not set"):
        rehearse_fallback(lake, target_of(release, version), "", tmp_path, lay_over({}))
    target, base = target_after(read_routing(lake), release, version, "")
    assert target is None and base == "smollm2-135m-instruct"


def test_a_description_that_was_changed_is_not_asked(released, judged):
    lake, version, _ = judged
    path = Path(lake.adapter_dir(SEGMENT, version)) / HOSTED_FILE
    before = path.read_text()
    path.write_text(before.replace(TUNED, "ft:small:theirs"))
    with pytest.raises(DamagedAdapterError, match="differs from what was published"):
        load_checked(path.parent)
    path.write_text(before)
