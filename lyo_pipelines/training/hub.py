"""Base models of the model hub by an immutable commit: what was trained on is what is evaluated, served, continued and exported.

A name may say its revision, `owner/name@revision` (a commit, tag or branch). Without one a training takes the `main` of that day,
and the commit that it was stands in the adapter's manifest: from then on nobody asks the hub what `main` is.
"""

from __future__ import annotations

import re
from pathlib import Path

from lyo_pipelines.training.base_models import MissingBaseModelError, find_base_model, missing_message, split_revision

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "LICENSE*", "NOTICE*", "USE_POLICY*"]
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LEFT_OUT = ["original/*", "consolidated*"]  # the same weights once more, in another program's layout


def hub_folder(name: str) -> Path:
    """The folder of one commit of a hub model, fetched where it is not in the cache. name: a registered one, or owner/name, either
    with `@revision`.

    Only safetensors are read, or a repository's pickled weights where it has nothing else (which transformers loads as tensors alone).
    Raises MissingBaseModelError with what to do.
    """
    import huggingface_hub

    plain, revision = split_revision(name)
    known = find_base_model(plain)
    repository = known.hub_id if known else plain
    try:
        for files in (_FILES, [*_FILES, "*.bin"]):
            folder = Path(
                huggingface_hub.snapshot_download(
                    repository, revision=revision, allow_patterns=files, ignore_patterns=_LEFT_OUT
                )
            )
            if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")):
                break
    except (OSError, ValueError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingBaseModelError(missing_message(name, first_line[:200])) from error
    return folder


def pinned_name(name: str, folder: Path) -> str:
    """The name with the commit whose files lie in `folder`; as it is where that is no snapshot of the hub."""
    if folder.parent.name != "snapshots" or not _COMMIT.fullmatch(folder.name):
        return name
    return f"{split_revision(name)[0]}@{folder.name}"


def is_same_base(one: str, other: str) -> bool:
    """Whether two names mean the same weights; one without a revision means whatever the other one says."""
    (plain, revision), (other_plain, other_revision) = split_revision(one), split_revision(other)
    known, other_known = find_base_model(plain), find_base_model(other_plain)
    same_model = plain == other_plain or (known is not None and known is other_known)
    return same_model and (None in (revision, other_revision) or revision == other_revision)
