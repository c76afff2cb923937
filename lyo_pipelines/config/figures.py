"""The owner's figures: one commented YAML per stage beside this file, one pydantic model each, one place to override.

A user's file (LYO_CONFIG, or `config.yaml` in the data directory) holds only what differs:

    curation:
      minimum_rating: 4.5

Thresholds belong here; the logic that uses them does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lyo_pipelines.config.alerts import AlertFigures
from lyo_pipelines.config.curation import CurationFigures
from lyo_pipelines.config.dataset import DatasetFigures
from lyo_pipelines.config.documents import DocumentFigures
from lyo_pipelines.config.evaluation import EvaluationFigures
from lyo_pipelines.config.interactions import InteractionsFigures
from lyo_pipelines.config.release import ReleaseFigures
from lyo_pipelines.config.retraining import RetrainingFigures
from lyo_pipelines.config.rollout import RolloutFigures
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree

DEFAULTS = Path(__file__).parent


class Figures(BaseModel):
    """All figures, validated; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interactions: InteractionsFigures
    curation: CurationFigures
    dataset: DatasetFigures
    documents: DocumentFigures
    evaluation: EvaluationFigures
    retraining: RetrainingFigures
    rollout: RolloutFigures
    release: ReleaseFigures
    alerts: AlertFigures


class FiguresError(LyoError):
    """The user's figures do not fit; the message names file, key and what is expected."""


def load_figures(*paths: str | Path | None) -> Figures:
    """Load the packaged figures and lay users' YAML files over them, the last one uppermost; None is no file.

    Raises FiguresError with file and key when a value or a name does not fit.
    """
    given = [path for path in paths if path is not None]
    return lay_over(
        *(read_sections(path) for path in given), source=" over ".join(str(path) for path in reversed(given))
    )


def lay_over(*changes: Mapping[str, Any], source: str = "") -> Figures:
    """The packaged figures with changes (section -> key -> value) laid over them, the last one uppermost.

    Lists are replaced, never mixed. source: what an error names. Raises FiguresError.
    """
    merged = _packaged()
    for change in changes:
        merged = _overlay(merged, change)
    try:
        return Figures.model_validate(merged)
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise FiguresError(
            f"{source or DEFAULTS}: {lines}.", hint="See the commented defaults in lyo_pipelines/config/*.yaml."
        ) from error


@cache
def _packaged() -> Mapping[str, Any]:
    return {
        name: yaml.safe_load((DEFAULTS / f"{name}.yaml").read_text(encoding="utf-8")) for name in Figures.model_fields
    }


def read_sections(path: str | Path) -> ConfigTree:
    """A user's YAML as it stands, not yet validated. Raises FiguresError when it is no YAML with sections."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise FiguresError(f"{path}: cannot be read as YAML ({error}).", hint="Mend or remove it.") from error
    if not isinstance(found, dict):
        raise FiguresError(
            f"{path}: expected sections ({', '.join(Figures.model_fields)}), found {type(found).__name__}."
        )
    return found


def _overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> ConfigTree:
    result = dict(base)
    for key, value in over.items():
        result[key] = (
            _overlay(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        )
    return result
