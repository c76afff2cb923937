"""The configured values: one commented YAML per stage beside this file, one pydantic model each, one place to override.

A user's file (LYO_CONFIG, or `config.yaml` in the data directory) holds only what differs:

    curation:
      minimum_rating: 4.5

Thresholds belong here; the logic that uses them does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lyo_pipelines.bounded_yaml import read_bounded_yaml, read_packaged_yaml, yaml_problem
from lyo_pipelines.config.alerts import AlertConfig
from lyo_pipelines.config.cluster import ClusterConfig
from lyo_pipelines.config.costs import CostsConfig
from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.gateway import GatewayConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.config.privacy import PrivacyConfig
from lyo_pipelines.config.release import ReleaseConfig
from lyo_pipelines.config.retention import RetentionConfig
from lyo_pipelines.config.retraining import RetrainingConfig
from lyo_pipelines.config.rollout import RolloutConfig
from lyo_pipelines.config.search import SearchConfig
from lyo_pipelines.errors import LyoError
from lyo_pipelines.json_types import ConfigTree, is_dict

DEFAULTS = Path(__file__).parent


class Config(BaseModel):
    """The whole configuration, validated; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    interactions: InteractionsConfig
    curation: CurationConfig
    dataset: DatasetConfig
    documents: DocumentConfig
    evaluation: EvaluationConfig
    retraining: RetrainingConfig
    rollout: RolloutConfig
    release: ReleaseConfig
    alerts: AlertConfig
    gateway: GatewayConfig
    retention: RetentionConfig
    privacy: PrivacyConfig
    search: SearchConfig
    hosted: HostedConfig
    costs: CostsConfig
    cluster: ClusterConfig

    @model_validator(mode="before")
    @classmethod
    def _what_is_cultural_is_said_once(cls, data: Any) -> Any:
        if not is_dict(data) or not is_dict(rollout := data.get("rollout")) or not is_dict(data.get("curation")):
            return data
        name = "cultural_complaint_categories"
        if name in rollout:
            raise ValueError(f"rollout.{name} is taken from curation.{name}: set it there")
        return {**data, "rollout": {**rollout, name: data["curation"].get(name)}}

    @model_validator(mode="before")
    @classmethod
    def _how_long_rows_are_kept_is_said_once(cls, data: Any) -> Any:
        if not is_dict(data) or not is_dict(rows := data.get("interactions")) or not is_dict(data.get("retention")):
            return data
        if "keep_days" in rows:
            raise ValueError("interactions.keep_days is taken from retention.interactions_days: set it there")
        return {**data, "interactions": {**rows, "keep_days": data["retention"].get("interactions_days")}}


class ConfigError(LyoError):
    """The user's configuration does not fit; the message names file, key and what is expected."""


def load_config(*paths: str | Path | None) -> Config:
    """Load the packaged configuration and lay users' YAML files over them, the last one uppermost; None is no file.

    Raises ConfigError with file and key when a value or a name does not fit.
    """
    given = [path for path in paths if path is not None]
    return lay_over(
        *(read_sections(path) for path in given), source=" over ".join(str(path) for path in reversed(given))
    )


def lay_over(*changes: Mapping[str, Any], source: str = "") -> Config:
    """The packaged configuration with changes (section -> key -> value) laid over them, the last one uppermost.

    Lists are replaced, never mixed. source: what an error names. Raises ConfigError.
    """
    merged = _packaged()
    for change in changes:
        merged = overlay(merged, change)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}{_near_keys(e['type'], e['loc'])}" for e in error.errors()
        )
        # without the error behind it: that quotes values, and somebody may have typed a password
        raise ConfigError(
            f"{source or DEFAULTS}: {lines}.", hint="See the commented defaults in lyo_pipelines/config/*.yaml."
        ) from None


def _near_keys(kind: str, place: Sequence[int | str]) -> str:
    """For a key that there is not: those beside it whose names are near."""
    if kind != "extra_forbidden":
        return ""
    beside: object = _packaged()
    for part in place[:-1]:
        beside = beside.get(str(part)) if is_dict(beside) else None
    known = list(Config.model_fields) if len(place) == 1 else list(beside) if is_dict(beside) else []
    near = get_close_matches(str(place[-1]), known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


@cache
def _packaged() -> Mapping[str, Any]:
    return {name: read_packaged_yaml(DEFAULTS / f"{name}.yaml") for name in Config.model_fields}


def read_sections(path: str | Path) -> ConfigTree:
    """A user's YAML as it stands, not yet validated. Raises ConfigError when it is no YAML with sections."""
    try:
        found: object = read_bounded_yaml(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{path}: cannot be read as YAML ({yaml_problem(error)}).", hint="Mend or remove it."
        ) from None
    if not is_dict(found):
        raise ConfigError(
            f"{path}: expected sections ({', '.join(Config.model_fields)}), found {type(found).__name__}."
        )
    return found


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> ConfigTree:
    """Lay one nested mapping over another; a value that is no mapping, a list too, replaces whatever was there."""
    result = dict(base)
    for key, value in over.items():
        result[key] = overlay(base[key], value) if is_dict(value) and is_dict(base.get(key)) else value
    return result
