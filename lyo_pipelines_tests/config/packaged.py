"""The packaged figures with a test's changes: tests build no section by hand, so that no second copy of a default arises."""

from __future__ import annotations

from typing import Any

from lyo_pipelines.config.evaluation import (
    CollateralFigures,
    EndpointFigures,
    EvaluationFigures,
    JudgeFigures,
    SatisfactionFigures,
)
from lyo_pipelines.config.figures import lay_over


def evaluation_figures(**changes: Any) -> EvaluationFigures:
    return lay_over({"evaluation": changes}).evaluation


def collateral_figures(**changes: Any) -> CollateralFigures:
    return evaluation_figures(collateral=changes).collateral


def satisfaction_figures(**changes: Any) -> SatisfactionFigures:
    return evaluation_figures(satisfaction=changes).satisfaction


def endpoint_figures(**entry: Any) -> EndpointFigures:
    return evaluation_figures(endpoints=[entry]).endpoints[0]


def judge_figures(**section: Any) -> JudgeFigures:
    judge = evaluation_figures(judge=section).judge
    assert judge is not None
    return judge
