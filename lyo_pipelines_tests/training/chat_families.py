"""Tiny random models of many architectures, each with a template in its family's manner and confusing end marks.

The end of a turn is often another token than the tokenizer's end mark, and a generation_config may name neither or ask for sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyo_pipelines_tests.training.tiny import WORDS

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
QWEN3 = (
    "{% for m in messages %}{% if m['role'] == 'assistant' and loop.last %}"
    "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' + m['content'] + '<|im_end|>\n' }}"
    "{% else %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
ALWAYS_THINKS = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "{{ '<|bot|>' + m['content'].split('</think>')[-1] + eos_token }}"
    "{% else %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|bot|><think>\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set told = messages[0]['content'] %}{% set rest = messages[1:] %}"
    "{% else %}{% set told = '' %}{% set rest = messages %}{% endif %}"
    "{% set day = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + day + '\n\n' + told + '<|eot_id|>' }}"
    "{% for m in rest %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{{ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}"
    "{% else %}{{ '[INST] ' + m['content'] + '[/INST]' }}{% endif %}{% endfor %}"
)
PHI3 = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
WITHOUT_MARKS = (
    "{% for m in messages %}{{ '### ' + m['role'] + ':\n' + m['content'] + '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### assistant:\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """One kind of base model. end: the mark that its template teaches; eos: the tokenizer's own; adds_bos: to a text of its own."""

    model_type: str
    template: str | None
    eos: str
    end: str
    marks: tuple[str, ...] = ()
    adds_bos: bool = False


FAMILIES = {
    "llama-chatml": Family("llama", CHATML, "</s>", "<|im_end|>", ("<|im_start|>", "<|im_end|>"), adds_bos=True),
    "llama3-dated": Family(
        "llama", LLAMA3, "</s>", "<|eot_id|>", ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), adds_bos=True
    ),
    "llama-base": Family("llama", None, "</s>", "</s>", adds_bos=True),
    "gemma2": Family("gemma2", GEMMA, "</s>", "<end_of_turn>", ("<start_of_turn>", "<end_of_turn>"), adds_bos=True),
    "gemma3": Family("gemma3_text", GEMMA, "</s>", "<end_of_turn>", ("<start_of_turn>", "<end_of_turn>"), adds_bos=True),
    "qwen2": Family("qwen2", CHATML, "</s>", "<|im_end|>", ("<|im_start|>", "<|im_end|>")),
    "qwen3": Family("qwen3", QWEN3, "<|im_end|>", "<|im_end|>", ("<|im_start|>", "<|im_end|>")),
    "thinker": Family("qwen2", ALWAYS_THINKS, "</s>", "</s>", ("<|bot|>", "<|user|>"), adds_bos=True),
    "mistral": Family("mistral", MISTRAL, "</s>", "</s>", ("[INST]", "[/INST]"), adds_bos=True),
    "phi3": Family("phi3", PHI3, "</s>", "<|end|>", ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")),
    "gpt2": Family("gpt2", None, "</s>", "</s>"),
    "opt": Family("opt", None, "</s>", "</s>", adds_bos=True),
    "neox-plain": Family("gpt_neox", WITHOUT_MARKS, "</s>", "</s>"),
    "t5": Family("t5", None, "</s>", "</s>"),
}  # fmt: skip


def family_tokenizer(family: Family) -> Any:
    """A byte-level BPE tokenizer with the family's marks and template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<s>", "</s>", "<unk>", *family.marks]
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator([" ".join(WORDS) + " system user assistant model"] * 3, trainer)
    if family.adds_bos:
        inner.post_processor = processors.TemplateProcessing(
            single="<s>:0 $A:0", special_tokens=[("<s>", inner.token_to_id("<s>"))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token=family.eos, pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=list(family.marks),
    )  # fmt: skip
    tokenizer.chat_template = family.template
    return tokenizer


def family_model(folder: Path, name: str, *, positions: int = 256) -> Path:
    """Save a tiny random model of a family with its tokenizer; returns its folder."""
    import torch
    import transformers

    family, hidden = FAMILIES[name], 64
    tokenizer = family_tokenizer(family)
    size = len(tokenizer)
    torch.manual_seed(0)
    plain = {
        "vocab_size": size, "hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": positions, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    grouped = {**plain, "num_key_value_heads": 2, "head_dim": hidden // 4}
    config = {
        "llama": lambda: transformers.LlamaConfig(**grouped, tie_word_embeddings=True),
        "gemma2": lambda: transformers.Gemma2Config(**grouped, sliding_window=16, query_pre_attn_scalar=16),
        "gemma3_text": lambda: transformers.Gemma3TextConfig(**grouped, sliding_window=16, query_pre_attn_scalar=16),
        "qwen2": lambda: transformers.Qwen2Config(**grouped),
        "qwen3": lambda: transformers.Qwen3Config(**grouped),
        "mistral": lambda: transformers.MistralConfig(**grouped, sliding_window=16),
        "phi3": lambda: transformers.Phi3Config(**plain, num_key_value_heads=2),
        "gpt2": lambda: transformers.GPT2Config(
            vocab_size=size, n_embd=hidden, n_layer=2, n_head=4, n_positions=positions, bos_token_id=1, eos_token_id=2,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ),
        "opt": lambda: transformers.OPTConfig(
            vocab_size=size, hidden_size=hidden, ffn_dim=2 * hidden, num_hidden_layers=2, num_attention_heads=4, dropout=0.0,
            max_position_embeddings=positions, word_embed_proj_dim=hidden, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        ),
        "gpt_neox": lambda: transformers.GPTNeoXConfig(**plain, hidden_dropout=0.0, attention_dropout=0.0),
        "t5": lambda: transformers.T5Config(
            vocab_size=size, d_model=hidden, d_kv=16, d_ff=64, num_layers=2, num_heads=4, dropout_rate=0.0, pad_token_id=0,
            eos_token_id=2, decoder_start_token_id=0, feed_forward_proj="gated-gelu",
        ),
    }[family.model_type]()  # fmt: skip
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model = kind.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
