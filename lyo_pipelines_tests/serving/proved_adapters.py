"""Adapters on a tiny base with probes as training writes them, and the choices by which an engine is asked for them."""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.serving.contract import ChatMessage, ChatRequest
from lyo_pipelines.serving.models import ModelChoice
from lyo_pipelines.training.engine.chat import tokenize
from lyo_pipelines_tests.evaluation import sample_reports

QUESTIONS = (
    "What is 7 times 8?",
    "Add four and five, then add four and five again.",
    "ab ab ab ab ab",
    "एक दर्जन में कितने?",
)


def base_choice(base: Path) -> ModelChoice:
    return ModelChoice("tiny", ModelSpec("base", str(base), None, "tiny", "tiny"), "tiny")


def adapter_choice(base: Path, folder: Path) -> ModelChoice:
    role = f"served_{folder.name}"
    return ModelChoice(folder.name, ModelSpec(role, str(base), folder, folder.name, folder.name), folder.name)


def proved_adapter(
    folder: Path, base: Path, *, seed: int, scale: float = 0.5, modules=("q_proj", "v_proj", "up_proj")
) -> Path:
    """An adapter in a folder, with its probes."""
    import peft
    import torch

    from lyo_pipelines.training.engine import base as loading
    from lyo_pipelines.training.engine.probing import write_probes

    sample_reports.adapter(folder, base, base, seed=seed, scale=scale, modules=modules)
    tokenizer = loading.load_tokenizer(str(base))
    turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": f"It is {q} then."}] for q in QUESTIONS]
    model = peft.PeftModel.from_pretrained(loading.load_model(str(base), dtype=torch.float32), str(folder)).eval()
    assert write_probes(folder, model, tokenizer, tokenize(turns, tokenizer, 256), "float32") == ["probes.json"]
    return folder


def asked(question: str, **more) -> ChatRequest:
    """A question that some of the others begin like."""
    turns = (ChatMessage(role="system", content="You are a patient tutor."), ChatMessage(role="user", content=question))
    return ChatRequest(model="any", messages=turns, **({"max_tokens": 24} | more))
