"""What is wrong with a file of the lake, told by its path and with what to do: the one way in which damage is reported.

Parquet files are written with a checksum of every page (CRC-32, as the format lays it down) and these are verified whenever a page is
read, so that a flipped bit is an error and never another value. So is the footer, by a checksum of our own (footer_seal.py).
"""

# pyarrow brings no types, so a table is unknown here:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportMissingParameterType=false

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lyo_pipelines.errors import LyoError
from lyo_pipelines.storage.footer_seal import footer_is_damaged

PARQUET: dict[str, Any] = {"compression": "zstd", "compression_level": 1, "write_page_checksum": True}
"""How every Parquet file of the lake is written."""
RESTORE = "Restore it from a backup; `lyo verify` lists everything that is damaged, each with what to do."

_MACHINE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""What says nothing about the bytes of a file."""


class DamagedFileError(LyoError):
    """A file is there and cannot be read; the message names it and says what is wrong with it."""


class DamagedTableError(DamagedFileError, OSError):
    """A Parquet file is cut, was changed, or is none. An OSError too: callers that go on without a file catch that."""


class DamagedLandingError(DamagedFileError):
    """What has landed is not what lies there now; the message names every file and what to do."""


class CheckedTable(pq.ParquetFile):
    """A Parquet file whose page checksums are verified; what cannot be read names the file."""

    def __init__(self, source: Any, path: str) -> None:
        self._told_path = path
        with damage_told(path):
            if isinstance(source, Path):
                with source.open("rb") as file:
                    require_whole_footer(file)
            else:
                require_whole_footer(source)
            super().__init__(source, page_checksum_verification=True)

    def read(self, *args: Any, **options: Any) -> pa.Table:
        """As ParquetFile.read. Raises DamagedTableError."""
        with damage_told(self._told_path):
            return super().read(*args, **options)

    def read_row_group(self, *args: Any, **options: Any) -> pa.Table:
        """As ParquetFile.read_row_group. Raises DamagedTableError."""
        with damage_told(self._told_path):
            return super().read_row_group(*args, **options)

    def iter_batches(self, *args: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        """As ParquetFile.iter_batches. Raises DamagedTableError."""
        batches = super().iter_batches(*args, **options)
        while True:
            with damage_told(self._told_path):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def require_whole_footer(file: BinaryIO) -> None:
    """Raises ArrowInvalid where the footer has a checksum that it does not fit; leaves the file at its beginning."""
    if footer_is_damaged(file):
        raise pa.ArrowInvalid("its footer does not fit its checksum")
    file.seek(0)


@contextmanager
def damage_told(path: str) -> Generator[None]:
    """Turn what a Parquet reader says of damaged bytes into an error that names the file; a missing file or right passes as it is."""
    try:
        yield
    except DamagedFileError:
        raise
    except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if isinstance(error, OSError) and error.errno in _MACHINE:
            raise
        said = " ".join(str(error).split())[:200]
        raise DamagedTableError(f"{path} is damaged: {said}", hint=RESTORE) from error


def told_reason(error: Exception) -> str:
    """What is wrong with a file, in one clause."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"it is not JSON ({error})" if str(error) else type(error).__name__
