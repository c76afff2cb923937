"""What an evaluation looks at besides its test items: word lists, rated answers, other segments' items, pairs that people judged.

All of it is read from the lake before anything is asked, and is part of the report's fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.contracts.dataset import DataManifest
from lyo_pipelines.curation.wordlists import Wordlists, load_wordlists
from lyo_pipelines.evaluation.inputs.item_sets import ItemSet, item_sets
from lyo_pipelines.evaluation.inputs.items import items_hash
from lyo_pipelines.evaluation.inputs.ratings import RatedAnswers, rated_answers
from lyo_pipelines.evaluation.judge.pairs import RatedPair, rated_pairs
from lyo_pipelines.storage.lake import Lake


@dataclass(frozen=True)
class EvaluationContext:
    """rated: None where there is no lake to read from or nobody wants it; sets: for collateral damage; pairs: for the judge."""

    lists: Wordlists
    curation: CurationConfig
    rated: RatedAnswers | None = None
    sets: tuple[ItemSet, ...] = ()
    pairs: tuple[RatedPair, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes with anything that the report may depend on."""
        parts = [
            self.lists.signature,
            [sorted(self.curation.persona_tasks), self.curation.refusal_window_characters],
            self.rated.fingerprint if self.rated else None,
            [(part.name, items_hash(list(part.items))) for part in self.sets],
            [pair.key for pair in self.pairs],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def gather_context(
    lake: Lake | None,
    dataset_dir: Path,
    manifest: DataManifest,
    config: EvaluationConfig,
    curation: CurationConfig,
) -> EvaluationContext:
    """Read what the configuration asks for. Without a lake there are the packaged word lists and the general set."""
    rated = pairs = None
    if lake is not None and config.satisfaction.enabled:
        rated = rated_answers(lake, list(manifest.segment_keys), dataset_dir, config.satisfaction.maximum_ratings)
    if lake is not None and config.judge is not None:
        pairs = rated_pairs(lake, manifest.segment, config.judge.rated_pairs)
    return EvaluationContext(
        lists=load_wordlists(lake),
        curation=curation,
        rated=rated,
        sets=item_sets(lake, manifest, config.collateral),
        pairs=pairs or (),
    )
