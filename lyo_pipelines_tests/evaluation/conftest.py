"""A tiny base, two adapters on it and a dataset version, made once for the tests that run models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.loading import load_config
from lyo_pipelines_tests.config.packaged import collateral_config
from lyo_pipelines_tests.evaluation import sample_reports


@dataclass(frozen=True)
class World:
    root: Path
    base: Path
    candidate: Path
    champion: Path
    dataset: Path
    config: EvaluationConfig


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    root = tmp_path_factory.mktemp("evaluation")
    base = sample_reports.tiny_base(root / "models" / "tiny")
    config = load_config().evaluation.model_copy(
        update={
            "max_items": 18, "max_new_tokens": 12, "generation_batch": 5, "loss_batch": 4, "latency_items": 2,
            "latency_new_tokens": 4, "dtype": "float32", "device": "cpu", "resamples": 1_000, "minimum_groups": 10,
            "collateral": collateral_config(segments=0, general=False),
            "metrics": ("checked_answer", "chrf", "language_match", "length_ratio", "loss", "repetition", "rouge_l"),
        }
    )  # fmt: skip
    return World(
        root=root,
        base=base,
        candidate=sample_reports.adapter(root / "candidate", base, base, seed=2, scale=0.3),
        champion=sample_reports.adapter(root / "champion", base, base, seed=5, scale=0.3),
        dataset=sample_reports.dataset(root / "d1", sample_reports.rows(24, per_group=1, languages=("en", "hi", "ta"))),
        config=config,
    )
