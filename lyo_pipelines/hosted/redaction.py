"""One more redaction of personal data in what leaves for a provider, however old the rules are by which it was curated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import polars as pl

from lyo_pipelines.config.curation import CurationConfig


def redacted(texts: Iterable[str], curation: CurationConfig, counts: Counter[str] | None = None) -> Mapping[str, str]:
    """Text -> what may leave of it, for those that change. counts: gets what was found, by kind."""
    # its patterns take a second to compile, and every process that only knows of hosted models loads this module
    from lyo_pipelines.curation.privacy.redact import redact_unique

    unique = list(dict.fromkeys(text for text in texts if text))
    found = redact_unique(pl.Series(unique, dtype=pl.String), curation)
    for one in found.values():
        if counts is not None:
            counts.update(one.counts)
    return {unique[index]: one.text for index, one in found.items()}
