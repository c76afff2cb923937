"""Which document sets and files there are. `data/documents/<set>/**`; what stands in the files is read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from lyo_pipelines.documents.contract import DocumentSetError
from lyo_pipelines.documents.metadata import SET_FILE, SIDECAR
from lyo_pipelines.interactions.reading.source_file import modified_time
from lyo_pipelines.segments import SegmentKeyError, segment_key
from lyo_pipelines.storage.lake import Lake

FOLDER = "documents"


@dataclass(frozen=True)
class DocumentFile:
    """A file of a set. path: below the set's folder; full: for the filesystem; size in bytes; mtime: seconds since 1970."""

    path: str
    full: str
    size: int
    mtime: float


@dataclass(frozen=True)
class SetFiles:
    """A set's documents by path, and the YAML files that say something of them."""

    name: str
    documents: tuple[DocumentFile, ...] = ()
    beside: tuple[DocumentFile, ...] = ()

    @property
    def signature(self) -> str:
        """A digest that changes when a file comes, goes or changes (names, sizes and times only)."""
        listed = "\n".join(f"{one.path} {one.size} {one.mtime}" for one in (*self.documents, *self.beside))
        return blake2b(listed.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    @property
    def newest(self) -> float:
        """When the last of the files changed."""
        return max((one.mtime for one in (*self.documents, *self.beside)), default=0.0)


def set_name(folder: str) -> str:
    """The name of a folder's set, as it stands in segment keys. Raises DocumentSetError when nothing of it can."""
    try:
        name = segment_key("documents", "en", folder).partition("documents.en")[2].lstrip(".")
    except SegmentKeyError:
        name = ""
    if not name:
        raise DocumentSetError(f"{folder!r} cannot name a document set: use letters a to z, digits and _")
    return name


def source_sets(lake: Lake) -> dict[str, SetFiles]:
    """All sets of `data/documents/`, by name. Raises DocumentSetError when two folders come to the same name."""
    root = lake.side(FOLDER)
    found: dict[str, str] = {}
    for folder in lake.names(root):
        if folder.startswith((".", "_")) or not lake.fs.isdir(f"{root}/{folder}"):
            continue
        name = set_name(folder)
        if name in found:
            raise DocumentSetError(
                f"the folders {found[name]!r} and {folder!r} of {root} are both the set {name}: rename one"
            )
        found[name] = folder
    return {name: _files(lake, name, f"{root}/{folder}") for name, folder in found.items()}


def set_files(lake: Lake, name: str) -> SetFiles:
    """One set's files; without its folder it is an empty set."""
    return source_sets(lake).get(name) or SetFiles(name)


def source_folder(lake: Lake, name: str) -> str:
    """Where new files of a set go: its folder as it is called, or one of its name."""
    root = lake.side(FOLDER)
    named = [folder for folder in lake.names(root) if not folder.startswith((".", "_")) and set_name(folder) == name]
    return f"{root}/{named[0] if named else name}"


def document_time(file: DocumentFile, now: datetime) -> datetime:
    """When a file was last changed, in the time zone of `now`; `now` where the filesystem does not say."""
    return datetime.fromtimestamp(file.mtime, tz=now.tzinfo) if file.mtime else now


def _files(lake: Lake, name: str, folder: str) -> SetFiles:
    lake.fs.invalidate_cache(folder)
    documents, beside = [], []
    for full, info in sorted(lake.fs.find(folder, detail=True).items()):
        path = full[len(folder) :].lstrip("/")
        if any(part.startswith((".", "~$")) for part in path.split("/")):
            continue
        file = DocumentFile(path, full, int(info.get("size") or 0), modified_time(info) or 0.0)
        (beside if path == SET_FILE or path.endswith(SIDECAR) else documents).append(file)
    return SetFiles(name, tuple(documents), tuple(beside))
