"""Figures of the evaluation stage; the defaults and what they mean stand in evaluation.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class EvaluationFigures(BaseModel):
    """See evaluation.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
