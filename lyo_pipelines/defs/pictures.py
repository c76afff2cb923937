"""Pictures and whole reports as files that the UI's own server hands out, so that a page shows a picture at once.

Dagster's page shows Markdown of fewer than 1,000 characters at once and hides the rest behind a link (MetadataEntry.tsx of 1.13), so
a picture inside its Markdown is always hidden. Its webserver also hands out what lies in the folder of captured logs
(`/logs/<folder>/<name>/<ending>`): a picture that lies there takes sixty characters, and no row of the database grows. A report is
downloaded from there, never opened on the UI's own address.

Where logs are kept elsewhere (a cloud bucket, a test) a picture stands inside its Markdown as before, and a report has no link.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import dagster as dg

from lyo_pipelines.plotting import MAXIMUM_BYTES, markdown_image
from lyo_pipelines.storage.whole_files import write_whole

FOLDER = "lyo"
"""Below the folder of captured logs. What lies there can be removed: it is drawn again by the next materialization."""


def picture(instance: dg.DagsterInstance, png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """A PNG as metadata that a page shows at once. alt: what it shows, for those who cannot see it."""
    url = served_file(instance, f"{sha256(png).hexdigest()[:24]}.png", png)
    if url is None and len(png) > MAXIMUM_BYTES:
        return dg.MetadataValue.md(f"{alt}: too large to be shown here; see the file beside the data.")
    return dg.MetadataValue.md(f"![{alt}]({url})" if url else markdown_image(png, alt))


def served_file(instance: dg.DagsterInstance, name: str, content: bytes) -> str | None:
    """Put a file where the UI's server finds it and return its address on that server; None where logs are kept elsewhere.

    name: `<stem>.<ending>`; the same name is written again.
    """
    place = getattr(instance.compute_log_manager, "get_captured_local_path", None)
    if place is None:
        return None
    stem, _, ending = name.rpartition(".")
    path = Path(place([FOLDER, stem], ending))
    if not path.is_file() or path.stat().st_size != len(content) or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    return f"/logs/{FOLDER}/{stem}/{ending}"
