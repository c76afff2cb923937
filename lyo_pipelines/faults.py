"""What is said of an exception that nobody foresaw: it is a fault of ours, and this is how to report it.

Errors that a person can act on are LyoErrors (errors.py) and never come here.
"""

from __future__ import annotations

import platform
import shlex
import sys
import traceback
from importlib import metadata
from pathlib import Path

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h: nothing that the caller gave is to blame."""

_PACKAGE = Path(__file__).resolve().parent


def fault_report(error: BaseException, command: list[str] | None = None) -> str:
    """The traceback, and below it what a report of the fault needs; the last line names the fault itself.

    command: how the program was called (default: sys.argv).
    """
    called = shlex.join(sys.argv if command is None else command)
    versions = f"lyo_pipelines {_version()}, Python {platform.python_version()}, {platform.platform()}"
    return "\n".join(
        (
            "".join(traceback.format_exception(error)),
            "This is a fault of lyo_pipelines, not of what you gave it. Please open an issue in the project's issue tracker, with",
            "the traceback and the lines below. Take out first what others must not read, such as names in a path or a message.",
            f"  command: {called}",
            f"  versions: {versions}",
            f"  fault: {type(error).__name__} in {_place(error)}: {' '.join(str(error).split())}",
        )
    )


def _place(error: BaseException) -> str:
    """The deepest line of ours that the error came through, else the deepest line of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _PACKAGE in Path(frame.filename).parents]
    if not frames:
        return "an unknown place"
    frame = (ours or frames)[-1]
    file = Path(frame.filename)
    name = file.relative_to(_PACKAGE.parent) if ours else file
    return f"{name}:{frame.lineno} ({frame.name})"


def _version() -> str:
    try:
        return metadata.version("lyo_pipelines")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"
