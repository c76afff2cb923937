"""Configuration of the alerts, and their two secrets; the defaults and what they mean stand in alerts.yaml."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from lyo_pipelines.config.addresses import WithoutCredentials
from lyo_pipelines.json_types import is_dict

Kind = Literal["run_failed", "check_failed", "check_warned", "trigger_fired", "data_stalled"]
Kinds = Literal["all"] | tuple[Kind, ...]
_LOG = logging.getLogger(__name__)

Hours = Annotated[float, Field(gt=0)]


class EmailConfig(BaseModel):
    """The e-mail channel. What is missing is said by the channel, so that a half-filled section stops nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool
    host: str
    port: int = Field(ge=1, le=65535)
    security: Literal["starttls", "ssl", "none"]
    username: str
    sender: str
    recipients: tuple[str, ...]
    kinds: Kinds


class SlackConfig(BaseModel):
    """The Slack channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool
    kinds: Kinds


@cache
def _tell_of_stalled_after_hours() -> None:
    """Once for each process: a sensor loads the configuration at every tick."""
    _LOG.warning("alerts.stalled_after_hours has no effect: remove it (freshness is a policy of the daily assets now)")


class AlertConfig(BaseModel):
    """See alerts.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: EmailConfig
    slack: SlackConfig
    repeat_after_hours: Hours
    most_listed: int = Field(ge=1, le=100)
    timeout_seconds: float = Field(gt=0, le=120)
    ui_url: WithoutCredentials = Field(pattern=r"^https?://\S+$")

    @model_validator(mode="before")
    @classmethod
    def _without_old_keys(cls, values: Any) -> Any:
        """A file of an earlier version is still read: stale data is now what the assets' freshness policy says."""
        if is_dict(values) and "stalled_after_hours" in values:
            _tell_of_stalled_after_hours()
            return {key: value for key, value in values.items() if key != "stalled_after_hours"}
        return values


@dataclass(frozen=True)
class AlertSecrets:
    """What only the environment holds (settings.py reads it); never shown, not even by repr."""

    smtp_password: SecretStr
    slack_webhook: SecretStr
