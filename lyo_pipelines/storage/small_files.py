"""Reading small files of state (pointers, claims, remembered figures) so that a damaged one is told from a missing one.

Whoever reads many of them goes on with the others; what a damaged one means is for its reader to say.
"""

from __future__ import annotations

import json

from lyo_pipelines.json_types import JsonObject, is_dict
from lyo_pipelines.storage.damage import DamagedFileError, told_reason
from lyo_pipelines.storage.lake import Lake


def read_object(lake: Lake, path: str) -> JsonObject:
    """The JSON object in a file.

    Raises FileNotFoundError or NotADirectoryError where there is none, and DamagedFileError for anything else.
    """
    try:
        told = json.loads(lake.read_text(path))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is damaged: {told_reason(error)}", hint="Restore it from a backup.") from error
    if not is_dict(told):
        raise DamagedFileError(f"{path} is damaged: it holds no JSON object", hint="Restore it from a backup.")
    return told


def is_hidden(name: str) -> bool:
    """Whether a name is one that file managers leave behind (.DS_Store, ._name): nobody means anything by it."""
    return name.startswith(".")
