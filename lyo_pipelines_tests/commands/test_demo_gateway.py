"""The demo's loop: what simulated students ask and rate over HTTP stands in raw_interactions, with the release it belongs to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from lyo_pipelines.commands.demo_gateway import CameBack, ask_as_students, came_back, print_round
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.interactions.days.build import build_day
from lyo_pipelines.interactions.landing.inbox import land_inbox
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.registry.events import Who
from lyo_pipelines.rollout.start import start_release
from lyo_pipelines.serving.contract import ChatRequest
from lyo_pipelines.serving.engines.engine import GeneratedText
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.registry.event_factory import SEGMENT
from lyo_pipelines_tests.rollout.adapter_factory import GATES, ready
from lyo_pipelines_tests.serving.live_gateway import NOW, SECRET, running
from lyo_pipelines_tests.serving.stub_engine import EngineDied, StubEngine

AT = datetime.fromtimestamp(NOW, UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "config.yaml").write_text(GATES)
    made = Lake(str(tmp_path / "data"))
    ready(made)
    config = load_config(tmp_path / "config.yaml")
    start_release(
        made, SEGMENT, config.evaluation, config.rollout, who=Who("a test"), reason="", now=AT - timedelta(hours=1)
    )
    return made


def test_what_students_ask_and_rate_comes_back_with_the_release_it_belongs_to(lake: Lake) -> None:
    with running(lake) as gateway:
        visits = ask_as_students(gateway.url, SEGMENT, AT.date(), students=40)
    assert {visit.arm for visit in visits} == {"candidate", "current"}
    assert not any(visit.error for visit in visits)
    rated = sum(visit.rating is not None for visit in visits)
    assert rated
    config = load_config(Path(lake.root).parent / "config.yaml")
    land_inbox(lake, Pseudonyms(SECRET), config.interactions, AT + timedelta(hours=1))
    assert came_back(lake, AT.date(), visits) == CameBack(0, 0, 0), "what has landed is not built yet"
    build_day(lake, AT.date())
    assert came_back(lake, AT.date(), visits) == CameBack(40, rated, 40)
    console = Console(record=True, width=140)
    print_round(console, visits, came_back(lake, AT.date(), visits))
    assert f"40 of 40 questions stand in raw_interactions, {rated} of them rated, 40 named" in console.export_text()


class Dead(StubEngine):
    """Dies before the first word."""

    async def write(self, choice: ModelChoice, request: ChatRequest) -> AsyncGenerator[str | GeneratedText]:
        if request.messages:
            raise EngineDied
        yield ""


def test_an_answer_that_failed_is_told_with_its_arm_and_not_rated(lake: Lake) -> None:
    with running(lake, engine=Dead()) as gateway:
        (visit,) = ask_as_students(gateway.url, SEGMENT, AT.date(), students=1)
    assert "the model failed to answer" in visit.error
    assert visit.arm in ("candidate", "current")
    assert visit.rating is None
