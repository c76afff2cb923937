"""S3-compatible object storage as the lake's file system: a write is one PUT of a finished file, and nothing is believed from memory.

An object appears whole or not at all, but there is no rename: it would be a copy and a removal. So what the lake writes under a
temporary name, or stages for a landing, lies in a scratch folder of this process, and the rename uploads it. A killed process leaves
nothing in the bucket. Listings are asked for each time (they are strongly consistent), never taken from fsspec's cache.
"""

# fsspec and s3fs bring no types, so what a file system gives is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownParameterType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportIncompatibleMethodOverride=false
# pyright: reportUntypedBaseClass=false, reportMissingParameterType=false

from __future__ import annotations

import errno
import io
import shutil
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import fsspec
from fsspec.spec import AbstractFileSystem

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.scratch import process_scratch

PROTOCOLS = ("s3", "s3a")
TEMPORARY = ".tmp-"
STAGING = "staging"
"""Folder of the lake in which landings are prepared: it is no part of it."""
_AT_ONCE = 8 << 20
"""Bytes up to which an object is read in one request; larger ones are read in parts of this size."""
_FILES = (".parquet", ".json", ".jsonl", ".csv", ".md", ".txt")
"""Endings that no folder of the lake has."""
_WRITER = "writer"
_ATTEMPTS = 5


class ObjectStoreError(LyoError, OSError):
    """The object storage cannot be reached or refuses; the message holds no credentials. An OSError too, as other storages raise."""


class ObjectStore(AbstractFileSystem):
    """An S3 file system, with temporary and staged paths on this machine's disk. base: of the lake, without the protocol.

    guards: are called before every change of an object; a lease puts itself there while it is held.
    """

    protocol = PROTOCOLS
    cachable = False

    def __init__(self, remote: Any, base: str) -> None:
        super().__init__()
        self.remote = remote
        self.guards = set[Callable[[], None]]()
        self._base, self._staging = base, f"{base}/lake/{STAGING}"

    # -- which side a path is on -----------------------------------------------------------------------------------
    def _staged(self, path: str) -> Path | None:
        """Where a path lies on this machine; None for an object."""
        name = path.removeprefix(self._base).strip("/")
        inside = path == self._staging or path.startswith(f"{self._staging}/")
        if inside or any(part.startswith(TEMPORARY) for part in name.split("/")):
            return process_scratch() / name
        return None

    @contextmanager
    def _changing(self) -> Generator[None]:
        for guard in tuple(self.guards):
            guard()
        with told():
            yield

    # -- reading ---------------------------------------------------------------------------------------------------
    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:  # noqa: D102
        staged = self._staged(path)
        if staged is not None:
            if "r" not in mode:
                staged.parent.mkdir(parents=True, exist_ok=True)
            return staged.open(mode)
        if "r" not in mode:
            raise ValueError(f"{path}: an object is written by Lake.replacing")
        with told():
            handle = self.remote.open(path, "rb", block_size=_AT_ONCE)
            if handle.size > _AT_ONCE:  # in parts, each only if the object is still the same one
                found: Any = handle
            else:
                with handle:
                    found = io.BytesIO(handle.read())
        return found if "b" in mode else io.TextIOWrapper(found, encoding="utf-8")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:  # noqa: D102
        if (staged := self._staged(path)) is not None:
            return staged.read_bytes()[start:end]
        with told():
            return self.remote.cat_file(path, start=start, end=end)

    def info(self, path: str, **options: Any) -> dict[str, Any]:  # noqa: D102
        if (staged := self._staged(path)) is not None:
            return {**_LOCAL.info(str(staged)), "name": path}
        with told():
            if path.startswith(f"{self._base}/lake/") and path.endswith(_FILES):
                return self._head(path)
            return self.remote.info(path)

    def _head(self, path: str) -> dict[str, Any]:
        """Of what can be no folder one question is enough; s3fs would list what lies below a missing file."""
        bucket, _, key = path.partition("/")
        found: Any = self.remote.call_s3("head_object", Bucket=bucket, Key=key)
        times = {"ETag": found["ETag"], "LastModified": found["LastModified"]}
        return {"name": path, "type": "file", "size": found["ContentLength"], **times}

    def exists(self, path: str, **options: Any) -> bool:  # noqa: D102
        try:
            self.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:  # noqa: D102
        if (staged := self._staged(path)) is not None:
            found = [{**one, "name": f"{path.rstrip('/')}/{Path(one['name']).name}"} for one in _LOCAL.ls(str(staged))]
            return found if detail else [one["name"] for one in found]
        with told():
            return self.remote.ls(path, detail=detail)

    def find(  # noqa: D102
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **options: Any
    ) -> Any:
        with told():
            return self.remote.find(path, maxdepth=maxdepth, withdirs=withdirs, detail=detail)

    def modified(self, path: str) -> datetime:  # noqa: D102
        with told():
            return self.remote.modified(path)

    def get_file(self, path: str, target: str, **options: Any) -> None:  # noqa: D102
        with told():
            self.remote.get_file(path, target)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Nothing: there is no cache."""

    # -- changing --------------------------------------------------------------------------------------------------
    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """Write an object in one request. mode "create": only where there is none; raises FileExistsError."""
        if (staged := self._staged(path)) is not None:
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(value)
            return
        with self._changing():
            if mode == "create":
                self._create(path, value)
            else:
                self.remote.pipe_file(path, value)

    def _create(self, path: str, value: bytes) -> None:
        writer = uuid.uuid4().hex
        for attempt in range(_ATTEMPTS):
            try:
                self.remote.pipe_file(path, value, mode="create", Metadata={_WRITER: writer})
            except FileExistsError:
                # an answer may be lost on its way, and the request is then made again: the object may be our own
                if self.remote.metadata(path, refresh=True).get(_WRITER) == writer:
                    return
                raise
            except OSError as error:
                if error.errno != errno.EBUSY or attempt + 1 == _ATTEMPTS:  # 409: others write it at this moment
                    raise
                time.sleep(0.1 * 2**attempt)
            else:
                return

    def upload(self, source: str, path: str) -> None:
        """Put a file of this machine there, as one object."""
        with self._changing():
            self.remote.put_file(source, path)

    def touch(self, path: str, truncate: bool = True, **options: Any) -> None:  # noqa: D102
        self.pipe_file(path, b"")

    def mv(self, path1: str, path2: str, recursive: bool = False, **options: Any) -> None:
        """Upload what is staged; copy an object and remove it (doing that again changes nothing)."""
        staged = self._staged(path1)
        if staged is None:
            with self._changing():
                self.remote.cp_file(path1, path2)
                self.remote.rm_file(path1)
        else:
            with self._changing():
                self.remote.put_file(str(staged), path2)
            staged.unlink()

    def rm(self, path: str, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove a file, or (recursive) all below a folder."""
        if (staged := self._staged(path)) is not None:
            shutil.rmtree(staged) if staged.is_dir() else staged.unlink()
            return
        with self._changing():
            for found in self.remote.find(path) if recursive else [path]:
                self.remote.rm_file(found)

    rm_file = rm

    def makedirs(self, path: str, **options: Any) -> None:
        """Folders are made by what lies in them."""

    def mkdir(self, path: str, **options: Any) -> None:
        """Folders are made by what lies in them."""


_LOCAL: Any = fsspec.filesystem("file")


def is_object_store(root: str) -> bool:
    """Whether a data directory lies in S3-compatible storage."""
    return root.partition("://")[0] in PROTOCOLS and "://" in root


@cache
def object_store(root: str) -> ObjectStore:
    """The one file system of this process for a data directory. Raises ObjectStoreError where s3fs is not installed."""
    try:
        remote, base = fsspec.core.url_to_fs(root, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as error:
        raise ObjectStoreError(
            "LYO_DATA_DIR lies in object storage, and s3fs is not installed.",
            hint="Run `pip install 'lyo_pipelines[s3]'`.",
        ) from error
    return ObjectStore(remote, str(base).rstrip("/"))


@contextmanager
def told() -> Generator[None]:
    """What the storage's client raises that is no OSError, as an error that says what to do; it names the kind, not the request."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (OSError, LyoError)) or not type(error).__module__.startswith(
            ("botocore", "aiobotocore", "aiohttp")
        ):
            raise
        raise ObjectStoreError(
            f"the object storage of LYO_DATA_DIR does not answer ({type(error).__name__})",
            hint="Look at AWS_ENDPOINT_URL, at the credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "a profile) and at the network.",
        ) from None
