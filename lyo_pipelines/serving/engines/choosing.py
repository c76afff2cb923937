"""The engine that the configuration names. What it needs is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable

from lyo_pipelines.config.gateway import GatewayConfig
from lyo_pipelines.config.loading import Config
from lyo_pipelines.serving.engines.engine import Engine
from lyo_pipelines.serving.engines.hosted_engine import HostedEngine, WithHosted
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import models_dir, working_folder


def engine_of(project: Config, base: str, lake: Lake, *, clock: Callable[[], float]) -> Engine:
    """Not started yet; with a provider beside it where the configuration lets one answer. base: name or folder of the base model.

    clock: seconds since 1970. Raises NotLocalError on a remote lake.
    """
    hosted = HostedEngine(project.hosted, project.curation, clock=clock) if project.hosted.serve else None
    return WithHosted(_own_engine(project.gateway, base, lake), hosted)


def _own_engine(config: GatewayConfig, base: str, lake: Lake) -> Engine:
    models = models_dir(lake)
    if config.engine == "llama_cpp":
        from lyo_pipelines.serving.engines.llama_cpp_engine import LlamaCppEngine, LlamaCppSettings

        return LlamaCppEngine(LlamaCppSettings(base, models, waiting=config.queue, **config.llama_cpp.model_dump()))
    if config.engine == "openai":
        from lyo_pipelines.serving.engines.openai_engine import OpenAIEngine
        from lyo_pipelines.serving.engines.openai_settings import OpenAISettings

        adapters = working_folder(lake, lake.path("adapters"))
        return OpenAIEngine(
            OpenAISettings(base=base, models_dir=models, lake_adapters=adapters, **config.openai.model_dump())
        )
    from lyo_pipelines.serving.engines.limits import Limits
    from lyo_pipelines.serving.engines.torch_engine import TorchEngine

    limits = Limits(waiting=config.queue, **config.torch.model_dump())
    return TorchEngine(models, base, limits=limits)
