"""Figures of the dataset stage; the defaults and what they mean stand in dataset.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DatasetFigures(BaseModel):
    """See dataset.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
