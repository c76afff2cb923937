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


def evaluation_config(**changes: Any) -> EvaluationConfig:
    return lay_over({"evaluation": changes}).evaluation


def collateral_config(**changes: Any) -> CollateralConfig:
    return evaluation_config(collateral=changes).collateral


def satisfaction_config(**changes: Any) -> SatisfactionConfig:
    return evaluation_config(satisfaction=changes).satisfaction


def endpoint_config(**entry: Any) -> EndpointConfig:
    return evaluation_config(endpoints=[entry]).endpoints[0]


def judge_config(**section: Any) -> JudgeConfig:
    judge = evaluation_config(judge=section).judge
    assert judge is not None
    return judge
