"""The privacy audit of an adapter's dataset and recipe, where somebody made one. Making it belongs to privacy_audit/."""

from __future__ import annotations

from lyo_pipelines.contracts.privacy import PRIVACY, PrivacyAudit
from lyo_pipelines.storage.lake import Lake


def read_audit(lake: Lake, segment: str, version: str) -> PrivacyAudit | None:
    """The audit of one adapter version; None where there is none. Raises DocumentError for a damaged one."""
    path = f"{lake.privacy_dir(segment, version)}/{PRIVACY}"
    return PrivacyAudit.parse(lake.read_bytes(path), path) if lake.exists(path) else None
