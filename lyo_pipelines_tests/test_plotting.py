"""Plots fit into the metadata of an event, and lose nothing that a reader would miss."""

import io
import subprocess
import sys

import numpy as np

from lyo_pipelines.plotting import MAXIMUM_BYTES, markdown_image, new_figure, png_bytes, small_png


def noisy():
    """A figure that no palette makes small: every pixel has a colour of its own."""
    figure = new_figure(4, 3, dpi=100)
    figure.add_axes((0, 0, 1, 1)).imshow(np.random.default_rng(0).random((300, 400, 3)))
    return figure


def colors_in(png: bytes) -> int:
    from PIL import Image

    return len(Image.open(io.BytesIO(png)).convert("RGB").getcolors(1 << 24) or ())


def test_a_simple_plot_keeps_the_largest_palette_and_its_size():
    figure = new_figure(4, 3, dpi=100)
    figure.add_subplot().plot([1, 3, 2])
    png = small_png(figure)
    assert len(png) < len(png_bytes(figure)) < MAXIMUM_BYTES
    assert 16 < colors_in(png) <= 64


def test_fewer_colors_are_tried_until_the_plot_fits_and_the_fewest_are_the_end():
    figure = noisy()
    sizes = {count: len(small_png(figure, colors=(count,))) for count in (64, 16, 2)}
    assert sizes[64] > sizes[16] > sizes[2]
    assert len(small_png(figure, colors=(64, 16, 2), maximum_bytes=sizes[16])) == sizes[16]
    assert colors_in(small_png(figure, colors=(64, 16, 2), maximum_bytes=10)) == 2


def test_the_image_inside_markdown_is_the_same_image():
    import base64

    text = markdown_image(b"\x89PNG and more", "the loss")
    assert text.startswith("![the loss](data:image/png;base64,")
    assert base64.b64decode(text.rpartition(",")[2].rstrip(")")) == b"\x89PNG and more"


def test_importing_it_loads_no_matplotlib():
    code = "import sys, lyo_pipelines.plotting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
