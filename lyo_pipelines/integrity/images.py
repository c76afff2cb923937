"""Pictures: those that rows name are there, each is what its name says, and none lies there for nobody."""

from __future__ import annotations

from lyo_pipelines.images.errors import ImageGoneError
from lyo_pipelines.images.references import referred
from lyo_pipelines.images.store import image_path, read_image, stored_images
from lyo_pipelines.integrity.findings import Verification
from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake

_AGAIN = "Restore it from a backup, or land its file again. Until then its rows are not learnt from."


def verify_images(lake: Lake, told: Verification) -> None:
    """Compare names with what lies there; with `deep` every byte."""
    stored = set(stored_images(lake))
    told.checked["pictures"] += len(stored)
    try:
        named = referred(lake)
    except DamagedFileError:  # the file itself is told where files of its kind are
        return
    told.add({image_path(lake, file): "is gone, and rows name it" for file in sorted(named - stored)}, "source", _AGAIN)
    spare = {image_path(lake, file): "is named by no row" for file in sorted(stored - named)}
    told.add(spare, "leftover", "Nothing: the daily check of a running Dagster removes it.")
    if told.deep:
        for file in sorted(stored & named):
            try:
                read_image(lake, file)
            except ImageGoneError:
                told.add({image_path(lake, file): "is not what it was (its sha256 differs)"}, "source", _AGAIN)
