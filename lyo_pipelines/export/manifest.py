"""export_manifest.json: what was exported from what, the sha256 of each file, and what was proven before it was published."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lyo_pipelines.contracts.adapter import BaseModelRecord
from lyo_pipelines.contracts.document import Document, DocumentPart

EXPORT_MANIFEST = "export_manifest.json"


class Closeness(DocumentPart):
    """Mean absolute differences of log-probabilities, in nats: of a file's likeliest 20 next tokens against training's own software.

    noise: the same of the base's file, which quantisation alone makes; prompts: how many were compared.
    """

    difference: float
    noise: float
    allowed: float
    prompts: int


class LanguageLoss(DocumentPart):
    """Loss (nats a token) of a language's answers, by the exported file and by training's own software."""

    exported: float
    trained: float
    allowed: float
    tokens: int


class ExportProof(DocumentPart):
    """What was compared. conversations: whose prompts came out token for token; losses: by language, empty without a dataset."""

    program: str
    merged: Closeness
    adapter: Closeness | None = None
    losses: dict[str, LanguageLoss] = Field(default_factory=dict)
    conversations: int = 0
    template: str = ""


class ExportManifest(Document):
    """One export. proof: None where nothing was proven (`unproved` says why)."""

    KIND: ClassVar[str] = "manifest of an export"
    VERSION: ClassVar[int] = 1
    VERSION_FIELD: ClassVar[str] = "manifest_version"

    manifest_version: int = VERSION
    to: str
    quantise: str
    segment: str
    version: str
    dataset_fingerprint: str
    base_model: BaseModelRecord
    stops: tuple[str, ...] = ()
    proof: ExportProof | None = None
    unproved: str = ""
    libraries: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
