"""Landing one of many inputs: whatever goes wrong with it stays with it, and the others go on."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from datetime import datetime
from typing import Any

from lyo_pipelines.config.interactions import InteractionsConfig
from lyo_pipelines.faults import fault_report
from lyo_pipelines.interactions.fields.mapping import Mapping
from lyo_pipelines.interactions.landing.clocks import with_times_told
from lyo_pipelines.interactions.landing.file_names import input_name
from lyo_pipelines.interactions.landing.land_file import land_file
from lyo_pipelines.interactions.landing.report import LandingReport
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.interactions.store.key_fingerprint import OtherKeyError
from lyo_pipelines.storage.lake import Lake


def land_confined(
    lake: Lake,
    path: str,
    *,
    pseudonyms: Pseudonyms,
    config: InteractionsConfig,
    format: str = "auto",
    mapping: Mapping | None = None,
    now: datetime | None = None,
    fs: Any | None = None,
) -> LandingReport:
    """Land one file as `land_file` does; an exception that nobody foresaw becomes its report, with `unreadable` and `fault`.

    Another key than the lake's passes, too, and an OSError: what the input's own disk says never comes as one (source_file.py), so it
    is the lake's, and would meet every other file as well.
    """
    try:
        report = land_file(
            lake, path, pseudonyms=pseudonyms, config=config, format=format, mapping=mapping, now=now, fs=fs
        )
        return with_times_told(report)
    except (OSError, OtherKeyError):
        raise
    except BrokenExecutor as error:  # killed from outside, or for its memory: nothing says that the file is to blame
        why = "a process that read it was ended from outside (for its memory, perhaps): it is read again next time"
        return _fault(path, pseudonyms, format, error, why, try_again=True)
    except Exception as error:
        why = (
            f"{type(error).__name__}, which nobody foresaw: a fault of lyo_pipelines. The traceback is in the log; "
            "please report it"
        )
        return _fault(path, pseudonyms, format, error, why, try_again=False)


def _fault(
    path: str, pseudonyms: Pseudonyms, format: str, error: Exception, why: str, *, try_again: bool
) -> LandingReport:
    return LandingReport(
        "", input_name(path, pseudonyms), format, unreadable=why, fault=fault_report(error), try_again=try_again
    )
