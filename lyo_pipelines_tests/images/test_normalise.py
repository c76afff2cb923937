"""What is kept of a picture: upright pixels of a bounded size, and nothing that came with them."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lyo_pipelines.images.errors import ImageRefusedError
from lyo_pipelines.images.likeness import NEAR_BITS, likeness
from lyo_pipelines.images.normalise import normalise
from lyo_pipelines_tests.images.pictures import LIMITS, drawing, encoded, png

SECRET = b"Asha Rao, 12.97N 77.59E"


def with_secrets(form: str) -> bytes:
    """A picture that says in every place that its format has who took it and where."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = "N"
    options = {"exif": exif, "xmp": b"<x>" + SECRET + b"</x>", "icc_profile": SECRET * 8}
    if form == "PNG":
        info = PngInfo()
        info.add_text("Author", SECRET.decode())
        options |= {"pnginfo": info}
    if form == "GIF":
        options = {"comment": SECRET}
    return encoded(drawing(), form, **options) + SECRET


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_nothing_that_is_no_pixel_is_kept(form):
    data = with_secrets(form)
    assert SECRET in data
    kept = normalise(data, LIMITS)
    assert SECRET not in kept.data
    with Image.open(io.BytesIO(kept.data)) as image:
        assert not image.getexif() and "comment" not in image.info and "icc_profile" not in image.info
    assert kept.file.split(".")[0] == hashlib.sha256(kept.data).hexdigest()


@given(number=st.integers(0, 50), form=st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_the_same_picture_is_the_same_file_whatever_was_written_beside_it(number, form):
    options = {"lossless": True} if form == "WEBP" else {}
    exif = Image.Exif()
    exif[0x010E] = "somebody"
    plain, told = (encoded(drawing(number), form, **options, **more) for more in ({}, {"exif": exif}))
    assert plain != told
    assert normalise(plain, LIMITS) == normalise(told, LIMITS)


def test_the_orientation_is_applied_before_it_is_lost():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    kept = normalise(encoded(drawing(size=(96, 64)), "JPEG", exif=exif), LIMITS)
    assert (kept.width, kept.height) == (64, 96)


def test_of_several_frames_the_first_counts_and_transparent_is_white():
    first, second = drawing(1), drawing(2)
    moving = encoded(first, "GIF", save_all=True, append_images=[second])
    assert normalise(moving, LIMITS).likeness == likeness(first)
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    with Image.open(io.BytesIO(normalise(encoded(clear), LIMITS).data)) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_a_large_picture_is_kept_smaller():
    kept = normalise(encoded(drawing(size=(600, 300))), LIMITS.model_copy(update={"stored_side": 128}))
    assert (kept.width, kept.height) == (128, 64)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises any number of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0" * (LIMITS.max_bytes + 1), "image_too_large"),
        (bomb(8000, 5001), "image_too_large"),
        (bomb(20_000, 20_000), "image_too_large"),
        (bomb(60_000, 60_000), "image_too_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_format"),
        (encoded(drawing(), "BMP"), "image_format"),
        (b"", "image_format"),
        (png()[:60], "image_broken"),
        (encoded(drawing(), "JPEG")[:200], "image_broken"),
        (b"RIFF\0\0\0\0WEBPnothing", "image_broken"),
    ],
)
def test_what_is_not_taken_in_has_a_reason(data, reason):
    with pytest.raises(ImageRefusedError) as refused:
        normalise(data, LIMITS)
    assert refused.value.reason == reason


@given(
    st.binary(max_size=200),
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP"]),
)
def test_no_bytes_raise_anything_else(rest, magic):
    with pytest.raises(ImageRefusedError):
        normalise(magic + rest, LIMITS)


def bits_apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_copies_are_near_and_other_pictures_are_not():
    original = drawing(3, size=(300, 200))
    copies = [
        original.resize((150, 100)),
        Image.open(io.BytesIO(encoded(original, "JPEG", quality=40))),
        original.convert("L"),
    ]
    assert all(bits_apart(likeness(original), likeness(copy)) <= NEAR_BITS for copy in copies)
    others = [drawing(number, size=(300, 200)) for number in (4, 5, 6, 7)]
    assert all(bits_apart(likeness(original), likeness(other)) > NEAR_BITS for other in others)
