"""Writing a model, or an adapter alone, as a GGUF file: tensor by tensor, so that never more than one of them is in memory.

The quantisers are those of the `gguf` package; which tensors stay exact (norms, biases) is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

from lyo_pipelines.export.architectures import Architecture, Weights
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.source import SourceModel, Tensor, tensors_of
from lyo_pipelines.export.templates import self_contained_template
from lyo_pipelines.export.vocabulary import vocabulary_of, write_vocabulary

Quantise = Literal["none", "f32", "f16", "bf16", "q8_0", "q4_1"]
"""none: as the weights are held in their own file."""
_TYPES = {"f32": Type.F32, "f16": Type.F16, "bf16": Type.BF16, "q8_0": Type.Q8_0, "q4_1": Type.Q4_1}
_FILE_TYPES = {
    Type.F32: gguf.LlamaFileType.ALL_F32,
    Type.F16: gguf.LlamaFileType.MOSTLY_F16,
    Type.BF16: gguf.LlamaFileType.MOSTLY_BF16,
    Type.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    Type.Q4_1: gguf.LlamaFileType.MOSTLY_Q4_1,
}
_TABLES = ("token_embd.weight", "output.weight")
_BLOCK = 32
"""Weights that share one scale in Q8_0 and Q4_1."""


@dataclass(frozen=True)
class About:
    """What a file says of itself for people."""

    name: str
    licence: str | None = None
    description: str = ""


@dataclass(frozen=True)
class _Entry:
    """One tensor to write. make: its values, read only when it is its turn."""

    name: str
    shape: tuple[int, ...]
    type: Type
    make: Callable[[], Weights]


def write_model(
    source: SourceModel,
    target: Path,
    quantise: Quantise,
    about: About,
    say: Callable[[str], None] = lambda _: None,
    *,
    adds_bos: bool | None = None,
) -> None:
    """Write a whole model with its tokenizer and chat template. Raises CannotExportError for a tensor that has no place in GGUF.

    adds_bos: whether the reader puts a beginning mark before a text; None: where the tokenizer does.
    """
    architecture = source.architecture
    entries = [_entry(architecture, one, quantise) for one in source.tensors() if not _is_tied(architecture, one)]
    if architecture.rope_factors is not None:
        factors = architecture.rope_factors
        entries.append(_Entry("rope_freqs.weight", factors.shape, Type.F32, lambda: factors))
    writer = gguf.GGUFWriter(target, architecture.name)
    writer.add_type(gguf.GGUFType.MODEL)
    _describe(writer, about)
    for key, value in architecture.values.items():
        _add(writer, f"{architecture.name}.{key}", value)
    main = max((one.type for one in entries if one.name not in _TABLES and len(one.shape) > 1), default=Type.F32)
    writer.add_file_type(_FILE_TYPES[main])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    vocabulary = vocabulary_of(source.tokenizer, architecture.vocabulary)
    write_vocabulary(writer, vocabulary if adds_bos is None else replace(vocabulary, adds_bos=adds_bos))
    _write_stops(writer, source)
    writer.add_chat_template(self_contained_template(source.tokenizer))
    _write(writer, entries, say)


def write_adapter(
    folder: Path, architecture: Architecture, target: Path, about: About, say: Callable[[str], None] = lambda _: None
) -> None:
    """Write the LoRA adapter in a folder, in float32. architecture: of its base. Raises CannotExportError for more than plain LoRA."""
    config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    _require_plain(config)
    entries = [_lora_entry(architecture, one) for one in tensors_of(folder / "adapter_model.safetensors")]
    writer = gguf.GGUFWriter(target, architecture.name)
    writer.add_type(gguf.GGUFType.ADAPTER)
    _describe(writer, about)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    # llama.cpp scales by alpha / rank; rank-stabilised LoRA by alpha / sqrt(rank)
    scale = float(config["r"]) ** 0.5 if config.get("use_rslora") else 1.0
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]) * scale)
    _write(writer, entries, say)


def _entry(architecture: Architecture, tensor: Tensor, quantise: Quantise) -> _Entry:
    names = gguf.get_tensor_name_map(_arch(architecture), architecture.layers)
    name = names.get_name(tensor.module)
    if name is None or tensor.kind not in {"weight", "bias"}:
        raise CannotExportError(f"the model has a tensor {tensor.name} that llama.cpp's {architecture.name} does not")
    full = f"{name}.{tensor.kind}"
    return _Entry(
        full, tensor.shape, _type_of(full, tensor, quantise), lambda: architecture.arranged(tensor.module, tensor.read())
    )  # fmt: skip


def _lora_entry(architecture: Architecture, tensor: Tensor) -> _Entry:
    module, _, side = tensor.module.removeprefix("base_model.model.").rpartition(".")
    name = gguf.get_tensor_name_map(_arch(architecture), architecture.layers).get_name(module)
    if name is None or side not in {"lora_A", "lora_B"} or tensor.kind != "weight":
        raise CannotExportError(
            f"the adapter changes {tensor.name}, which llama.cpp's LoRA cannot", hint="Export the merged model instead."
        )

    def make() -> Weights:
        values = tensor.read()
        return np.ascontiguousarray(architecture.arranged(module, values) if side == "lora_B" else values)

    return _Entry(f"{name}.weight.{side.lower()}", tensor.shape, Type.F32, make)


def _require_plain(config: dict[str, Any]) -> None:
    """Raise for what llama.cpp would leave out without a word."""
    odd = [name for name in ("use_dora", "modules_to_save", "alpha_pattern", "rank_pattern") if config.get(name)]
    odd += ["bias"] if config.get("bias", "none") != "none" else []
    odd += ["fan_in_fan_out"] if config.get("fan_in_fan_out") else []
    if odd or config.get("peft_type", "LORA") != "LORA":
        raise CannotExportError(
            f"the adapter is more than LoRA on linear layers ({', '.join(odd) or config.get('peft_type')})",
            hint="Export the merged model instead.",
        )


def _type_of(name: str, tensor: Tensor, quantise: Quantise) -> Type:
    if len(tensor.shape) < 2 or name.endswith("_norm.weight"):
        return Type.F32
    wanted = _TYPES[tensor.elements if quantise == "none" else quantise]
    if wanted in {Type.Q8_0, Type.Q4_1} and tensor.shape[-1] % _BLOCK:
        return Type.F16
    return Type.Q8_0 if wanted == Type.Q4_1 and name in _TABLES else wanted  # the head decides over every token


def _is_tied(architecture: Architecture, tensor: Tensor) -> bool:
    return architecture.tied and tensor.module == "lm_head"


def _arch(architecture: Architecture) -> gguf.MODEL_ARCH:
    return next(one for one, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture.name)


def _describe(writer: gguf.GGUFWriter, about: About) -> None:
    writer.add_name(about.name)
    if about.description:
        writer.add_description(about.description)
    if about.licence:
        writer.add_license(about.licence)


def _write_stops(writer: gguf.GGUFWriter, source: SourceModel) -> None:
    """What ends an answer, beside the tokenizer's own end mark: GGUF has a place for two more."""
    others = [token for token in source.stops if token != source.tokenizer.eos_token_id]
    for add, token in zip((writer.add_eot_token_id, writer.add_eom_token_id), others, strict=False):
        add(token)


def _add(writer: gguf.GGUFWriter, key: str, value: int | float | str) -> None:
    if isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    else:
        writer.add_float32(key, value)


def _write(writer: gguf.GGUFWriter, entries: Sequence[_Entry], say: Callable[[str], None]) -> None:
    for one in entries:
        shape = quants.quant_shape_to_byte_shape(one.shape, one.type)
        plain = {Type.F32: np.dtype(np.float32), Type.F16: np.dtype(np.float16)}.get(one.type)
        size = int(np.prod(shape))
        if plain is not None:
            writer.add_tensor_info(one.name, one.shape, plain, size)
        else:
            writer.add_tensor_info(one.name, shape, np.dtype(np.uint8), size, raw_dtype=one.type)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        told = 0
        for number, one in enumerate(entries, start=1):
            values = one.make()
            if not np.isfinite(values).all():
                raise CannotExportError(f"{one.name} holds values that are no numbers", hint="Train the adapter again.")
            writer.write_tensor_data(np.ascontiguousarray(quants.quantize(values, one.type)))
            if (quarter := 4 * number // len(entries)) > told:
                told = quarter
                say(f"  {number} of {len(entries)} tensors")
    finally:
        writer.close()
