"""Pictures of canonical rows taken in: each becomes a file by its content, and its row names the files in order.

A row of which any picture cannot be taken in keeps none: it is marked with the reason, counted, and never learnt from. Addresses are
never fetched: a log must not make this machine ask somebody else's, and what lies there now need not be what was seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from lyo_pipelines.config.interactions import ImageLimits
from lyo_pipelines.images.errors import ImageRefusedError
from lyo_pipelines.images.normalise import LandedImage, normalise
from lyo_pipelines.interactions.chats.pairing import IMAGE_LEFT_OUT
from lyo_pipelines.interactions.chats.pictures import Picture, picture_bytes, pictures_of, pictures_shown
from lyo_pipelines.interactions.fields.columns import parsed_json
from lyo_pipelines.interactions.fields.notes import note
from lyo_pipelines.interactions.reading.beside import Beside, OpenBeside
from lyo_pipelines.json_types import RawRow

TOLD = {
    "image_remote": "a picture behind an address is never fetched: the row is kept and never learnt from",
    "image_missing": "a picture that the export does not hold (nor lies beside it): the row is kept and never learnt from",
    "image_format": "a picture that is no PNG, JPEG, WebP or GIF: the row is kept and never learnt from",
    "image_broken": "a picture that cannot be read: the row is kept and never learnt from",
    "image_too_large": "a picture beyond interactions.images.max_bytes or max_pixels: the row is kept and never learnt from",
    "image_too_many": "more pictures than interactions.images.most_per_row: the row is kept and never learnt from",
}
"""Reason -> what the landing report says. The reasons are names of curation rules."""
_NOT_FORESEEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, MemoryError)


def take_images(
    rows: Sequence[RawRow], limits: ImageLimits, beside: Beside
) -> tuple[list[RawRow], dict[str, LandedImage]]:
    """The rows with `images` as the contract has them, and the pictures by the names of their files."""
    taken: dict[str, LandedImage] = {}
    known: dict[bytes, LandedImage | ImageRefusedError] = {}
    with beside.opened() as files:
        return [
            _taken(row, limits, files, taken, known) if "images" in row else row for row in map(_named, rows)
        ], taken


def _named(row: RawRow) -> RawRow:
    """A row with its pictures under `images`, also where it holds them under another name (`image`, `image_url` …)."""
    shown = [] if row.get("images") else pictures_shown(row)
    return {**row, "images": [(picture, 0) for picture in shown]} if shown else row


def _taken(
    row: RawRow,
    limits: ImageLimits,
    files: OpenBeside,
    taken: dict[str, LandedImage],
    known: dict[bytes, LandedImage | ImageRefusedError],
) -> RawRow:
    placed = _placed(row["images"])
    if not placed:
        return {name: value for name, value in row.items() if name != "images"}
    try:
        if len(placed) > limits.most_per_row:
            raise ImageRefusedError("image_too_many", f"{len(placed)} pictures")
        images = [_landed(picture, limits, files, known) for picture, _ in placed]
    except ImageRefusedError as error:
        return _left_out(row, error.reason)
    except _NOT_FORESEEN:
        return _left_out(row, "image_broken")
    taken.update({image.file: image for image in images})
    shown = [
        {
            "file": image.file,
            "turns_back": back,
            "width": image.width,
            "height": image.height,
            "contrast": image.contrast,
            "likeness": image.likeness,
        }
        for image, (_, back) in zip(images, placed, strict=True)
    ]
    return {**row, "images": shown}


def _placed(value: Any) -> list[tuple[Picture, int]]:
    """Pictures with their turns: as chats give them, or as a row holds them for its question."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return value
    return [(picture, 0) for picture in pictures_of(parsed_json(value))]


def _landed(
    picture: Picture, limits: ImageLimits, files: OpenBeside, known: dict[bytes, LandedImage | ImageRefusedError]
) -> LandedImage:
    if picture.remote:
        raise ImageRefusedError("image_remote", "behind an address")
    data = picture_bytes(picture.data) if picture.data is not None else None
    if picture.data is not None and data is None:
        raise ImageRefusedError("image_broken", "no base64")
    if picture.path is not None:
        data = files.read(picture.path, limits.max_bytes)
    if data is None:
        raise ImageRefusedError("image_missing", "not there")
    key = hashlib.sha256(data).digest()
    if key not in known:
        try:
            known[key] = normalise(data, limits)
        except ImageRefusedError as error:
            known[key] = error
    found = known[key]
    if isinstance(found, ImageRefusedError):
        raise found
    return found


def _left_out(row: RawRow, reason: str) -> RawRow:
    inside = parsed_json(row.get("metadata"))
    metadata = inside if isinstance(inside, dict) else {} if inside in (None, "") else {"value": inside}
    left: RawRow = {**row, "metadata": {**metadata, IMAGE_LEFT_OUT: True, reason: True}}
    del left["images"]
    note(left, TOLD[reason])
    return left
