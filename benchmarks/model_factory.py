"""Random models of real shapes and rows of a given length, made on the spot: what the training benchmarks run on without a hub."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

WORDS = 2000
TEMPLATE = (
    "{% for m in messages %}{{ '<turn> ' + m['role'] + ' ' + m['content'] + ' <end> ' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<turn> assistant ' }}{% endif %}"
)
GEMMA_2_2B = {
    "vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
    "num_key_value_heads": 4, "head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 4096,
    "max_position_embeddings": 8192,
}  # fmt: skip
MISTRAL_7B = {
    "vocab_size": 32768, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "sliding_window": None, "max_position_embeddings": 32768, "tie_word_embeddings": False,
}  # fmt: skip


def make_tokenizer() -> Any:
    """One token for each of 2,000 words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    marks = ["<pad>", "<unk>", "<turn>", "<end>", "system", "user", "assistant"]
    vocabulary = {word: index for index, word in enumerate([*marks, *(f"w{n}" for n in range(WORDS))])}
    inner = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>", unk_token="<unk>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(folder: Path, family: str, values: dict[str, Any], dtype: str = "bfloat16", device: str = "cpu") -> Path:
    """Save a model with random weights; `family` is a model_type of transformers, `values` its configuration."""
    import torch
    import transformers

    tokenizer = make_tokenizer()
    config = transformers.AutoConfig.for_model(family, **values, pad_token_id=0, eos_token_id=3, bos_token_id=2)
    config.dtype = getattr(torch, dtype)
    if family == "t5":
        config.decoder_start_token_id = 0
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    with torch.device(device):
        model = kind.from_config(config, dtype=getattr(torch, dtype))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_rows(
    folder: Path,
    count: int,
    length: int,
    *,
    spread: float = 0.0,
    answer: float = 0.5,
    validation: int = 2,
    seed: int = 7,
) -> Path:
    """A dataset version of single questions and answers, each row of `length` tokens, or between (1 - spread) and all of it.

    answer: the share of a row that is in the loss.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(seed)
    folder.mkdir(parents=True)
    for split, rows in (("train", count), ("validation", validation)):
        made = [{"example_id": f"{split}{i}", "messages": _messages(rng, length, spread, answer)} for i in range(rows)]
        pq.write_table(pa.Table.from_pylist(made), folder / f"{split}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": "tutoring.en.made", "fingerprint": folder.name}))
    return folder


def _messages(rng: random.Random, length: int, spread: float, answer: float) -> list[dict[str, str]]:
    tokens = rng.randint(round(length * (1 - spread)), length) - 6  # <turn> user … <end> <turn> assistant … <end>
    in_answer = max(1, round(tokens * answer))
    words = [f"w{rng.randrange(WORDS)}" for _ in range(tokens)]
    return [
        {"role": "user", "content": " ".join(words[in_answer:])},
        {"role": "assistant", "content": " ".join(words[:in_answer])},
    ]
