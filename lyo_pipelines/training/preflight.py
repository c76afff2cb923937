"""What must be there before a training starts: the base model, its licence, the packages its method needs. Light: no torch.

Each finding says what to do. Memory belongs to memory.py, the device to the engine (asking for it loads torch).
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lyo_pipelines.errors import LyoError
from lyo_pipelines.training.base_models import (
    BaseModel,
    MissingBaseModelError,
    embedded_gguf,
    find_base_model,
    missing_message,
    split_revision,
)
from lyo_pipelines.training.dimensions import ModelDimensions, dimensions_of
from lyo_pipelines.training.recipes import TRACKED_BY_PROCESS, Recipe

PACKAGES = {"qlora": ("bitsandbytes",), "kto": ("trl",), "dpo": ("trl",), "grpo": ("trl",)}
"""Beyond what every training needs, by method."""
UNSEEN = "this recipe reads text alone: no row is learnt without its pictures"
TO_SEE = (
    "Take a recipe whose base sees (images: learn, docs/images.md), or leave such rows out: --set images=leave_out."
)
"""What to do about rows with pictures that a recipe would not see."""


class MissingPackageError(LyoError):
    """A method needs a package that is not installed; the message says which."""


class UnfitRecipeError(LyoError):
    """The recipe asks the base model for something that it cannot do; the message says what."""


@dataclass(frozen=True)
class BaseState:
    """Where a base model would come from. `folder`: where it lies already, if it does."""

    state: Literal["embedded", "folder", "cached", "hub", "gated", "missing"]
    text: str
    folder: Path | None = None
    known: BaseModel | None = None

    @property
    def there(self) -> bool:
        """Whether a training can load it, or at least try to (a hub that is not gated)."""
        return self.state not in {"gated", "missing"}


def base_state(name: str, models_dir: Path) -> BaseState:
    """Look for a base model without loading anything: embedded, a folder, the hub's cache, the hub."""
    known = find_base_model(name)
    if known is not None and known.embedded:
        try:
            embedded_gguf()
        except MissingBaseModelError as error:
            return BaseState("missing", str(error), None, known)
        folder = models_dir / known.name
        return BaseState("embedded", f"there, {known.note}", folder if folder.is_dir() else None, known)
    folder = base_folder(name, models_dir)
    if folder is not None:
        return BaseState("folder", f"there: {folder}", folder, known)
    if known is None and "/" not in name:
        return BaseState("missing", missing_message(name, "no such name"))
    return _on_the_hub(name, known)


def base_folder(name: str, models_dir: Path) -> Path | None:
    """The local folder that a `base_model` names: a path, or a name below the folder of base models."""
    known, (name, _) = find_base_model(name), split_revision(name)
    for folder in (Path(name).expanduser(), models_dir / name, models_dir / (known.name if known else name)):
        if (folder / "config.json").is_file():
            return folder
    return None


def require_ready(recipe: Recipe, models_dir: Path) -> None:
    """Raise MissingPackageError, MissingBaseModelError or UnfitRecipeError when this recipe cannot be trained here."""
    if (missing := missing_package(recipe)) is not None:
        raise MissingPackageError(missing)
    state = base_state(recipe.base_model, models_dir)
    if not state.there:
        raise MissingBaseModelError(state.text)
    if (unfit := unfit_recipe(recipe, dimensions_of(recipe.base_model, state.folder))) is not None:
        raise UnfitRecipeError(unfit)
    if (unseeing := unseeing_base(recipe, state)) is not None:
        raise UnfitRecipeError(unseeing)


def unseeing_base(recipe: Recipe, state: BaseState) -> str | None:
    """What to say about a base that cannot see what the recipe wants to learn, or that sees and is to learn text alone; or None.

    A base that is not here yet is asked once it is.
    """
    if state.folder is None:
        known = state.known is not None and recipe.images == "learn"
        return f"{recipe.base_model} reads text alone, and the recipe says images: learn." if known else None
    seeing = sees(json.loads((state.folder / "config.json").read_bytes()))
    if recipe.images == "learn" and not seeing:
        return f"{recipe.base_model} reads text alone, and the recipe says images: learn. Take a base that sees (docs/images.md)."
    if recipe.images != "learn" and seeing:
        return f"{recipe.base_model} sees pictures, and is trained with images: learn alone (docs/images.md)."
    return None


def sees(config: Mapping[str, Any]) -> bool:
    """Whether the config.json of a model says that it sees pictures."""
    return isinstance(config.get("vision_config"), dict)


def require_seen(recipe: Recipe, images: Mapping[str, int], segment: str) -> None:
    """Raise UnfitRecipeError for a dataset whose rows show pictures that the recipe would not learn. images: such rows by split."""
    learnt = {split: images.get(split, 0) for split in ("train", "validation")}
    if recipe.images == "refuse" and any(learnt.values()):
        told = ", ".join(f"{count:,} rows of {split}" for split, count in learnt.items())
        raise UnfitRecipeError(
            f"{segment}: {told} show pictures, and {UNSEEN} (recipe {recipe.name}).",
            hint=TO_SEE,
        )


def missing_package(recipe: Recipe) -> str | None:
    """What to say about a package that the recipe's method needs and that is not installed, or None."""
    for package in PACKAGES.get(recipe.method, ()):
        if importlib.util.find_spec(package) is None:
            return (
                f"method {recipe.method} needs the package {package}, which is not installed: run `make install` "
                f"(or pip install {package})."
            )
    package = TRACKED_BY_PROCESS.get(recipe.logging.tracking)
    if package is not None and importlib.util.find_spec(package) is None:
        return (
            f"logging.tracking {package} needs its package: pip install -c constraints.txt 'lyo_pipelines[{package}]'."
        )
    return None


def unfit_recipe(recipe: Recipe, dimensions: ModelDimensions | None) -> str | None:
    """What to say about a recipe that asks a base model for something it cannot do, or None."""
    if dimensions is None:
        return None
    lengths = recipe.batch.max_length
    longest = max(lengths.values()) if isinstance(lengths, dict) else lengths
    if dimensions.family == "gpt2" and dimensions.positions is not None and longest > dimensions.positions:
        return (
            f"batch.max_length is {longest}, and {recipe.base_model} knows {dimensions.positions} positions: "
            f"--set batch.max_length={dimensions.positions} or less."
        )
    if recipe.batch.padding_free and dimensions.decoder_layers:
        return (
            f"{recipe.base_model} is an encoder-decoder, whose rows are always padded: --set batch.padding_free=false."
        )
    return None


def has_token() -> bool:
    """Whether the hub would know who asks: HF_TOKEN, or a login kept by its client."""
    from huggingface_hub import get_token

    return get_token() is not None


def _on_the_hub(name: str, known: BaseModel | None) -> BaseState:
    plain, revision = split_revision(name)
    hub_id = known.hub_id if known else plain
    cached = _cached(hub_id, revision)
    if cached is not None:
        return BaseState("cached", f"there: {cached}", cached, known)
    if known is not None and known.gated and not has_token():
        cause = "its licence has to be accepted, and no token is set"
        return BaseState("gated", missing_message(name, cause), None, known)
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}:
        cause = "HF_HUB_OFFLINE is set and it is not in the hub's cache"
        return BaseState("missing", missing_message(name, cause), None, known)
    return BaseState("hub", f"not here yet: it will be fetched from the model hub ({hub_id})", None, known)


def _cached(hub_id: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub_id, "config.json", revision=revision)
    if not isinstance(found, str):
        return None
    folder = Path(found).parent
    return folder if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")) else None
