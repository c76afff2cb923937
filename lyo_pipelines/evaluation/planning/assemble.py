"""Gathering what an evaluation is made of, and its fingerprint: the same inputs make the same report. Nothing here runs a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.contracts.dataset import MANIFEST, DataManifest
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.command import EVALUATION_VERSION
from lyo_pipelines.evaluation.inputs import items
from lyo_pipelines.evaluation.inputs.audits import read_audit
from lyo_pipelines.evaluation.inputs.context import gather_context
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs, ModelSpec, ParentFallback
from lyo_pipelines.evaluation.measures import catalogue, validity
from lyo_pipelines.evaluation.measures.language_quality import NAMES as INFORMED
from lyo_pipelines.evaluation.measures.satisfaction import NAME as PREDICTED
from lyo_pipelines.hosted.reaching import require_askable
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import read_adapter

_CONFIG_OF_OUTPUTS = {
    "max_new_tokens",
    "max_length",
    "generation_batch",
    "loss_batch",
    "attention",
    "latency_items",
    "latency_new_tokens",
}
"""What the models' answers depend on; other settings only change what is made of them."""
_FOUR_BITS = "nf4"


def gather_inputs(
    dataset_dir: Path,
    adapter_dir: Path,
    champion_dir: Path | None,
    config: EvaluationConfig,
    metrics_dir: Path | None = None,
    served: ParentFallback | None = None,
    *,
    curation: CurationConfig,
    lake: Lake | None = None,
    start_dir: Path | None = None,
    provider: HostedConfig | None = None,
) -> EvaluationInputs:
    """Read manifests and the test split and fingerprint them. Raises DocumentError, TestSplitError, AdapterError or MetricError, and
    HostedRefusedError where one of the models is a provider's that may not be asked (provider: how it may; None: it may not).

    champion_dir: of the adapter that serves now; start_dir: of the one that the candidate was tuned from, where that is another.
    lake: where ratings, other segments and word lists are looked for; curation: its configuration.
    """
    manifest = DataManifest.read(dataset_dir / MANIFEST)
    manifest.require_files(dataset_dir)
    everything = items.read_items(dataset_dir)
    chosen = items.choose_items(everything, config.max_items)
    tasks = validity.tasks_of(chosen, manifest.segment)
    candidate, base = adapter_spec("candidate", adapter_dir), _base_spec(adapter_dir)
    champion = adapter_spec("champion", champion_dir) if champion_dir is not None else None
    same = champion is not None and champion.identity == candidate.identity
    start = adapter_spec("start", start_dir) if start_dir is not None else None
    models = _distinct(base, candidate, champion, start)
    provider = _allowed(models, provider)
    files = catalogue.metric_files(_of_files(config.metrics), metrics_dir)
    if config.primary_metric not in files:
        raise catalogue.MetricError(
            f"primary_metric {config.primary_metric} is not among {', '.join(files)}: add it to `metrics`."
        )
    files = {
        name: path
        for name, path in files.items()
        if any(catalogue.applies_to_task(name, path, task, config.primary_metric) for task in tasks)
    }
    context = gather_context(lake, dataset_dir, manifest, config, curation)
    audit = read_audit(lake, manifest.segment, candidate.version) if lake is not None else None
    parts = [
        EVALUATION_VERSION,
        items.items_hash(chosen),
        [len(everything), manifest.fingerprint],
        [(spec.role, spec.version, spec.identity) for spec in models],
        champion.version if champion else None,
        config.model_dump(mode="json"),
        catalogue.sources_hash(files),
        validity.sources_hash(),
        context.fingerprint,
        *([[served.segment, served.reason]] if served else []),
        *([audit.model_dump(mode="json")] if audit else []),
        *([provider.answer_tokens] if provider else []),
    ]
    return EvaluationInputs(
        segment=manifest.segment,
        served=served,
        dataset_fingerprint=manifest.fingerprint,
        row_figures=manifest.row_figures,
        items=tuple(chosen),
        tasks=tasks,
        items_in_split=len(everything),
        groups_in_split=len({item.group_id for item in everything}),
        models=models,
        config=config,
        metric_files=files,
        same_as_champion=same,
        champion_version=champion.version if champion else "",
        data_version=_hash(parts),
        context=context,
        curation=curation,
        privacy=audit,
        provider=provider,
        reinforcement=read_adapter(adapter_dir).manifest.reinforcement,
    )


def _allowed(models: Sequence[ModelSpec], provider: HostedConfig | None) -> HostedConfig | None:
    """How the provider's models among these are asked, None without any. Raises HostedRefusedError."""
    hosted = [spec.hosted for spec in models if spec.hosted is not None]
    if not hosted:
        return None
    for model in hosted:
        provider = require_askable(model, provider, "evaluate")
    return provider


def _distinct(*specs: ModelSpec | None) -> tuple[ModelSpec, ...]:
    """The models in order, without one whose weights stand there already: no model is compared with itself."""
    found: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec is not None:
            found.setdefault(spec.identity, spec)
    return tuple(found.values())


def _of_files(names: tuple[str, ...] | None) -> list[str] | None:
    """The metrics that are files of their own."""
    return None if names is None else [name for name in names if name not in (*INFORMED, PREDICTED)]


def outputs_key(inputs: EvaluationInputs, spec: ModelSpec, *, device: str, dtype: str) -> str:
    """Name of the folder that keeps a model's answers: the same for every evaluation that asks it the same things.

    device and dtype are what was used in the end: a GPU's answers and times are not a CPU's.
    """
    config = inputs.config.model_dump(mode="json", include=_CONFIG_OF_OUTPUTS)
    schemas = sorted(inputs.schemas.items())
    return _hash(
        [EVALUATION_VERSION, spec.identity, items.items_hash(list(inputs.items)), device, dtype, config, schemas]
    )


class AdapterError(LyoError):
    """An adapter folder cannot be evaluated; the message says why and what to do."""


def adapter_spec(role: str, folder: Path) -> ModelSpec:
    """The adapter (or whole model) in a folder; its identity changes with its weights. Raises AdapterError or DocumentError."""
    manifest = read_adapter(folder).manifest
    whole = manifest.is_whole_model
    name, config = ("model", "config.json") if whole else ("adapter_model", "adapter_config.json")
    if manifest.is_hosted:
        return _hosted_spec(role, manifest.version, HostedModel.read(folder / HOSTED_FILE))
    weights = sorted(folder.glob(f"{name}*.safetensors"))
    if not weights:
        raise AdapterError(f"{folder} holds no {name}.safetensors: train the adapter again.")
    digest = hashlib.sha256()
    for path in [*weights, folder / config]:
        with path.open("rb") as handle:
            while block := handle.read(2**24):  # a whole model does not fit beside itself
                digest.update(block)
    base = manifest.base_model
    four_bit = manifest.base_in_4_bits
    identity = _hash([base.name, base.sha256, digest.hexdigest(), *([_FOUR_BITS] if four_bit else [])])
    if whole:
        return ModelSpec(role, str(folder), None, manifest.version, identity)
    return ModelSpec(role, base.name, folder, manifest.version, identity, four_bit)


def _hosted_spec(role: str, version: str, model: HostedModel) -> ModelSpec:
    return ModelSpec(role, model.model, None, version, _hash([model.base_url, model.model]), hosted=model)


def _base_spec(folder: Path) -> ModelSpec:
    """The base as the adapter in a folder runs on it: in 4 bits where it was trained so; that of a hosted model is at its provider."""
    manifest = read_adapter(folder).manifest
    if manifest.is_hosted:
        model = HostedModel(base_url=HostedModel.read(folder / HOSTED_FILE).base_url, model=manifest.base_model.name)
        return _hosted_spec("base", model.model, model)
    base, four_bit = manifest.base_model, manifest.base_in_4_bits
    identity = _hash([base.name, base.sha256, *([_FOUR_BITS] if four_bit else [])])
    return ModelSpec("base", base.name, None, base.name, identity, four_bit)


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8")).hexdigest()[:16]
