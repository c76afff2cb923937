"""A fallback is rehearsed with a real (tiny) model in a process of its own: it answers, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyo_pipelines.config.loading import lay_over
from lyo_pipelines.rollout.rehearsal import RehearsalError, rehearse_fallback
from lyo_pipelines.rollout.routing import Target
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import published_files
from lyo_pipelines_tests.evaluation.sample_reports import adapter as real_adapter
from lyo_pipelines_tests.evaluation.sample_reports import tiny_base
from lyo_pipelines_tests.registry.event_factory import SEGMENT
from lyo_pipelines_tests.rollout.adapter_factory import adapter

REHEARSAL = {"question": "What is 7 + 5?", "max_new_tokens": 4, "seconds": 300}
CONFIG = lay_over({"release": {"rehearsal": REHEARSAL}})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path, Target]:
    root = tmp_path_factory.mktemp("rehearsal")
    base, lake = tiny_base(root / "base"), Lake(str(root / "data"))
    folder = adapter(lake, base=str(base), source=real_adapter(root / "source", base, base))
    target = Target(SEGMENT, "owner-1", "lora", str(base), f"adapters/{SEGMENT}/owner-1", published_files(folder))
    return lake, base, target


def test_the_adapter_and_the_base_alone_answer(world: tuple[Lake, Path, Target]) -> None:
    lake, base, target = world
    found = rehearse_fallback(lake, target, str(base), lake.local(lake.side("models")), CONFIG)
    assert (found.target, found.files, found.question) == ("owner-1", 3, "What is 7 + 5?")
    assert found.load_seconds > 0 and found.answer_seconds > 0
    alone = rehearse_fallback(lake, None, str(base), lake.local(lake.side("models")), CONFIG)
    assert (alone.target, alone.files) == (str(base), 0)
    assert alone.answer != found.answer, "the adapter was active, or both would say the same"


def test_what_cannot_serve_says_why(world: tuple[Lake, Path, Target]) -> None:
    lake, base, target = world
    other = Target(
        SEGMENT, "owner-1", "lora", str(base), target.folder, {**target.files, "adapter_config.json": "0" * 64}
    )
    with pytest.raises(RehearsalError, match=r"owner-1 cannot serve: .*adapter_config\.json differs"):
        rehearse_fallback(lake, other, str(base), lake.local(lake.side("models")), CONFIG)
    with pytest.raises(RehearsalError, match="cannot serve: "):
        rehearse_fallback(lake, None, "no-such-model", lake.local(lake.side("models")), CONFIG)
    hurried = lay_over({"release": {"rehearsal": {**REHEARSAL, "seconds": 0.05}}})
    with pytest.raises(RehearsalError, match="did not answer within"):
        rehearse_fallback(lake, target, str(base), lake.local(lake.side("models")), hurried)
