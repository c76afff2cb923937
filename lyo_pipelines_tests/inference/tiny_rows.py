"""Tiny random models with two adapters, and what transformers writes with them alone."""

from __future__ import annotations

import peft  # noqa: TID253  (these tests run models)
import torch  # noqa: TID253  (these tests run models)
import transformers  # noqa: TID253

SHAPE = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "initializer_range": 0.3,
}  # fmt: skip
FAMILIES = {
    "llama": lambda: transformers.LlamaConfig(**SHAPE, tie_word_embeddings=True),
    "llama_with_biases": lambda: transformers.LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True),
    "llama3_positions": lambda: transformers.LlamaConfig(
        **SHAPE,
        rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    ),
    "mistral": lambda: transformers.MistralConfig(**SHAPE, sliding_window=None),
    "qwen2": lambda: transformers.Qwen2Config(**SHAPE),
    "qwen3": lambda: transformers.Qwen3Config(**SHAPE, head_dim=16),
}  # fmt: skip
STOPS = [2, 11, 12, 13]


def build(family: str) -> torch.nn.Module:
    torch.manual_seed(5)
    model = transformers.AutoModelForCausalLM.from_config(FAMILIES[family]()).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    for adapter, targets in (("first", ["q_proj", "v_proj", "down_proj"]), ("second", "all-linear")):
        config = peft.LoraConfig(r=4, lora_alpha=24, target_modules=targets, init_lora_weights=False)
        model = (
            peft.get_peft_model(model, config, adapter_name=adapter)
            if adapter == "first"
            else (model.add_adapter(adapter, config) or model)
        )
    return model.eval()


def by_transformers(model, adapter: str | None, prompt: tuple[int, ...], limit: int) -> tuple[list[int], bool]:
    """One prompt alone, with transformers' cache and peft's forward."""

    def ask() -> list[int]:
        ids = torch.tensor([prompt])
        settings = transformers.GenerationConfig(
            do_sample=False, max_new_tokens=limit, eos_token_id=STOPS, pad_token_id=0
        )
        return model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=settings)[
            0, len(prompt) :
        ].tolist()

    if adapter is None:
        with model.disable_adapter(), torch.inference_mode():
            written = ask()
    else:
        model.set_adapter(adapter)
        with torch.inference_mode():
            written = ask()
    return (written[:-1], True) if written[-1] in STOPS else (written, False)
