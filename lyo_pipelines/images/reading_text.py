"""The text in a picture, by RapidOCR where it is installed (the extra `ocr`: models inside the wheel, nothing is fetched).

Its models know Chinese, Japanese and Latin letters. Devanagari, Tamil and other Indian scripts they do not read: such text comes out
as other letters or as nothing, so that a picture may be called clear that is not. docs/images.md says so, too.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock

PACKAGE = "rapidocr"

TextReader = Callable[[bytes], str]
"""Bytes of a picture -> the text in it, a line for each piece that was found."""


@cache
def reader_name() -> str | None:
    """The name and version of what reads text here; None where nothing does."""
    try:
        version("onnxruntime")
        return f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:
        return None


@cache
def text_reader() -> TextReader | None:
    """What reads the text of pictures; None where nothing is installed that does. Its first call takes seconds."""
    if reader_name() is None:
        return None
    import numpy as np
    from PIL import Image
    from rapidocr import RapidOCR  # pyright: ignore[reportMissingImports]

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine, one_at_a_time = RapidOCR(params={"Global.log_level": "error"}), Lock()

    def read(data: bytes) -> str:
        with Image.open(io.BytesIO(data)) as opened, one_at_a_time:
            found = engine(np.asarray(opened.convert("RGB"))[:, :, ::-1])
        return "\n".join(found.txts or ())

    return read
