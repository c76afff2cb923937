"""Figures of the interactions stage; the defaults and what they mean stand in interactions.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class InteractionsFigures(BaseModel):
    """See interactions.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
