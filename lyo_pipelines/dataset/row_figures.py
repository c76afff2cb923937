"""Every figure that chose, changed, weighed or split the rows of a dataset: named in its manifest, card and report."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from hashlib import sha256

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.contracts.dataset import DataManifest
from lyo_pipelines.curation.inputs import StaleDaysError
from lyo_pipelines.curation.inputs import row_figures as figures_of_curation
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.dataset.expiry import editions_told
from lyo_pipelines.dataset.scope import DOCUMENTS, MIXTURE
from lyo_pipelines.json_types import JsonObject, is_dict
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import NOTHING_DECLARED, Validity

_OF_CHECKS = frozenset(
    {
        "minimum_groups", "largest_group_share", "proportions_alpha", "proportions_minimum_groups", "report_items",
        "row_group_rows", "licence", "contact", "preferences", "mixtures", "teams",
    }
)  # fmt: skip
"""Figures of the dataset stage that check, refuse or describe a version and never move a row."""


def row_figures(
    lake: Lake,
    segment: str,
    tasks: Collection[str],
    config: DatasetConfig,
    curation: CurationConfig,
    documents: DocumentConfig | None = None,
    *,
    validity: Validity = NOTHING_DECLARED,
    segments: Iterable[str] = (),
) -> JsonObject:
    """`section.name` -> value of each figure that shapes the rows of a segment, a parent or a mixture of these tasks.

    documents: their figures, where one of the tasks is documents. validity: what the curriculum says of these `segments`.
    """
    sections: dict[str, JsonObject] = {"dataset": config.model_dump(mode="json", exclude=set(_OF_CHECKS))}
    task, _, name = segment.partition(".")
    if task == MIXTURE:
        sections["dataset"]["mixture"] = list(config.mixtures.get(name, ()))
    if (team := parse_parent(segment).facet) in config.teams.allowed:
        sections["dataset"]["team"] = {"name": team, "user_share": config.teams.user_share}
    if set(tasks) != {DOCUMENTS}:
        sections["curation"] = figures_of_curation(curation, load_wordlists(lake))
    if DOCUMENTS in tasks and documents is not None:
        sections["documents"] = documents.model_dump(mode="json")
    if editions := editions_told(segments, validity):
        sections["curriculum"] = {"editions": list(editions)}
    return {
        f"{section}.{name}": value for section in sorted(sections) for name, value in _flat(sections[section]).items()
    }


def _flat(figures: JsonObject) -> JsonObject:
    flat: JsonObject = {}
    for name, value in figures.items():
        if is_dict(value):
            flat |= {f"{name}.{inner}": one for inner, one in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def figures_digest(figures: JsonObject) -> str:
    """What the figures add to a version's fingerprint."""
    return sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()[:16]


def require_current_figures(
    lake: Lake,
    manifest: DataManifest,
    config: DatasetConfig,
    curation: CurationConfig,
    documents: DocumentConfig | None = None,
    *,
    validity: Validity = NOTHING_DECLARED,
) -> None:
    """Raises StaleDaysError, naming them, where figures that shaped a version's rows are others now.

    A version of before figures were named passes: nobody knows them.
    """
    if not manifest.row_figures:
        return
    if not any(name.startswith("documents.") for name in manifest.row_figures):
        documents = None  # preferences are learnt from interactions alone
    now = row_figures(
        lake,
        manifest.segment,
        manifest.tasks,
        config,
        curation,
        documents,
        validity=validity,
        segments=manifest.segments,
    )
    changed = [
        f"{name} was {manifest.row_figures.get(name, 'not there')} and is {now.get(name, 'no more')}"
        for name in sorted({*now, *manifest.row_figures})
        if now.get(name) != manifest.row_figures.get(name)
    ]
    if changed:
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        raise StaleDaysError(
            f"the data {manifest.fingerprint} of {manifest.segment} was made by other figures: {'; '.join(changed[:4])}{more}",
            hint="Materialize it again first (train_split, or preference_data); `lyo train` and `lyo prefer` do so by themselves.",
        )
