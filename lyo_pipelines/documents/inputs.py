"""What a document set was built from, as one signature, and which sets are no longer up to date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.curation.wordlists import Wordlists, load_wordlists
from lyo_pipelines.documents.contract import DOCUMENTS_VERSION
from lyo_pipelines.documents.files import SetFiles, source_sets
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.made_from import inputs_of


@dataclass(frozen=True)
class StaleSet:
    """A set to build: its files, and what it would be built from."""

    files: SetFiles
    signature: str


_OF_CURATION = (
    "metadata_name_keys", "assistant_names", "redact_titled_names", "personal_data_threshold", "language_minimum_letters",
    "script_minimum_share", "romanised_minimum_share", "detector_minimum_score",
)  # fmt: skip
"""Configuration of curation that decide what a document's text becomes."""
_OF_CLUSTERS = ("near_duplicate_similarity", "near_duplicate_ngram", "near_duplicate_permutations", "near_duplicate_bands",
                "near_duplicate_seed")  # fmt: skip


def rules_signature(config: DocumentConfig, curation: CurationConfig, lists: Wordlists) -> str:
    """A digest of everything but the files that decides how a document is read."""
    told = [
        DOCUMENTS_VERSION,
        config.model_dump(mode="json"),
        curation.model_dump(mode="json", include=set(_OF_CURATION)),
        lists.signature,
    ]
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()


def set_signature(files: SetFiles, rules: str, curation: CurationConfig) -> str:
    """What a set must have been built from to be up to date."""
    clusters = json.dumps(curation.model_dump(mode="json", include=set(_OF_CLUSTERS)), sort_keys=True)
    return f"{files.signature}-{rules}-{blake2b(clusters.encode(), digest_size=4).hexdigest()}"


def built_from(lake: Lake, name: str) -> str | None:
    """What a set says it was built from; None when it was not built, empty when its file is damaged."""
    return inputs_of(lake, lake.documents(name))


def stale_sets(lake: Lake, config: DocumentConfig, curation: CurationConfig) -> dict[str, StaleSet]:
    """Sets whose files, configuration or rules are not those that they were built from; also one whose folder is gone."""
    rules = rules_signature(config, curation, load_wordlists(lake))
    built = lake.document_sets()
    known = {**{name: SetFiles(name) for name in built}, **source_sets(lake)}
    stale = {}
    for name, files in sorted(known.items()):
        signature = set_signature(files, rules, curation)
        if (files.documents or name in built) and built_from(lake, name) != signature:
            stale[name] = StaleSet(files, signature)
    return stale
