"""Is an adapter's folder what its training published? The hashes stand in its manifest; nothing is loaded or repaired here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lyo_pipelines.training.plan import LOSS_PICTURE, MANIFEST, METRICS, read_adapter

_NOT_LOADED = {LOSS_PICTURE, METRICS}
"""Published beside the weights, and never read to answer."""


class DamagedAdapterError(RuntimeError):
    """An adapter is not the one that was trained; the message names the file and what to do."""


def verify_adapter(folder: str | Path) -> dict[str, str]:
    """Compare every file that answers come from with its hash in the manifest; return name -> sha256, the manifest's own included.

    Weights other than safetensors are refused, whatever their hash: a pickle runs code when it is loaded. Raises DamagedAdapterError,
    or IncompleteAdapterError where there is no manifest.
    """
    path = Path(folder)
    told: dict[str, str] = read_adapter(path).manifest.get("files", {})
    wanted = {name: digest for name, digest in told.items() if name not in _NOT_LOADED}
    if not any(name.endswith(".safetensors") for name in wanted):
        raise DamagedAdapterError(f"{path}: its manifest names no safetensors file with a checksum. Train it again.")
    if pickled := sorted(file.name for end in ("*.bin", "*.pt", "*.pth", "*.pkl") for file in path.glob(end)):
        raise DamagedAdapterError(f"{path} holds {', '.join(pickled)}: only safetensors are served. Remove it.")
    for name, digest in sorted(wanted.items()):
        file = path / name
        if not file.is_file():
            raise DamagedAdapterError(f"{file} is not there. Restore it, or train the adapter again.")
        if (found := _sha256(file)) != digest:
            raise DamagedAdapterError(
                f"{file} is not what was trained (sha256 {found[:12]}…, published {digest[:12]}…). Restore it, or train again."
            )
    return {**wanted, MANIFEST: _sha256(path / MANIFEST)}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
