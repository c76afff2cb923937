"""Whether a hosted model may be asked, and how it is reached. Asking belongs to evaluation/ and serving/."""

from __future__ import annotations

from typing import Literal

from lyo_pipelines.config.evaluation import Remote
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.contracts.hosted_model import HostedModel
from lyo_pipelines.hosted.prepare import HostedRefusedError

Use = Literal["evaluate", "serve"]
_SENT: dict[Use, str] = {"evaluate": "the test questions", "serve": "users' questions"}


def require_askable(model: HostedModel, config: HostedConfig | None, use: Use) -> HostedConfig:
    """The configuration, where it lets this provider be asked for this use; else HostedRefusedError. None lets nothing.

    The address must be the configured one: neither key nor questions go where a file of the lake says.
    """
    if config is None or model.base_url != config.base_url:
        configured = config.base_url if config else ""
        raise HostedRefusedError(
            f"{model.model} answers at {model.base_url}, and hosted.base_url is {configured or 'not set'}.",
            hint="Set hosted.base_url to that provider, or take the version out of service.",
        )
    if not (config.consent and (config.evaluate if use == "evaluate" else config.serve)):
        raise HostedRefusedError(
            f"{_SENT[use]} would be sent to {model.base_url}, and hosted.consent and hosted.{use} are not both true.",
            hint="Set them once whoever answers for the data has agreed.",
        )
    return config


def remote_of(model: HostedModel, config: HostedConfig, use: Use, parallel: int = 1) -> Remote:
    """How it is asked, `parallel` questions at once. Raises HostedRefusedError as `require_askable` does."""
    require_askable(model, config, use)
    return Remote(
        url=model.base_url, model=model.model, api_key_env=config.api_key_env,
        timeout_seconds=config.timeout_seconds, attempts=config.attempts, parallel=parallel,
    )  # fmt: skip
