"""Two figures of a picture: how much there is to see in it, and a hash that near copies share. Pure, on Pillow images.

The hash is dHash (N. Krawetz, "Kind of Like That", 2013): of the picture as 9 x 8 grey cells, whether each is darker than its right
neighbour, 64 bits. Copies of another size, quality or format differ in few bits; a cut, turned or mirrored picture differs in many,
and is then another one here. Pages of plain text look alike to it (paper, grey lines): it ties more than it must, and leaks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

NEAR_BITS = 3
"""Pictures whose hashes differ in so many bits at most are near copies."""
_CELLS = 64


def contrast(image: Image.Image) -> float:
    """Standard deviation (0 to 127.5) of the grey of a picture's 64 x 64 cells: 0 is one colour."""
    from PIL import Image as Pillow
    from PIL import ImageStat

    cells = image.convert("L").resize((_CELLS, _CELLS), Pillow.Resampling.BOX)
    return round(ImageStat.Stat(cells).stddev[0], 3)


def likeness(image: Image.Image) -> str:
    """The dHash of a picture, 16 hex digits."""
    from PIL import Image as Pillow

    grey = image.convert("L").resize((9, 8), Pillow.Resampling.BOX).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            place = row * 9 + column
            bits = bits << 1 | (grey[place] < grey[place + 1])
    return f"{bits:016x}"
