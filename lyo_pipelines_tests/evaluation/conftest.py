"""A tiny base, two adapters on it and a dataset version, made once for the tests that run models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from lyo_pipelines.config.evaluation import EvaluationFigures
from lyo_pipelines.config.figures import load_figures
from lyo_pipelines_tests.config.packaged import collateral_figures
from lyo_pipelines_tests.evaluation import made


@dataclass(frozen=True)
class World:
    root: Path
    base: Path
    candidate: Path
    champion: Path
    dataset: Path
    figures: EvaluationFigures


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    root = tmp_path_factory.mktemp("evaluation")
    base = made.tiny_base(root / "models" / "tiny")
    figures = load_figures().evaluation.model_copy(
        update={
            "max_items": 18, "max_new_tokens": 12, "generation_batch": 5, "loss_batch": 4, "latency_items": 2,
            "latency_new_tokens": 4, "dtype": "float32", "device": "cpu", "resamples": 1_000, "minimum_groups": 10,
            "collateral": collateral_figures(segments=0, general=False),
            "metrics": ("checked_answer", "chrf", "language_match", "length_ratio", "loss", "repetition", "rouge_l"),
        }
    )  # fmt: skip
    return World(
        root=root,
        base=base,
        candidate=made.adapter(root / "candidate", base, base, seed=2, scale=0.3),
        champion=made.adapter(root / "champion", base, base, seed=5, scale=0.3),
        dataset=made.dataset(root / "d1", made.rows(24, per_group=1, languages=("en", "hi", "ta"))),
        figures=figures,
    )
