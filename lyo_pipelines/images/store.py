"""Pictures in the lake: `lake/images/<two digits>/<sha256>.<png or jpg>`, each once however many rows show it.

A name is the sha256 of the content, so a file is never changed, and damage shows. What refers to a file is references.py's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from lyo_pipelines.images.errors import ImageGoneError
from lyo_pipelines.images.normalise import LandedImage
from lyo_pipelines.storage.lake import Lake, NotLocalError

FOLDER, TEXTS = "images", "image_texts"
_NAME = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)")


def image_path(lake: Lake, file: str) -> str:
    """Where a picture lies. Raises ImageGoneError for what is no name of one."""
    if not _NAME.fullmatch(file):
        raise ImageGoneError(f"{file[:80]!r} is no name of a picture in the lake.")
    return lake.path(FOLDER, file[:2], file)


def texts_path(lake: Lake, file: str) -> str:
    """Where it stands what was found in the text of a picture."""
    return lake.path(TEXTS, f"{file.partition('.')[0]}.json")


def remove_image(lake: Lake, file: str) -> None:
    """Remove a picture and what was found in it."""
    for path in (image_path(lake, file), texts_path(lake, file)):
        if lake.exists(path):
            lake.fs.rm(path)


def write_image(lake: Lake, image: LandedImage) -> bool:
    """Write a picture, whole or not at all, for this account alone; whether it was not there yet."""
    path = image_path(lake, image.file)
    if lake.exists(path):
        return False
    with lake.replacing(path) as temporary:
        with lake.fs.open(temporary, "wb") as handle:
            handle.write(image.data)
        try:
            local = lake.local(temporary)
        except NotLocalError:
            pass
        else:
            local.chmod(local.stat().st_mode & 0o660)  # nobody else's, nor to be run; a shared lake's group stays in
    return True


def is_what_it_was(file: str, data: bytes) -> bool:
    """Whether the content of a picture is the one that its name says."""
    return hashlib.sha256(data).hexdigest() == file.partition(".")[0]


def read_image(lake: Lake, file: str) -> bytes:
    """The bytes of a picture. Raises ImageGoneError where it is not there or not what it was."""
    path = image_path(lake, file)
    try:
        data = lake.read_bytes(path)
    except FileNotFoundError:
        raise ImageGoneError(
            f"the picture {path} is gone.", hint="Restore it from a backup, or land its file again."
        ) from None
    if not is_what_it_was(file, data):
        raise ImageGoneError(f"the picture {path} is not what it was.", hint="Restore it from a backup.")
    return data


def stored_images(lake: Lake) -> Iterator[str]:
    """Names of all pictures in the lake, in order."""
    for folder in lake.names(lake.path(FOLDER)):
        yield from (name for name in lake.names(lake.path(FOLDER, folder)) if _NAME.fullmatch(name))
