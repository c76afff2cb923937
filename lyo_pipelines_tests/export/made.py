"""Adapters of tiny models as training leaves them, and their datasets, for what exports and serves them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lyo_pipelines.training.plan import TrainingResult, read_adapter
from lyo_pipelines_tests.evaluation import sample_reports

SEGMENT = "tutoring.en.math"


def lora_adapter(folder: Path, base: Path, *, seed: int = 1, scale: float = 0.5) -> TrainingResult:
    """A finished adapter that says something else than its base."""
    import torch
    import transformers

    from lyo_pipelines.training.engine.lora import add_lora
    from lyo_pipelines.training.recipes import Lora

    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = add_lora(model, Lora(r=4, alpha=8, dropout=0), seed)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, 0, scale)
    adapted.save_pretrained(folder)
    names = ("adapter_model.safetensors", "adapter_config.json")
    manifest = {
        "manifest_version": 1,
        "segment": SEGMENT,
        "version": folder.name,
        "dataset_fingerprint": "feed0001",
        "base_model": {"name": str(base), "licence": "Apache-2.0"},
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    return read_adapter(folder)


def dataset(folder: Path) -> Path:
    """A dataset version in three languages."""
    return sample_reports.dataset(folder, sample_reports.rows(6, languages=("en", "hi", "ta")))
