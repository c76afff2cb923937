"""Holding the models in memory: one base, several adapters on it, one of them active at a time.

What they are asked does not belong here.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.inference.lean_model import LeanModel, why_not_by_row, why_not_lean
from lyo_pipelines.inference.lora_rows import RowLora
from lyo_pipelines.training.dtypes import multiplies_bfloat16
from lyo_pipelines.training.engine import base as base_loading
from lyo_pipelines.training.preflight import MissingPackageError


@dataclass(frozen=True)
class LeanRows:
    """A model for the lean forward pass, and the adapter that its rows are answered with (None: the base)."""

    model: LeanModel
    adapter: RowLora | None


class ModelHost:
    """Loads a base once and switches between its adapters; a model on another base replaces the one in memory.

    A base held in 4 bits is another one than the same base in full: an adapter runs on the one that it was trained on.
    """

    def __init__(self, models_dir: Path, *, device: str, dtype: str, attention: str | None) -> None:
        self.models_dir = models_dir
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.attention = attention or "auto"
        self._loaded: tuple[str, bool] | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._lean: LeanModel | None = None

    @property
    def dtype_name(self) -> str:
        """The number format of the weights: float32, bfloat16, float16."""
        return str(self.dtype).removeprefix("torch.")

    @contextmanager
    def using(self, spec: ModelSpec) -> Iterator[tuple[Any, Any]]:
        """Yield (model, tokenizer) with the spec's adapter active, or none of them for a base."""
        self._load_base(spec.base_name, four_bit=spec.four_bit)
        if spec.adapter_dir is None:
            plain = self._model.disable_adapter() if isinstance(self._model, peft.PeftModel) else _nothing()
            with plain, torch.inference_mode():
                yield self._model, self._tokenizer
            return
        self._attach(spec.adapter_dir, spec.role)
        self._model.set_adapter(spec.role)
        with torch.inference_mode():
            yield self._model, self._tokenizer

    def lean(self, spec: ModelSpec) -> LeanRows | None:
        """The model in use for answering many rows at once; None where the lean forward pass does not know it or its adapter."""
        adapter = None if spec.adapter_dir is None else spec.role
        if why_not_lean(self._model) or (adapter and why_not_by_row(self._model, adapter)):
            return None
        self._lean = self._lean or LeanModel(self._model)
        return LeanRows(self._lean, self._lean.adapter(adapter) if adapter else None)

    def base_of(self, spec: ModelSpec) -> tuple[str, bool]:
        """Which base in memory a spec needs; two specs with the same one share it."""
        return spec.base_name, spec.four_bit

    @property
    def loaded(self) -> tuple[str, bool] | None:
        """The base in memory, as `base_of` tells it."""
        return self._loaded

    def forget(self, spec: ModelSpec) -> None:
        """Take an adapter out of memory; it is loaded anew when it is used again."""
        if isinstance(self._model, peft.PeftModel) and spec.role in self._model.peft_config:
            self._model.delete_adapter(spec.role)

    def peak_memory_bytes(self) -> int:
        """Most memory held so far: of the GPU since `reset_memory`, of the whole process on a CPU."""
        if self.device.startswith("cuda"):
            return int(torch.cuda.max_memory_allocated(self.device))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def reset_memory(self) -> None:
        """Start a new measurement of the GPU's peak; a process's own peak cannot be reset."""
        if self.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self.device)

    def release_memory(self) -> None:
        """Give back what no tensor holds any more."""
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def synchronize(self) -> None:
        """Wait until the GPU has done what it was given, so that a clock read next is true."""
        if self.device.startswith("cuda"):
            torch.cuda.synchronize(self.device)

    def _load_base(self, name: str, *, four_bit: bool) -> None:
        if self._loaded == (name, four_bit):
            return
        self._model = self._tokenizer = self._loaded = self._lean = None
        self.release_memory()
        source = base_loading.resolve(name, self.models_dir)
        try:
            model = base_loading.load_model(
                source, dtype=self.dtype, attention=self.attention, four_bit_on=self.device if four_bit else None
            )
        except ImportError as error:
            raise MissingPackageError(f"{name} in 4 bits cannot be loaded here: {error}") from error
        model.config.use_cache = True  # generation without a key/value cache is quadratic
        self._tokenizer = base_loading.load_tokenizer(source)
        self._model = (model if four_bit else model.to(self.device)).eval()  # 4-bit weights were made where they stay
        self._loaded = name, four_bit

    def _attach(self, adapter_dir: Path, role: str) -> None:
        if isinstance(self._model, peft.PeftModel):
            if role in self._model.peft_config:
                return
            self._model.load_adapter(str(adapter_dir), adapter_name=role, autocast_adapter_dtype=False)
        else:
            base, self._loaded = self._loaded, None  # half an adapter leaves layers in the base: it is then loaded anew
            self._model = peft.PeftModel.from_pretrained(
                self._model, str(adapter_dir), adapter_name=role, autocast_adapter_dtype=False
            )
            self._loaded = base
        # one dtype: no casts at each of 200 small products; the base's own numbers, its rotary frequencies among them, stay as loaded
        for name, weights in self._model.named_parameters():
            if role in name.split("."):
                weights.data = weights.data.to(device=self.device, dtype=self.dtype)
        self._model.eval()


def resolve_device(wanted: str) -> str:
    """`auto` is cuda where there is one, else cpu."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def resolve_dtype(wanted: str, device: str) -> torch.dtype:
    """`auto` is bfloat16 where the hardware multiplies it natively, else float32."""
    if wanted != "auto":
        return getattr(torch, wanted)
    return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32


def quiet_libraries() -> None:
    """Loading bars would drown the progress."""
    transformers.utils.logging.disable_progress_bar()


@contextmanager
def _nothing() -> Iterator[None]:
    yield
