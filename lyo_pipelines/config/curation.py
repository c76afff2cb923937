"""Figures of the curation stage; the defaults and what they mean stand in curation.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class CurationFigures(BaseModel):
    """See curation.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
