"""Pictures for tests, made here: a drawing of a number, in any format."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image, ImageDraw

from lyo_pipelines.config.loading import load_config

LIMITS = load_config().interactions.images


def drawing(number: int = 1, *, size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A white sheet with a black shape whose place and size depend on the number."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    x, y = 5 + number * 17 % (size[0] // 2), 3 + number * 11 % (size[1] // 2)
    draw.rectangle((x, y, x + 12 + number * 7 % 30, y + 10 + number * 5 % 20), fill="black")
    draw.line((0, number * 13 % size[1], size[0], number * 29 % size[1]), fill="blue", width=3)
    return image


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png(number: int = 1) -> bytes:
    return encoded(drawing(number))


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
