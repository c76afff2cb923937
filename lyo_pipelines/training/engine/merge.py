"""An adapter and its base model as one plain transformers folder, for whatever serves models without PEFT."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.whole_files import whole_folder
from lyo_pipelines.training.engine import base
from lyo_pipelines.training.engine.embedded import LABEL_FILE
from lyo_pipelines.training.engine.whole_model import WEIGHTS, save_tokenizer
from lyo_pipelines.training.plan import TrainingResult

LICENCE_FILES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
CARD = """---
license: other
license_name: {licence}
base_model: {base_model}
---
# {version}

{segment}: {what} on `{base_model}`{label}, dataset {dataset}.

The licence of the base model ({licence}) holds for these weights too{files}.
"""


class MergeError(LyoError):
    """An adapter cannot be merged; the message says why."""


def merge_adapter(
    adapter: TrainingResult, output: Path, models_dir: Path, say: Callable[[str], None] = lambda _: None
) -> Path:
    """Write weights (safetensors, in the base model's own number format), tokenizer with template, label and licence to `output`.

    The folder appears by one rename. Of a model that was trained whole, its files are copied; of `qlora`, the base's weights are those
    that 4 bits hold, for the adapter corrects their rounding too. Raises MergeError when `output` exists.
    """
    if output.exists():
        raise MergeError(f"{output} exists already: remove it, or choose another --output.")
    output.parent.mkdir(parents=True, exist_ok=True)
    source = Path(base.resolve(adapter.base_model, models_dir, say))
    with whole_folder(output) as temporary:
        if adapter.manifest.is_whole_model:
            for name in adapter.manifest.files:
                if not name.endswith((".jsonl", ".png")):
                    shutil.copyfile(adapter.path / name, temporary / name)
        else:
            say(f"merging {adapter.version} into {adapter.base_model}")
            _write_merged(adapter, str(source), temporary)
        _write_label(adapter, source, temporary)
    return output


def _write_merged(adapter: TrainingResult, source: str, folder: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(source)
    dtype = config.dtype if isinstance(config.dtype, torch.dtype) else torch.float32
    four_bit = adapter.manifest.base_in_4_bits
    model = base.load_model(source, dtype=dtype, four_bit_on="cpu" if four_bit else None)
    if four_bit:  # the weights that the adapter was trained on and judged on, written out
        model = model.dequantize()
    adapted = peft.PeftModel.from_pretrained(model, str(adapter.path))  # its own weights stay float32: one rounding
    merged: Any = adapted.merge_and_unload(safe_merge=True)
    merged.config.use_cache = True  # it was off for training only
    merged.save_pretrained(folder)
    save_tokenizer(folder, base.load_tokenizer(source))


def _write_label(adapter: TrainingResult, source: Path, folder: Path) -> None:
    about = adapter.manifest.base_model
    licence, label = about.licence or "unknown", about.label
    copied = []
    if source.is_dir():
        for path in sorted(path for pattern in LICENCE_FILES for path in source.glob(pattern) if path.is_file()):
            shutil.copyfile(path, folder / path.name)
            copied.append(path.name)
    values = {
        "name": f"{adapter.segment} {adapter.version}",
        "label": label,
        "licence": licence,
        "base_model": about.model_dump(),
        "adapter": {"segment": adapter.segment, "version": adapter.version, "dataset": adapter.dataset_fingerprint},
        "weights": sorted(path.name for path in folder.glob(WEIGHTS)),
    }
    (folder / LABEL_FILE).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    card = CARD.format(
        licence=licence,
        base_model=about.hub_id or about.name,
        version=adapter.version,
        segment=adapter.segment,
        what="every weight trained" if adapter.manifest.is_whole_model else "a merged adapter",
        label=f" ({label})" if label else "",
        dataset=adapter.dataset_fingerprint,
        files=f": {', '.join(copied)}" if copied else "",
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
