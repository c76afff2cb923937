"""Pictures as messages hold them, in any tool's spelling: their bytes, a path beside the export, an address, or a place for one.

Nothing is opened and nothing is fetched here: taking in is conversion/images.py's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lyo_pipelines.json_types import RawRow, is_dict

_DATA_URL = re.compile(r"data:[\w/+.\-]*(?:;[\w=.\-]+)*;base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}:")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]{4,}={0,2}\s*")
_BYTES = ("data", "bytes", "base64", "b64_json", "image", "content", "value")
_PLACES = (
    "image_url",
    "imageUrl",
    "url",
    "uri",
    "file_uri",
    "fileUri",
    "path",
    "file_path",
    "filepath",
    "file_name",
    "filename",
)
_PATHS = ("path", "image", "image_path", "file_path", "filepath", "file_name", "filename", "url", "image_url")
SHOWN = ("images", "image", "image_url", "imageUrl", "image_urls", "imageUrls")
"""Names under which a message, or a row, holds pictures and nothing else."""
_ATTACHED = ("files", "files_v2", "attachments", "experimental_attachments", "message_files")
_KINDS = (
    "type",
    "kind",
    "file_kind",
    "file_type",
    "content_type",
    "contentType",
    "mime_type",
    "mimeType",
    "mimetype",
    "media_type",
)
_NAMES = ("name", "filename", "file_name")
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".heic", ".tif", ".tiff", ".svg")
_DEPTH = 5
_SHORTEST = 64
"""Letters from which a text under a name that is also a path's can be base64."""


@dataclass(frozen=True)
class Picture:
    """One picture: data (bytes, or their base64), path (beside the export), or remote (an address); none of them: a place for one."""

    data: bytes | str | None = None
    path: str | None = None
    remote: bool = False

    @property
    def is_place(self) -> bool:
        """Whether it only says that a picture stands here."""
        return self.data is None and self.path is None and not self.remote


def picture_of(value: Any) -> Picture:
    """The picture that a part of a message, a cell of a column or a text stands for."""
    found = list(_found(value, "", 0))
    for test in (lambda one: one.data is not None, lambda one: one.path is not None, lambda one: one.remote):
        if (first := next(filter(test, found), None)) is not None:
            return first
    return Picture()


def pictures_of(value: Any) -> list[Picture]:
    """The pictures of a column: one, a list of them, or none."""
    if value is None or value in ("", [], {}):
        return []
    return [picture_of(item) for item in value] if isinstance(value, list) else [picture_of(value)]


def pictures_shown(holder: RawRow) -> list[Picture]:
    """The pictures under the names that mean nothing else."""
    return [one for name in SHOWN for one in pictures_of(holder.get(name))]


def attached_pictures(message: RawRow) -> tuple[Picture, ...]:
    """The pictures that hang on a message beside its text: Ollama's `images`, and the files of chat applications that are pictures."""
    shown = pictures_shown(message)
    lists = [value for name in _ATTACHED if isinstance(value := message.get(name), list)]
    return (*shown, *(picture_of(item) for files in lists for item in files if _is_picture(item, 0)))


def _is_picture(file: Any, depth: int) -> bool:
    """Whether an attached file says that it is a picture, by its kind or its name."""
    if isinstance(file, str):
        return file.lower().startswith("data:image/") or file.lower().endswith(_ENDINGS)
    if not is_dict(file) or depth > 2:
        return False
    kinds, names = ([str(file[name]).lower() for name in listed if file.get(name)] for listed in (_KINDS, _NAMES))
    if any(kind.startswith("image") for kind in kinds) or any(name.endswith(_ENDINGS) for name in names):
        return True
    return any(_is_picture(file.get(name), depth + 1) for name in ("file", "meta", "file_data"))


def picture_bytes(data: bytes | str) -> bytes | None:
    """Bytes of a picture out of bytes, a data: URL or base64; None for what is none of them."""
    if isinstance(data, bytes):
        return data
    head = _DATA_URL.match(data)
    text = "".join((data[head.end() :] if head else data).split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _found(value: Any, name: str, depth: int) -> Iterator[Picture]:
    if depth > _DEPTH:
        return
    if isinstance(value, bytes):
        yield Picture(data=value)
    elif isinstance(value, str):
        yield from _in_text(value, name)
    elif is_dict(value):
        for key, inner in value.items():
            yield from _found(inner, str(key).rpartition(".")[2], depth + 1)


def _in_text(text: str, name: str) -> Iterator[Picture]:
    if not text:
        return
    if _DATA_URL.match(text):
        yield Picture(data=text)
    elif (name in _PLACES or name in _BYTES or not name) and _ADDRESS.match(text):
        yield Picture(remote=True)
    elif (
        (name in _BYTES or not name)
        and (name in {"data", "bytes"} or len(text) >= _SHORTEST)
        and _BASE64.fullmatch(text)
    ):
        yield Picture(data=text)
    elif name in _PATHS or not name:
        yield Picture(path=text)
