"""What can be wrong with the machine under us, told as something that its owner can mend. Other errors of files pass as they are."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from lyo_pipelines.errors import LyoError


class FullDiskError(LyoError, OSError):
    """A disk (or its quota) is full. An OSError too: callers that go on without what they could not write catch that."""


class ForbiddenError(LyoError, OSError):
    """This account may not read or write a file, or the disk is read-only. An OSError for the same callers."""


class AddressInUseError(LyoError):
    """Another program listens on the port."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def machine_error(error: OSError, place: object, *, go_on: str = "run it again") -> LyoError | None:
    """What is wrong with this machine (a full disk, a missing right, a port in use), or None when the error says nothing of it.

    place: the file, folder or address that is being worked on, named where the error names none. go_on: what to do once it is mended.
    """
    if isinstance(error, LyoError):
        return error
    where = place if error.filename is None else error.filename
    if error.errno in _FULL:
        return FullDiskError(f"the disk of {place} is full.", hint=f"Free some space and {go_on}.")
    if error.errno in _FORBIDDEN:
        said = (error.strerror or str(error)).lower()
        return ForbiddenError(f"{where}: {said}.", hint=f"Give this account the right to it and {go_on}.")
    if error.errno == errno.EADDRINUSE:
        message = f"{where} is in use: another program listens there."
        return AddressInUseError(message, hint="Stop it, or choose another port (--port).")
    return None


@contextmanager
def machine_explained(place: object, *, go_on: str = "run it again") -> Iterator[None]:
    """Raise what `machine_error` makes of an error within the block; all else passes."""
    try:
        yield
    except OSError as error:
        found = machine_error(error, place, go_on=go_on)
        if found is None or found is error:
            raise
        raise found from error
