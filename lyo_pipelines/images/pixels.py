"""Pictures compared by their pixels, for checks: another method than the hash by which they are grouped (likeness.py)."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray

SIDE = 32
ALIKE = 0.995
"""Correlation of the grey of two pictures' 32 x 32 cells from which they show the same."""


def pixel_digest(data: bytes) -> str:
    """A digest of a picture's pixels and size, whatever file they stand in."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        plain = opened.convert("RGB")
    return hashlib.sha256(f"{plain.size}".encode() + plain.tobytes()).hexdigest()


def grey_cells(data: bytes) -> NDArray[np.float32]:
    """The grey of a picture's 32 x 32 cells less its mean, of length one; zeros for a picture of one colour. float32[1024]."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        cells = np.asarray(opened.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel()
    cells = cells - cells.mean()
    length = float(np.linalg.norm(cells))
    return cells / np.float32(length) if length else cells
