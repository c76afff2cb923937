"""A file that cannot be read goes to `inbox/set_aside`, with the reason beside it; one that cannot be moved stays and is told once."""

from __future__ import annotations

import hashlib
import os
from pathlib import PurePosixPath

from lyo_pipelines.interactions.fields.mapping_files import SUFFIX
from lyo_pipelines.interactions.landing.inbox_listing import REASON, SET_ASIDE
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.machine import FullDiskError
from lyo_pipelines.storage.lake import Lake, NotLocalError

_LONGEST = 180
"""Bytes of a name: a file system takes 255, and `.reason.txt` and the temporary name of a write come on top."""


def set_aside(lake: Lake, name: str, reason: str) -> bool:
    """Move an entry of the inbox (and its own mapping) out of the way; whether it could be moved.

    The reason is written first, so that nothing is there without one. Raises FullDiskError.
    """
    source = f"{lake.side('inbox')}/{name}"
    said = plain_name(f"{name} was not read: {reason}\n")
    try:
        target = _free(lake, lake.side("inbox", SET_ASIDE, _short(name)))
        lake.write_text(f"{said}Mend it (or its mapping) and move it back into the inbox.\n", target + REASON)
    except FullDiskError:
        raise
    except OSError:  # a file stands where the folder should be, or the folder is somebody else's
        return False
    try:
        _move(lake, source, target)
        if lake.exists(source + SUFFIX):
            _move(lake, source + SUFFIX, target + SUFFIX)
    except FullDiskError:
        raise
    except OSError as error:
        lake.write_text(
            f"{said}It could not be moved here ({error.strerror or error}) and stays in the inbox. "
            "It is looked at again when it has changed.\n",
            target + REASON,
        )
        return False
    return True


def _move(lake: Lake, source: str, target: str) -> None:
    """A plain rename: nothing of what is moved needs to be opened (it may be a pipe, or not ours to read)."""
    try:
        local = lake.local(source)
    except NotLocalError:
        lake.move(source, target)
        return
    with lake.full_disk_explained():
        local.replace(lake.local(target))


def _free(lake: Lake, target: str) -> str:
    """The first of target, target-2, … that is not taken: an earlier file of the same name is somebody's data, too."""
    number, free = 1, target
    while lake.exists(free) or lake.exists(free + REASON):
        number += 1
        stem, dot, ending = target.rpartition(".")
        free = f"{stem}-{number}{dot}{ending}" if dot and "/" not in ending else f"{target}-{number}"
    return free


def _short(name: str) -> str:
    """A path below the inbox as it can stand in set_aside: the last part cut, with a digest, where it is very long."""
    folder, slash, last = name.rpartition("/")
    encoded = os.fsencode(last)
    if len(encoded) <= _LONGEST:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    ending = plain_name(PurePosixPath(last).suffix)[:20]
    begin = encoded[: _LONGEST - 40].decode("utf-8", "ignore")
    return f"{folder}{slash}{begin}-{digest}{ending}"
