"""Adapters of tiny models as training leaves them, and their datasets, for what exports and serves them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.planning.assemble import adapter_spec
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.plan import TrainingResult, read_adapter
from lyo_pipelines.training.probes import PROBES, TOP, NextToken, Probe, ProbeSet
from lyo_pipelines_tests.evaluation import sample_reports

SEGMENT = "tutoring.en.math"


def lora_adapter(folder: Path, base: Path, *, seed: int = 1, scale: float = 0.5) -> TrainingResult:
    """A finished adapter that says something else than its base."""
    import torch

    from lyo_pipelines.training.engine.lora import add_lora
    from lyo_pipelines.training.recipes import Lora

    adapted = add_lora(_loaded(base), Lora(r=4, alpha=8, dropout=0), seed)
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


def choice(adapter: TrainingResult) -> ModelChoice:
    """What the door asks an engine for this adapter."""
    name = f"{adapter.segment}@{adapter.version}"
    return ModelChoice(name, adapter_spec("candidate", adapter.path), adapter.version, segment=adapter.segment)


def base_choice(base: Path) -> ModelChoice:
    """The same for the base alone."""
    return ModelChoice(base.name, ModelSpec("base", str(base), None, base.name, str(base)), base.name)


class InTorch:
    """A base and an adapter as transformers and peft answer."""

    def __init__(self, base: Path, adapter: Path) -> None:
        import peft

        from lyo_pipelines.training.engine.base import load_tokenizer

        self.tokenizer = load_tokenizer(str(base))
        self._model = peft.PeftModel.from_pretrained(_loaded(base), adapter).eval()

    def next_tokens(self, tokens: Sequence[int], *, adapted: bool) -> dict[int, float]:
        """Log-probabilities of all next tokens."""
        import torch

        with torch.inference_mode(), nullcontext() if adapted else self._model.disable_adapter():
            told = torch.log_softmax(self._model(torch.tensor([list(tokens)])).logits[0, -1].float(), -1)
        return dict(enumerate(told.tolist()))

    def answer(self, question: str, longest: int, *, adapted: bool) -> str:
        """The greedy answer."""
        import torch

        from lyo_pipelines.training.engine.decoding import generate_ids, read_answer, stop_ids
        from lyo_pipelines.training.engine.prompt_cut import prompt_ids

        ids = torch.tensor([prompt_ids([{"role": "user", "content": question}], self.tokenizer)])
        stops = stop_ids(self.tokenizer, self._model)
        with torch.inference_mode(), nullcontext() if adapted else self._model.disable_adapter():
            (tokens,) = generate_ids(
                self._model, self.tokenizer, ids, torch.ones_like(ids), stops=stops, longest=longest
            )
        return read_answer(self.tokenizer, [token for token in tokens if token not in stops])

    def write_probes(self, folder: Path, questions: Sequence[str]) -> None:
        """probes.json as training writes it."""
        from lyo_pipelines.training.engine.prompt_cut import prompt_ids

        probes = []
        for question in questions:
            tokens = prompt_ids([{"role": "user", "content": question}], self.tokenizer)
            with_it, without = (self.next_tokens(tokens, adapted=on) for on in (True, False))
            likely = {
                *sorted(with_it, key=lambda one: -with_it[one])[:TOP],
                *sorted(without, key=lambda one: -without[one])[:TOP],
            }
            told = tuple(
                NextToken(id=one, text=self.tokenizer.decode([one]), adapter=with_it[one], base=without[one])
                for one in likely
            )
            probes.append(Probe(tokens=tuple(tokens), next=told))
        (folder / PROBES).write_bytes(ProbeSet(quantisation="float32", probes=tuple(probes)).to_json().encode())


def _loaded(base: Path) -> Any:
    import torch
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
