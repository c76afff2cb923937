"""The packaged configuration with a test's changes: tests build no section by hand, so that no second copy of a default arises."""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.evaluation import (
    CollateralConfig,
    EndpointConfig,
    EvaluationConfig,
    JudgeConfig,
    SatisfactionConfig,
)
from lyo_pipelines.config.loading import lay_over


def evaluation_figures(**changes: Any) -> EvaluationConfig:
    return lay_over({"evaluation": changes}).evaluation


def collateral_figures(**changes: Any) -> CollateralConfig:
    return evaluation_figures(collateral=changes).collateral


def satisfaction_figures(**changes: Any) -> SatisfactionConfig:
    return evaluation_figures(satisfaction=changes).satisfaction


def endpoint_figures(**entry: Any) -> EndpointConfig:
    return evaluation_figures(endpoints=[entry]).endpoints[0]


def judge_figures(**section: Any) -> JudgeConfig:
    judge = evaluation_figures(judge=section).judge
    assert judge is not None
    return judge
