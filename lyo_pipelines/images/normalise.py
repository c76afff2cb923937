"""Any picture to the one form in which the lake keeps it: upright, of bounded size, pixels alone.

The pixels are written anew and nothing else is: EXIF (place, time, camera, owner), XMP, comments, thumbnails, colour profiles and
whatever hangs on the end of the file are gone because nobody copies them, whatever block they stood in. Cutting out known segments
would keep those that nobody knew of. The orientation that EXIF names is applied first. Only the header is read before the bounds
are checked.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lyo_pipelines.images.errors import ImageRefusedError
from lyo_pipelines.images.likeness import contrast, likeness

if TYPE_CHECKING:
    from PIL import Image

    from lyo_pipelines.config.interactions import ImageLimits

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What is read; of several frames the first one counts."""
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError, struct.error)
"""What Pillow raises for bytes that are no picture."""


@dataclass(frozen=True)
class LandedImage:
    """A picture as it is kept. file: the sha256 of `data`, and an ending; width, height: pixels; contrast, likeness: likeness.py."""

    file: str
    data: bytes
    width: int
    height: int
    contrast: float
    likeness: str


def known_format(data: bytes) -> bool:
    """Whether bytes begin like a picture of FORMATS."""
    return data.startswith(_MAGIC) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def normalise(data: bytes, limits: ImageLimits) -> LandedImage:
    """The picture as it is kept. Raises ImageRefusedError, with the reason, for what is too large, of another format, or broken."""
    from PIL import Image

    if len(data) > limits.max_bytes:
        raise ImageRefusedError("image_too_large", f"a picture of {len(data):,} bytes: {limits.max_bytes:,} at most")
    if not known_format(data):
        raise ImageRefusedError("image_format", f"no picture of a known format ({', '.join(FORMATS)})")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        with opened:
            if opened.width * opened.height > limits.max_pixels:
                raise ImageRefusedError(
                    "image_too_large",
                    f"a picture of {opened.width:,} x {opened.height:,} pixels: {limits.max_pixels:,} at most",
                )
            upright = _upright(opened)
            lossy = opened.format == "JPEG"
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageRefusedError("image_too_large", f"a picture of too many pixels ({error})") from error
    except _BROKEN as error:
        raise ImageRefusedError("image_broken", f"a picture that cannot be read: {type(error).__name__}") from error
    if max(upright.size) > limits.stored_side:
        upright.thumbnail((limits.stored_side, limits.stored_side), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    if lossy:
        upright.save(written, "JPEG", quality=limits.jpeg_quality, subsampling=0)
    else:
        upright.save(written, "PNG")
    kept = written.getvalue()
    name = f"{hashlib.sha256(kept).hexdigest()}.{'jpg' if lossy else 'png'}"
    return LandedImage(name, kept, *upright.size, contrast(upright), likeness(upright))


def _upright(opened: Image.Image) -> Image.Image:
    """The first frame as it is to be seen, in grey or RGB, on white where it was transparent, with nothing but pixels."""
    from PIL import Image, ImageOps

    found = ImageOps.exif_transpose(opened)
    if found.mode.startswith("I"):  # 16 bits of grey
        found = found.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif found.mode in ("1", "L") and "transparency" not in found.info:
        found = found.convert("L")
    else:
        layered = found.convert("RGBA")
        found = Image.new("RGB", layered.size, "white")
        found.paste(layered, mask=layered.getchannel("A"))
    plain = Image.new(found.mode, found.size)
    plain.paste(found)
    return plain
