"""The loop, closed once with nothing left out: asked over HTTP, rated, landed, curated, trained, released, and asked again.

What the first round's answers come from stands for any model that a team serves today (they are the sample's); the second round's
come from the adapter that those rows trained, in the embedded engine, which had to prove that it is applied.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from lyo_pipelines.defs.build import build_defs
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.rollout.assignment import arm
from lyo_pipelines.rollout.routing import read_routing
from lyo_pipelines.sample.generate import generate
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.engines.torch_engine import TorchEngine
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.versions import latest_adapter
from lyo_pipelines_tests.defs.conftest import Clock
from lyo_pipelines_tests.defs.test_data_assets import data_through
from lyo_pipelines_tests.defs.test_retrain import launch
from lyo_pipelines_tests.rollout.adapter_factory import GATES
from lyo_pipelines_tests.serving.live_gateway import NOW, SECRET, Gateway, inbox_rows, running
from lyo_pipelines_tests.serving.stub_engine import StubEngine
from lyo_pipelines_tests.training.tiny import make_model

SEGMENT = "tutoring.en.math"
ASKED = {"task": "tutoring", "language": "en", "subject": "math"}
CONFIG = GATES.replace(
    "evaluation: {",
    "evaluation: {max_items: 40, minimum_groups: 15, max_new_tokens: 4, latency_items: 1, resamples: 1000, ",
)
AT = datetime.fromtimestamp(NOW, UTC)


class TodaysModel(StubEngine):
    """Answers a known question with what is known."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__()
        self.known = known

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        answer = self.known[request.messages[-1].content]
        yield answer
        yield GeneratedText(answer, "stop", 10, 20)


@pytest.fixture
def lessons() -> dict[str, str]:
    """Questions and good answers of the sample."""
    rows = generate(n=2500, seed=3, end=AT.date()).interactions
    of_segment = [row for row in rows if [row[name] for name in ASKED] == list(ASKED.values())]
    return {row["question"]: row["answer"] for row in of_segment if (row["rating"] or 0) >= 4}


def ask_and_rate(gateway: Gateway, lessons: dict[str, str]) -> None:
    """Every question once, by two hundred people, each answer rated."""
    for number, question in enumerate(lessons):
        told = gateway.ask(question, user=f"pupil-{number % 200}", metadata=ASKED)
        name = told.headers["x-lyo-interaction-id"]
        rated = gateway.client.post("/feedback", json={"interaction_id": name, "rating": 4 + number % 2})
        assert (told.status_code, rated.status_code) == (200, 200)


def release(instance: dg.DagsterInstance, store: Store) -> dg.ExecuteInProcessResult:
    config = {"ops": {"release": {"config": {"reason": "the loop", "person": "asha"}}}}
    job = build_defs(resources={"store": store}).resolve_job_def("release_adapter")
    return job.execute_in_process(instance=instance, partition_key=SEGMENT, run_config=config, raise_on_error=False)


def test_what_people_ask_and_rate_trains_the_adapter_that_then_answers_them(
    tmp_path: Path, clock: Clock, lessons: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYO_PSEUDONYM_KEY", SECRET)
    clock.now = AT + timedelta(hours=1)
    (tmp_path / "config.yaml").write_text(CONFIG)
    store = Store(data_dir=str(tmp_path / "data"), config_path=str(tmp_path / "config.yaml"))
    lake, base = store.lake(), make_model(tmp_path / "data" / "models" / "tiny")
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(SEGMENTS.name, [SEGMENT])

    with running(lake, engine=TodaysModel(lessons)) as gateway:
        ask_and_rate(gateway, lessons)
    for path in Path(lake.side("inbox")).iterdir():
        os.utime(path, (NOW, NOW))
    data_through(instance, store)
    kept = lake.read_table(lake.examples(AT.date())).to_pylist()
    assert len(kept) > 0.8 * len(lessons), "what was asked and rated well is learnt from"

    overrides = {"budget": {"steps": 80}, "optimizer": {"learning_rate": 0.02}, "validation": {"interval": 40}}
    trained = launch((instance, store, base), "retrain", "adapter", SEGMENT, **overrides)
    assert trained.success
    version = latest_adapter(lake, SEGMENT).version
    assert release(instance, store).success
    entry = read_routing(lake).entries[SEGMENT]
    assert entry.candidate is not None and entry.candidate.version == version

    engine = TorchEngine(tmp_path / "data" / "models", str(base), device="cpu", dtype="float32")
    with running(lake, engine=engine) as gateway:
        assert gateway.client.get("/readyz").status_code == 200, "the adapter proved that it is applied"
        answers = [gateway.ask("four apples", user=f"pupil-{n}", metadata=ASKED, max_tokens=4) for n in range(60)]
    arms = Counter(told.headers["x-lyo-experiment-arm"] for told in answers)
    assert arms["candidate"] == sum(arm(f"pupil-{n}", entry.salt, entry.share) == "candidate" for n in range(60)) > 0
    for told in answers:
        by_candidate = told.headers["x-lyo-experiment-arm"] == "candidate"
        assert told.headers["x-lyo-adapter-version"] == (version if by_candidate else "tiny")
    assert Pseudonyms(SECRET).of("pupil-1") in {row["user_pseudonym"] for row in inbox_rows(lake)}
