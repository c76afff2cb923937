"""A lock in object storage: a lease with an owner and a term, taken, renewed and given back by conditional writes.

A killed owner cannot give it back, so it ends by itself. How old it is, the storage says: its own time of the answer less its own time
of the last write, so no two machines' clocks are compared (but it is assumed that the storage's own clocks agree within MARGIN). The
owner counts by its monotonic clock from before it asked, so it stops before anybody else may begin. It looks at that before every
change of the lake (`ObjectStore.guards`). What is left: an owner that is suspended for longer than the term exactly between this look
and the request. What landings write is named by its content, so such a late write repeats what was written and mixes nothing.

Method: Gray and Cheriton, "Leases" (SOSP 1989); `If-None-Match: *` and `If-Match` of PutObject.
"""

# s3fs brings no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import errno
import os
import socket
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from lyo_pipelines.config.settings import Settings
from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.object_store import ObjectStore, told

MARGIN = 2.0
"""Seconds by which the clocks behind one storage may differ, its times being whole seconds."""
_LOOK_AGAIN = 0.2
_TAKEN = (errno.EINVAL, errno.EBUSY, errno.ENOENT)
"""How s3fs tells a refused condition, two writes at one moment, and `If-Match` on nothing."""


class LeaseLostError(LyoError):
    """This process did not renew its lease in time, so another may be at work: it stops before it changes anything more."""


@dataclass(frozen=True)
class _Found:
    etag: str
    fence: int
    age: float
    term: float
    free: bool


class Lease:
    """One lease, held by this object or by somebody else. path: of its object; term: seconds."""

    def __init__(self, store: ObjectStore, path: str, term: float) -> None:
        self._store, self._path, self._term = store, path, term
        self._bucket, _, self._key = path.partition("/")
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._etag, self._until, self.fence, self._lost = "", 0.0, 0, False
        self._done = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)

    def acquire(self, timeout: float | None = None) -> None:
        """Wait until it is ours. Raises TimeoutError after `timeout` seconds."""
        begun = time.monotonic()
        while not self._try():
            if timeout is not None and time.monotonic() - begun > timeout:
                raise TimeoutError(self._path)
            time.sleep(_LOOK_AGAIN)
        self._renewing.start()

    def _try(self) -> bool:
        found = self._look()
        if found is None:
            return self._put(1, IfNoneMatch="*")
        if found.free or found.age > found.term + MARGIN:
            return self._put(found.fence + 1, IfMatch=found.etag)
        return False

    def require_held(self) -> None:
        """Raise LeaseLostError unless nobody else can have it now."""
        if self._lost or time.monotonic() >= self._until:
            raise LeaseLostError(
                f"the lock {self._path} was not renewed for {self._term:g} seconds, so another process may have it.",
                hint="Run it again: nothing half-written counts. LYO_LEASE_SECONDS gives slow machines and networks more time.",
            )

    def release(self) -> None:
        """Give it back; what cannot be given back ends by itself."""
        self._done.set()
        self._renewing.join()
        if not self._lost:
            with suppress(OSError):
                self._put(self.fence, IfMatch=self._etag, free=True)

    def _renew(self) -> None:
        while not self._done.wait(self._term / 4):
            with suppress(OSError):  # the storage did not answer: until the term is over there is time to ask again
                if not self._put(self.fence, IfMatch=self._etag):
                    self._lost = True
                    return

    def _put(self, fence: int, *, free: bool = False, **condition: str) -> bool:
        """Write it; False where the condition does not hold. Every write has a content, and so an ETag, of its own."""
        asked, body = time.monotonic(), uuid.uuid4().hex.encode()
        told_of = {"owner": self._owner, "fence": str(fence), "term": str(self._term), "free": str(int(free))}
        try:
            with told():
                answer: Any = self._store.remote.call_s3(
                    "put_object", Bucket=self._bucket, Key=self._key, Body=body, Metadata=told_of, **condition
                )
        except OSError as error:
            if not isinstance(error, FileExistsError) and error.errno not in _TAKEN:
                raise
            # the answer to a first attempt may have been lost: then what lies there is this very write
            return self._is_ours(told_of, body, fence, asked)
        self._etag, self.fence, self._until = answer["ETag"], fence, asked + self._term
        return True

    def _is_ours(self, told_of: dict[str, str], body: bytes, fence: int, asked: float) -> bool:
        try:
            if self._store.remote.cat_file(self._path) != body:
                return False
        except FileNotFoundError:
            return False
        found = self._look()
        if found is None:
            return False
        self._etag, self.fence, self._until = found.etag, fence, asked + self._term
        return True

    def _look(self) -> _Found | None:
        try:
            with told():
                answer: Any = self._store.remote.call_s3("head_object", Bucket=self._bucket, Key=self._key)
        except FileNotFoundError:
            return None
        said, now = answer["Metadata"], parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        age = (now - answer["LastModified"]).total_seconds()
        return _Found(answer["ETag"], int(said["fence"]), age, float(said["term"]), said["free"] == "1")


@contextmanager
def leased(lake: Lake, name: str, *, timeout: float | None = None) -> Generator[None]:
    """Hold `lake/locks/<name>`, on a lake in object storage; elsewhere (a storage without conditional writes) nothing is locked.

    Raises TimeoutError; within, every write raises LeaseLostError once the lease is lost.
    """
    store = lake.fs
    if not isinstance(store, ObjectStore):
        yield
        return
    lease = Lease(store, lake.path("locks", name), Settings.from_env().lease_seconds)
    lease.acquire(timeout)
    store.guards.add(lease.require_held)
    try:
        yield
    finally:
        store.guards.discard(lease.require_held)
        lease.release()
