"""Base model and tokenizer, from a registered name, a commit of a hub model or a local folder, in the dtype that the recipe wants."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import torch
import transformers

from lyo_pipelines.contracts.adapter import BaseModelRecord
from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.base_models import MissingBaseModelError, find_base_model, missing_message
from lyo_pipelines.training.engine.attention import register_attention
from lyo_pipelines.training.engine.embedded import LABEL_FILE, embedded_model
from lyo_pipelines.training.engine.templates import PLAIN, TEMPLATES
from lyo_pipelines.training.hub import hub_folder, pinned_name
from lyo_pipelines.training.memory import KEEPS_SCORES
from lyo_pipelines.training.preflight import base_folder

transformers.utils.logging.disable_progress_bar()


class SeeingBaseError(LyoError):
    """A base sees pictures, and whoever asks for it would show it none."""


def resolve(name: str, models_dir: Path, say: Callable[[str], None] = lambda _: None) -> str:
    """Turn a recipe's `base_model` into the folder that from_pretrained takes: a local one, else one commit of the hub's."""
    known = find_base_model(name)
    if known is not None and known.embedded:
        return str(embedded_model(models_dir, say))
    folder = base_folder(name, models_dir)
    if folder is not None:
        return str(folder)
    if known is None and "/" not in name:
        raise MissingBaseModelError(missing_message(name, "no such name"))
    return str(hub_folder(name))


def load_tokenizer(source: str) -> Any:
    """Load the tokenizer, give it a padding token and, where it has none, its family's chat template.

    That begins as the tokenizer begins a text of its own: with the beginning mark where the base was pretrained with one.
    """
    tokenizer = _load(source, lambda: transformers.AutoTokenizer.from_pretrained(source))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if not tokenizer.chat_template:
        config = _load(source, lambda: transformers.AutoConfig.from_pretrained(source))
        begins = tokenizer.bos_token is not None and tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]
        tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + TEMPLATES.get(config.model_type, PLAIN)
    return tokenizer


def positions(source: str) -> int | None:
    """How many tokens a row of this base model may have; None where its positions know no end (T5's distances)."""
    config = _load(source, lambda: transformers.AutoConfig.from_pretrained(source))
    return getattr(config.get_text_config(), "max_position_embeddings", None)


def load_model(
    source: str,
    *,
    dtype: torch.dtype,
    attention: str = "auto",
    short_rows: bool = False,
    four_bit_on: str | None = None,
    seeing: bool = False,
) -> Any:
    """Load the base model in `dtype` on the CPU. Encoder-decoder or causal is read from its configuration.

    attention "auto" is the model's own choice, or our kernel for short rows where the caller trains such rows on a CPU. four_bit_on: a
    device; the linear layers are held there in 4 bits (NF4, the scales quantised too) and multiplied in `dtype`. seeing: with its
    eyes; one that has some is never loaded without. We load the model ourselves because TRL loads one given as a string in float32.
    """
    config = _load(source, lambda: transformers.AutoConfig.from_pretrained(source))
    kind = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    if seeing:
        kind = transformers.AutoModelForImageTextToText
    elif hasattr(config, "vision_config"):
        raise SeeingBaseError(
            f"{source} sees pictures: it is trained with images: learn, and nothing here evaluates, exports or serves it.",
            hint="docs/images.md says what does. For text take a base that reads text alone.",
        )
    if attention == "auto" and short_rows and config.model_type in KEEPS_SCORES:
        attention = register_attention()
    # arguments of transformers
    extra: dict[str, Any] = {} if attention == "auto" else {"attn_implementation": attention}
    if four_bit_on is not None:
        extra["quantization_config"] = four_bits(dtype)
        extra["device_map"] = {"": 0 if four_bit_on == "cuda" else four_bit_on}  # accelerate compares the GPU's number
    model = _load(source, lambda: kind.from_pretrained(source, dtype=dtype, **extra))
    if four_bit_on == "cpu":
        # a validation would pack the weights into another order for good, and a run that resumes before it computes in the first one
        for module in model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                module.support_avx512bf16_for_cpu = False
    model.config.use_cache = False
    return model


def four_bits(dtype: torch.dtype) -> transformers.BitsAndBytesConfig:
    """QLoRA's number format (Dettmers et al. 2023, https://arxiv.org/abs/2305.14314)."""
    # on a CPU its fast kernel comes from a hub; what is there without one is said once per layer otherwise
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def describe(name: str, source: str) -> BaseModelRecord:
    """Name, label, licence and hash of a base model, for the adapter's manifest."""
    known = find_base_model(name)
    folder = Path(source)
    label = orjson.loads((folder / LABEL_FILE).read_bytes()) if (folder / LABEL_FILE).is_file() else {}
    return BaseModelRecord(
        name=pinned_name(name, folder),
        hub_id=known.hub_id if known else None,
        licence=known.licence if known else label.get("licence"),
        label=label.get("label"),
        sha256=label.get("source_sha256") or _weights_hash(folder),
    )


def _weights_hash(folder: Path) -> str | None:
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()


def _load(source: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (OSError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MissingBaseModelError(missing_message(source, first_line[:200])) from error
