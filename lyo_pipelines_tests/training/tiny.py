"""Tiny random models, tokenizers and dataset versions, made on the spot: real loading code, no hub."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}"
    "{% else %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
)
TEMPLATES = {"llama": CHATML, "gemma2": GEMMA, "mistral": MISTRAL, "gpt2": None, "t5": None}
SPECIAL = [
    "<pad>",
    "<s>",
    "</s>",
    "<unk>",
    "<|im_start|>",
    "<|im_end|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[INST]",
    "[/INST]",
]
WORDS = [
    "add",
    "subtract",
    "the",
    "number",
    "is",
    "four",
    "five",
    "six",
    "seven",
    "apples",
    "answer",
    "step",
    "so",
    "result",
    "we",
    "get",
]


def conversation(rng: random.Random, system: bool = True, turns: int = 1) -> list[dict[str, str]]:
    """A conversation that ends with an answer."""
    messages = [{"role": "system", "content": "you are a tutor"}] if system else []
    for _ in range(turns):
        messages.append({"role": "user", "content": " ".join(rng.choices(WORDS, k=rng.randint(3, 9)))})
        messages.append(
            {"role": "assistant", "content": "answer " + " ".join(rng.choices(WORDS, k=rng.randint(4, 24)))}
        )
    return messages


def make_tokenizer(family: str):
    """A byte-level BPE tokenizer with the family's special tokens and chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    eos = {"llama": "<|im_end|>", "gemma2": "<end_of_turn>"}.get(family, "</s>")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token=eos,
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=SPECIAL[4:],
    )
    tokenizer.chat_template = TEMPLATES[family]
    return tokenizer


def make_model(folder: Path, family: str = "llama", hidden: int = 32, tokenizer: Any = None) -> Path:
    """Save a tiny random model of a family with its tokenizer; returns its folder."""
    import torch
    import transformers

    tokenizer = tokenizer or make_tokenizer(family)
    size = len(tokenizer)
    torch.manual_seed(0)
    decoder = {
        "vocab_size": size, "hidden_size": hidden, "intermediate_size": hidden * 2, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": hidden // 4, "max_position_embeddings": 512,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    config = {
        "llama": lambda: transformers.LlamaConfig(**decoder, tie_word_embeddings=True),
        "mistral": lambda: transformers.MistralConfig(**decoder, sliding_window=16),
        "gemma2": lambda: transformers.Gemma2Config(**decoder, sliding_window=16, query_pre_attn_scalar=8),
        "gpt2": lambda: transformers.GPT2Config(
            vocab_size=size, n_embd=hidden, n_layer=2, n_head=4, n_positions=512, bos_token_id=1, eos_token_id=tokenizer.eos_token_id,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ),
        "t5": lambda: transformers.T5Config(
            vocab_size=size, d_model=hidden, d_kv=hidden // 4, d_ff=64, num_layers=2, num_heads=4, dropout_rate=0.0, pad_token_id=0,
            eos_token_id=tokenizer.eos_token_id, decoder_start_token_id=0, feed_forward_proj="gated-gelu",
        ),
    }[family]()  # fmt: skip
    kind = transformers.AutoModelForSeq2SeqLM if family == "t5" else transformers.AutoModelForCausalLM
    model = kind.from_config(config)
    with torch.no_grad():  # the default initialisation is so small that every word is equally likely
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_dataset(
    folder: Path,
    train: int = 40,
    validation: int = 10,
    seed: int = 0,
    turns: int = 1,
    *,
    test: int = 0,
    plain: bool = False,
) -> Path:
    """A dataset version with the split files that training reads, and a test split that it must not open.

    test: rows of a readable test split, for evaluation. plain: texts without a question instead of conversations.
    """
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("validation", validation), *([("test", test)] if test else [])):
        rows = [
            {
                "example_id": f"{name}{i}",
                "group_id": f"{name}{i}",
                "language": "en",
                "messages": conversation(rng, turns=turns)[-1 if plain else 0 :],
                "weight": rng.choice([0.5, 1.0]),
            }
            for i in range(count)
        ]
        schema = pa.schema(
            [
                ("example_id", pa.string()),
                ("group_id", pa.string()),
                ("language", pa.string()),
                ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
                ("weight", pa.float32()),
            ]
        )
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{name}.parquet")
    if not test:
        (folder / "test.parquet").write_bytes(b"training must never open this file")
    (folder / "manifest.json").write_text(json.dumps({"segment": "tutoring.en.math", "fingerprint": f"feed{seed:04d}"}))
    return folder
