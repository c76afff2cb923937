"""An adapter as a server elsewhere is told of it: an immutable name, a path that it can read, and whether it can hold it at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.serving.engines.openai_settings import OpenAISettings
from lyo_pipelines.training.verified_loading import DamagedAdapterError


@dataclass(frozen=True)
class RemoteAdapter:
    """name: `segment@version`; path: as the server reads it; folder: as it is here."""

    name: str
    path: str
    folder: Path


def remote_adapter(segment: str, spec: ModelSpec, settings: OpenAISettings) -> RemoteAdapter:
    """What to tell the server of an adapter. Raises DamagedAdapterError for one that no such server can hold."""
    folder = spec.adapter_dir
    assert folder is not None
    _require_servable(folder, spec, settings)
    path = str(folder.resolve())
    if settings.adapters_at and settings.lake_adapters is not None:
        within = folder.resolve().relative_to(settings.lake_adapters.resolve())
        path = str(PurePosixPath(settings.adapters_at) / within.as_posix())
    return RemoteAdapter(f"{segment or folder.parent.name}@{spec.version}", path, folder)


def _require_servable(folder: Path, spec: ModelSpec, settings: OpenAISettings) -> None:
    if spec.four_bit:
        raise DamagedAdapterError(
            f"{folder}: its base is held in 4 bits (NF4), the server's is not", hint="Serve it with `engine: torch`."
        )
    if not settings.loads:
        return
    try:
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedAdapterError(
            f"{folder / 'adapter_config.json'} cannot be read ({type(error).__name__})"
        ) from error
    rank = max([int(config.get("r", 0)), *map(int, (config.get("rank_pattern") or {}).values())])
    if rank > settings.max_lora_rank:
        raise DamagedAdapterError(
            f"{folder}: its rank is {rank}, the server was started with --max-lora-rank {settings.max_lora_rank}",
            hint=f"Start it with --max-lora-rank {rank} or more, and say so in the settings (max_lora_rank).",
        )
    odd = [name for name in ("use_dora", "modules_to_save", "trainable_token_indices") if config.get(name)]
    odd += ["bias"] if config.get("bias", "none") != "none" else []
    if odd:
        raise DamagedAdapterError(
            f"{folder}: vLLM cannot serve an adapter with {', '.join(odd)}", hint="Serve it merged."
        )
