"""Which document sets and files there are. `data/documents/<set>/**`; what stands in the files is read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from lyo_pipelines.documents.contract import DocumentSetError
from lyo_pipelines.documents.metadata import SET_FILE, SIDECAR
from lyo_pipelines.interactions.landing.inbox_listing import ListedFile, is_unfinished, local_entries
from lyo_pipelines.interactions.reading.source_file import modified_time, plain_name
from lyo_pipelines.segments import SegmentKeyError, segment_key
from lyo_pipelines.storage.lake import Lake, NotLocalError

FOLDER = "documents"


@dataclass(frozen=True)
class DocumentFile:
    """A file of a set. path: below the set's folder, bytes that are no UTF-8 escaped; full: for the filesystem; size in bytes; mtime:
    seconds since 1970. trouble: why there is nothing to read (a link to nothing, a named pipe), or None.
    """

    path: str
    full: str
    size: int
    mtime: float
    trouble: str | None = None


@dataclass(frozen=True)
class SetFiles:
    """A set's documents by path, and the YAML files that say something of them. trouble: why it can be no set at all, or None."""

    name: str
    documents: tuple[DocumentFile, ...] = ()
    beside: tuple[DocumentFile, ...] = ()
    trouble: str | None = None

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
    """All sets of `data/documents/`, by name. Folders that cannot be a set (no name for one, or that of another) have `trouble`."""
    root = lake.side(FOLDER)
    found: dict[str, list[str]] = {}
    troubled: dict[str, SetFiles] = {}
    for folder in lake.names(root):
        if folder.startswith((".", "_")) or not lake.fs.isdir(f"{root}/{folder}"):
            continue
        try:
            found.setdefault(set_name(plain_name(folder)), []).append(folder)
        except DocumentSetError as error:
            shown = plain_name(folder)
            troubled[shown] = SetFiles(shown, _files(lake, shown, f"{root}/{folder}").documents, trouble=str(error))
    sets = {name: _files(lake, name, f"{root}/{folders[0]}") for name, folders in found.items()}
    for name, (first, *others) in found.items():
        if others:
            clash = f"the folders {first!r} and {others[0]!r} of {root} are both the set {name}: rename one"
            sets[name] = replace(sets[name], trouble=clash)
    return {**troubled, **sets}


def set_files(lake: Lake, name: str) -> SetFiles:
    """One set's files; without its folder it is an empty set. Raises DocumentSetError when it can be no set."""
    files = source_sets(lake).get(name) or SetFiles(name)
    if files.trouble is not None:
        raise DocumentSetError(files.trouble)
    return files


def source_folder(lake: Lake, name: str) -> str:
    """Where new files of a set go: its folder as it is called, or one of its name."""
    root = lake.side(FOLDER)
    named = [folder for folder in lake.names(root) if not folder.startswith((".", "_")) and _is_of(folder, name)]
    return f"{root}/{named[0] if named else name}"


def document_time(file: DocumentFile, now: datetime) -> datetime:
    """When a file was last changed, in the time zone of `now`; `now` where the filesystem does not say."""
    return datetime.fromtimestamp(file.mtime, tz=now.tzinfo) if file.mtime else now


def _is_of(folder: str, name: str) -> bool:
    try:
        return set_name(plain_name(folder)) == name
    except DocumentSetError:
        return False


def _files(lake: Lake, name: str, folder: str) -> SetFiles:
    documents, beside = [], []
    for listed in _entries(lake, folder):
        if is_unfinished(listed.name):
            continue
        path = plain_name(listed.name)
        file = DocumentFile(path, listed.path, listed.size, listed.mtime, listed.trouble)
        (beside if path == SET_FILE or path.endswith(SIDECAR) else documents).append(file)
    return SetFiles(name, tuple(documents), tuple(beside))


def _entries(lake: Lake, folder: str) -> list[ListedFile]:
    try:
        local = lake.local(folder)
    except NotLocalError:
        lake.fs.invalidate_cache(folder)
        found = [
            ListedFile(full, full[len(folder) :].lstrip("/"), int(info.get("size") or 0), modified_time(info) or 0.0)
            for full, info in lake.fs.find(folder, detail=True).items()
        ]
    else:
        found = list(local_entries(local))
    return sorted(found, key=lambda file: file.path)
