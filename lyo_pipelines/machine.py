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


@contextmanager
def machine_explained(place: object, *, go_on: str = "run it again") -> Iterator[None]:
    """Turn what is wrong with this machine (a full disk, a missing right, a port in use) into a LyoError; all else passes.

    place: the file, folder or address that is being worked on, named where the error names none. go_on: what to do once it is mended.
    """
    try:
        yield
    except LyoError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise FullDiskError(f"the disk of {place} is full.", hint=f"Free some space and {go_on}.") from error
        where = place if error.filename is None else error.filename
        if error.errno in _FORBIDDEN:
            said = (error.strerror or str(error)).lower()
            raise ForbiddenError(f"{where}: {said}.", hint=f"Give this account the right to it and {go_on}.") from error
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"{where} is in use: another program listens there.", hint="Stop it, or choose another port (--port)."
            ) from error
        raise
