"""The chat templates and tokenizers' habits of the real base models, written down here so that no hub is needed.

Each tokenizer is small but made like the real one: byte-level BPE (GPT-2, SmolLM2) or SentencePiece's way of writing a space
before a text (Llama-2, Mistral, T5), with the real marks as special tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lyo_pipelines_tests.training.tiny import WORDS, make_model

_ALTERNATE = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
GEMMA_2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}" + _ALTERNATE + "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
MISTRAL_V3 = (
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}"
    "{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}"
    "{{- bos_token }}{%- for message in loop_messages %}" + _ALTERNATE + "{%- if message['role'] == 'user' %}"
    "{%- if loop.last and system_message is defined %}"
    "{{- '[INST] ' + system_message + '\n\n' + message['content'] + '[/INST]' }}{%- else %}"
    "{{- '[INST] ' + message['content'] + '[/INST]' }}{%- endif %}"
    "{%- elif message['role'] == 'assistant' %}{{- ' ' + message['content']|trim + eos_token}}{%- endif %}{%- endfor %}"
)
LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}" + _ALTERNATE +
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)  # fmt: skip
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Real:
    """One base model's conversation: `family` of the tiny model that carries it, `asked` and `learnt` for `CONVERSATION`."""

    family: str
    template: str | None
    kind: Literal["bytes", "sentencepiece", "llama"]
    special: dict[str, str]
    marks: tuple[str, ...]
    asked: str
    learnt: str
    adds_bos: bool = False
    adds_eos: bool = False


CONVERSATION = [
    {"role": "system", "content": "you are a tutor"},
    {"role": "user", "content": "four apples"},
    {"role": "assistant", "content": "the number four"},
    {"role": "user", "content": "five apples"},
    {"role": "assistant", "content": "the result is five"},
]
REAL = {
    "google/gemma-2-2b-it": Real(
        "gemma2", GEMMA_2, "bytes", {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"},
        ("<start_of_turn>", "<end_of_turn>"),
        "<bos><start_of_turn>user\nyou are a tutor\n\nfour apples<end_of_turn>\n<start_of_turn>model\nthe number four<end_of_turn>\n"
        "<start_of_turn>user\nfive apples<end_of_turn>\n<start_of_turn>model\n",
        "the result is five<end_of_turn>", adds_bos=True,
    ),
    "mistralai/Mistral-7B-Instruct-v0.3": Real(
        "mistral", MISTRAL_V3, "sentencepiece", {"bos_token": "<s>", "eos_token": "</s>"}, ("[INST]", "[/INST]"),
        "<s>[INST] four apples[/INST] the number four</s>[INST] you are a tutor\n\nfive apples[/INST]",
        " the result is five</s>", adds_bos=True,
    ),
    "meta-llama/Llama-2-7b-chat-hf": Real(
        "llama", LLAMA_2, "llama", {"bos_token": "<s>", "eos_token": "</s>"}, (),
        "<s>[INST] <<SYS>>\nyou are a tutor\n<</SYS>>\n\nfour apples [/INST] the number four </s>"
        "<s>[INST] five apples [/INST]",
        " the result is five </s>", adds_bos=True,
    ),
    "microsoft/DialoGPT-medium": Real(
        "gpt2", None, "bytes", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}, (),
        "you are a tutor\n\nfour apples<|endoftext|>the number four<|endoftext|>five apples<|endoftext|>",
        "the result is five<|endoftext|>",
    ),
    "google/flan-t5-base": Real(
        "t5", None, "sentencepiece", {"eos_token": "</s>", "pad_token": "<pad>"}, (),
        "you are a tutor\nuser: four apples\nassistant: the number four\nuser: five apples</s>",
        "the result is five</s>", adds_eos=True,
    ),
    "HuggingFaceTB/SmolLM2-135M-Instruct": Real(
        "llama", SMOLLM2, "bytes", {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}, (),
        "<|im_start|>system\nyou are a tutor<|im_end|>\n<|im_start|>user\nfour apples<|im_end|>\n<|im_start|>assistant\n"
        "the number four<|im_end|>\n<|im_start|>user\nfive apples<|im_end|>\n<|im_start|>assistant\n",
        "the result is five<|im_end|>",
    ),
}  # fmt: skip


def real_tokenizer(real: Real) -> Any:
    """A small tokenizer with the real one's habits."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = list(dict.fromkeys(["<pad>", "<unk>", *real.special.values(), *real.marks]))
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    if real.kind == "bytes":
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        if real.kind == "llama":  # a space before every piece of text, even where there is one already
            spaces = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
            inner.normalizer = normalizers.Sequence(spaces)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        inner.decoder = decoders.Metaspace(prepend_scheme="never")
        alphabet = sorted({*map(chr, range(33, 127)), "\n", "▁"})
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator([" ".join(WORDS) + " you are a tutor user model assistant"] * 3, trainer)
    around = ("<bos>:0 " if "<bos>" in special else "<s>:0 ") if real.adds_bos else ""
    if real.adds_bos or real.adds_eos:
        text = f"{around}$A:0{' </s>:0' if real.adds_eos else ''}"
        marks = [token for token in special if token in text]
        inner.post_processor = processors.TemplateProcessing(
            single=text, special_tokens=[(token, inner.token_to_id(token)) for token in marks]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", additional_special_tokens=list(real.marks), **real.special
    )
    tokenizer.chat_template = real.template
    return tokenizer


def real_model(folder: Path, name: str) -> Path:
    """A tiny random model of the real one's architecture with its conversation; returns its folder."""
    return make_model(folder, REAL[name].family, hidden=64, tokenizer=real_tokenizer(REAL[name]))
