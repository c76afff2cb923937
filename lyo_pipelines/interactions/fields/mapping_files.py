"""Which mapping belongs to a file: its sibling `<file>.mapping.yaml`, or one of `<data>/mappings/` whose `match` fits its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lyo_pipelines.interactions.errors import MappingError
from lyo_pipelines.interactions.fields.mapping import Mapping, parse_mapping
from lyo_pipelines.interactions.reading.source_file import plain_name
from lyo_pipelines.storage.lake import Lake

SUFFIX = ".mapping.yaml"


@dataclass(frozen=True)
class FoundMapping:
    """A mapping file and its content. closed: why it could not be opened, or None; it is still the mapping of its file."""

    path: str
    content: bytes
    closed: str | None = None

    @property
    def digest(self) -> str:
        """Changes when the mapping does."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def parse(self) -> Mapping:
        """The mapping. Raises MappingError, whatever is wrong with it."""
        name = plain_name(self.path.rsplit("/", 1)[-1])
        if self.closed is not None:
            raise MappingError(f"{name}: cannot be opened ({self.closed}).")
        try:
            mapping = parse_mapping(self.content, name)
            mapping.model_dump_json()  # its reading is known by this text: half a surrogate pair has none
        except MappingError:
            raise
        except (ValueError, TypeError, RecursionError, AttributeError, LookupError) as error:
            # a date such as 2026-13-45, a list in itself, … : YAML readers raise what they like
            said = (str(error).splitlines() or [""])[0][:200]
            raise MappingError(f"{name}: is no readable YAML ({type(error).__name__}: {said}).") from error
        return mapping


class MappingFiles:
    """The mapping files of one installation; shared ones (by name) are read once.

    closed: shared mappings that cannot be opened (so that nobody can tell which files they are for), by name, with the reason.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        folder = lake.side("mappings")
        names = [name for name in lake.names(folder) if name.endswith((".yaml", ".yml"))]
        shared = [self._read(f"{folder}/{name}") for name in names]
        self.shared = dict(zip(names, shared, strict=True))
        self._globs: list[tuple[str, FoundMapping]] = [(glob, found) for found in shared if (glob := _match(found))]
        self.closed = {
            plain_name(found.path.rsplit("/", 1)[-1]): found.closed for found in shared if found.closed is not None
        }

    def find(self, path: str) -> FoundMapping | None:
        """The mapping of a data file: the sibling first, then the first shared one (by name) whose `match` fits."""
        sibling = path + SUFFIX
        if self._lake.exists(sibling):
            return self._read(sibling)
        name = path.rsplit("/", 1)[-1]
        return next((found for glob, found in self._globs if fnmatchcase(name, glob)), None)

    def _read(self, path: str) -> FoundMapping:
        try:
            if self._lake.fs.info(path)["type"] != "file":
                return FoundMapping(path, b"", closed="it is no file")
            return FoundMapping(path, self._lake.fs.cat_file(path))
        except OSError as error:  # no right to it, a folder, a link to nothing
            return FoundMapping(path, b"", closed=error.strerror or type(error).__name__)


def _match(found: FoundMapping) -> str | None:
    """The `match` of a shared mapping, also of one that is wrong elsewhere: its error must reach the files it is meant for."""
    for line in found.content.decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and key == "match":
            return value.partition(" #")[0].strip().strip("'\"")
    return None
