"""Folders and files that are this account's alone: everything that this program writes may hold what somebody said.

Modes are set where things are created, and narrowed where an earlier version left them open. `LYO_SHARED_WITH=group` leaves groups in.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from lyo_pipelines.errors import LyoError

_NOBODY, _GROUP = 0o077, 0o007


class ForeignFileError(LyoError):
    """A file or folder is not this account's own, or is no plain one: somebody else may have laid it there."""


def write_privately(*, group: bool = False) -> None:
    """From here on what this process and its children create is readable by this account alone (or by its group too)."""
    os.umask(_GROUP if group else _NOBODY)


def narrow_folder(folder: Path, *, group: bool = False) -> None:
    """Take the rights of others from a folder of our own; one that is somebody else's, or not there, is left as it is."""
    try:
        found = folder.stat()
    except OSError:
        return
    wanted = stat.S_IMODE(found.st_mode) & ~(_GROUP if group else _NOBODY)
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and wanted != stat.S_IMODE(found.st_mode):
        try:
            folder.chmod(wanted)
        except OSError as error:
            if error.errno != errno.EROFS:  # nothing is written there: whoever tries says so
                raise


def own_temporary_folder() -> Path:
    """A folder below the temporary one that belongs to this account alone, the same for all its processes.

    Raises ForeignFileError where somebody else made something of that name before.
    """
    folder = Path(tempfile.gettempdir()) / f"lyo_pipelines-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ForeignFileError(
            f"{folder} is not a folder of this account: somebody else may have laid it there.",
            hint="Remove it, or name another place (LYO_LOCK_DIR, TMPDIR).",
        )
    narrow_folder(folder)
    return folder


def open_own_file(path: Path, mode: int) -> int:
    """A descriptor (read, write) of a plain file that nobody else can have laid there: no link, and of one name.

    It is created where it is not there. Raises ForeignFileError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    except OSError as error:
        if path.is_symlink():
            raise ForeignFileError(
                f"{path} is a link: what is behind it may be somebody's file.", hint="Remove the link."
            ) from error
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise ForeignFileError(f"{path} is no file of its own (a second name, or a device).", hint="Remove it.")
    return descriptor
