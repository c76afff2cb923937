"""Synthetic test splits, a tiny random Llama and adapters on it, made on the spot (no hub, no shared data)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.config.loading import load_config

CURATION = load_config().curation

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
OWN_METRIC = """
import datasets
import evaluate


class Shouting(evaluate.Metric):
    direction = "lower"
    unit = "share of capitals"

    def _info(self):
        features = datasets.Features({"predictions": datasets.Value("string")})
        return evaluate.MetricInfo(description="How loud it is.", citation="", inputs_description="", features=features)

    def _compute(self, predictions):
        return {"values": [RESULT for text in predictions]}
"""

FIFTEEN_LINES = '''"""How often an answer shouts."""

from lyo_pipelines.evaluation.metrics.item_metric import ItemMetric


class Shouts(ItemMetric):
    direction = "lower"
    unit = "marks"
    sentence = "Exclamation marks of an English answer."
    source = "a team's own"

    def value(self, prediction, language):
        if language != "en":
            return None
        return float(prediction.count("!"))
'''

SYSTEM = {
    "en": "You are a patient maths tutor. Explain in steps and end with the answer.",
    "hi": "आप गणित की शिक्षिका हैं। चरणों में समझाइए और अंत में उत्तर लिखिए।",
    "ta": "நீங்கள் கணித ஆசிரியர். படிப்படியாக விளக்கி இறுதியில் விடை எழுதுங்கள்.",
}


def rows(
    n: int = 24, *, per_group: int = 2, seed: int = 0, languages: tuple[str, ...] = ("en",)
) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        a, b, c = (int(x) for x in rng.integers(2, 60, 3))
        language = languages[i % len(languages)]
        question, answer = {
            "en": (
                f"A shop sells {a} pens a day for {b} days and gives {c} away. How many pens is that?",
                f"First multiply: {a} x {b} = {a * b}.\nThen add what was given away: {a * b} + {c} = {a * b + c}.\n"
                f"Answer: {a * b + c}",
            ),
            "hi": (
                f"एक दुकान {b} दिन तक रोज़ {a} कलम बेचती है और {c} मुफ़्त देती है। कुल कितनी कलम?",
                f"पहले गुणा करें: {a} x {b} = {a * b}.\nफिर जोड़ें: {a * b} + {c} = {a * b + c}.\nउत्तर: {a * b + c}",
            ),
            "ta": (
                f"ஒரு கடை {b} நாட்கள் தினமும் {a} பேனா விற்கிறது, {c} இலவசம். மொத்தம் எத்தனை?",
                f"முதலில் பெருக்கு: {a} x {b} = {a * b}.\nபிறகு கூட்டு: {a * b} + {c} = {a * b + c}.\nவிடை: {a * b + c}",
            ),
        }[language]
        messages = [
            {"role": "system", "content": SYSTEM[language]},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
        made.append(
            {
                "example_id": f"e{i:04d}", "group_id": f"g{i // per_group:04d}", "interaction_id": f"i{i:04d}",
                "language": language, "subject": "math", "topic": ("arithmetic", "word problems")[i % 2],
                "grade": str(6 + i % 3), "reasoning_mode": "standard", "question_id": None,
                "reference_answer": str(a * b + c) if i % 4 else None, "messages": messages, "weight": 1.0,
            }
        )  # fmt: skip
    return made


def classified(
    n: int = 24, *, answers: Sequence[str] | None = None, segment: str = "classification.en"
) -> list[dict[str, Any]]:
    """Rows of a structured task: a text to classify, and one JSON object as its answer."""
    rng = np.random.default_rng(3)
    made = []
    for i in range(n):
        kind = ("educational", "entertainment")[i % 3 == 0]
        value, engaging = (round(float(x), 2) for x in rng.random(2))
        answer = f'{{"content_type":"{kind}","educational_value":{value},"engagement_score":{engaging}}}'
        question = f"{('A lesson about fractions', 'A film about cats')[i % 3 == 0]}, part {i}"
        messages = [
            {"role": "system", "content": "Classify the text. Answer with one JSON object only."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answers[i] if answers else answer},
        ]
        made.append(
            {
                "example_id": f"c{i:04d}", "group_id": f"h{i:04d}", "interaction_id": f"j{i:04d}", "language": "en",
                "subject": ("math", "science")[i % 2], "topic": None, "grade": None, "reasoning_mode": None, "question_id": None,
                "segment": segment, "context": None, "reference_answer": None, "messages": messages, "weight": 1.0,
            }
        )  # fmt: skip
    return made


def documents(n: int = 12) -> list[dict[str, Any]]:
    """Rows of plain text: the assistant's message alone."""
    return [
        {
            "example_id": f"d{i:04d}", "group_id": f"k{i // 2:04d}", "interaction_id": f"doc{i // 2}#{i % 2}", "language": "en",
            "segment": "documents.en.stories", "context": None, "reference_answer": None,
            "messages": [{"role": "assistant", "content": f"Story {i}. Once there was a river, and {i + 2} boats lay on it."}],
            "weight": 1.0,
        }
        for i in range(n)
    ]  # fmt: skip


def dataset(folder: Path, examples: list[dict[str, Any]], *, segment: str = "tutoring.en.math") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    names = [name for name in examples[0] if name not in {"messages", "weight"}]
    columns = {name: pa.array([row[name] for row in examples], pa.string()) for name in names}
    columns["messages"] = pa.array([row["messages"] for row in examples], message)
    columns["weight"] = pa.array([row["weight"] for row in examples], pa.float32())
    for split in ("train", "validation", "test"):
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": segment, "fingerprint": folder.name}))
    return folder


def tiny_base(folder: Path, family: str = "llama") -> Path:
    """A two-layer model with random weights and a byte-level tokenizer that writes any script."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"]
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(marks)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")
    fast.chat_template = TEMPLATE
    torch.manual_seed(1)
    sizes = {
        "vocab_size": len(fast), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "initializer_range": 0.3,
        "eos_token_id": fast.eos_token_id, "pad_token_id": fast.pad_token_id,
    }  # fmt: skip
    more = {"intermediate_size": 64, "num_key_value_heads": 2, "max_position_embeddings": 2048}
    config = {
        "llama": lambda: transformers.LlamaConfig(**sizes, **more),
        "gemma2": lambda: transformers.Gemma2Config(**sizes, **more, head_dim=8, sliding_window=64),
        "gpt2": lambda: transformers.GPT2Config(**sizes, n_positions=2048),
    }[family]()
    model = transformers.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def adapter(
    folder: Path, base: Path | str, source: Path, *, seed: int = 2, scale: float = 0.05,
    modules: Sequence[str] = ("q_proj", "v_proj", "up_proj"),
) -> Path:  # fmt: skip
    """A LoRA adapter whose B is random, so that it changes the model; `base` is the name in its manifest."""
    import peft
    import torch
    import transformers

    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=list(modules), task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=scale)
    adapted.save_pretrained(folder)
    manifest = {
        "version": folder.name, "segment": "tutoring.en.math", "base_model": {"name": str(base), "sha256": None},
        "recipe": {"name": "tiny"}, "dataset_fingerprint": "d0", "metrics": {},
    }  # fmt: skip
    (folder / "adapter_manifest.json").write_text(json.dumps(manifest))
    return folder


def short_metric(folder: Path, source: str = FIFTEEN_LINES, name: str = "shouts") -> Path:
    """A team's own metric on the shared base, below the folder of their metrics."""
    path = folder / name / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def own_metric(folder: Path, result: str, name: str = "shouting") -> Path:
    path = folder / name / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN_METRIC.replace("RESULT", result))
    return path
