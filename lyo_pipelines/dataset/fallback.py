"""A segment too thin to train is served by its nearest parent that can be trained. Building a version belongs to build.py."""

from __future__ import annotations

from datetime import datetime

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.config.dataset import DatasetConfig
from lyo_pipelines.config.documents import DocumentConfig
from lyo_pipelines.dataset.build import DatasetVersion, build_dataset
from lyo_pipelines.dataset.errors import SegmentTooSmallError
from lyo_pipelines.dataset.scope import scope_of
from lyo_pipelines.dataset.versions import point_to_version
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import NOTHING_DECLARED, Validity


def parent_of_thin(lake: Lake, segment: str, config: DatasetConfig, curation: CurationConfig) -> str | None:
    """Return the parent that serves a segment which is too thin by its counts alone; None for any other segment.

    A segment with enough rows can still turn out too thin when it is built: build_or_fall_back sees to that.
    """

    def thin(key: str) -> bool:
        scope = scope_of(lake, key, config.mixtures)
        few = scope.interactions is not None and scope.interactions < curation.segment_minimum_interactions
        return few or sum(count.kept for count in scope.counts.values()) < config.minimum_groups

    known = scope_of(lake, segment, config.mixtures).segments
    if not known or not thin(segment):
        return None
    return next((parent for parent in parse_parent(segment).parents if not thin(parent)), None)


def build_or_fall_back(
    lake: Lake,
    segment: str,
    config: DatasetConfig,
    curation: CurationConfig,
    *,
    now: datetime,
    documents: DocumentConfig | None = None,
    pseudonyms: Pseudonyms | None = None,
    validity: Validity = NOTHING_DECLARED,
) -> DatasetVersion:
    """Build the segment's version, or that of its nearest parent when the segment is below its minimum.

    In the second case `Version.segment` is the parent's key, and `versions.why_served` says why. Raises what build_dataset raises;
    SegmentTooSmallError names the parents that were tried.
    """

    def build(key: str) -> DatasetVersion:
        return build_dataset(
            lake, key, config, curation, now=now, documents=documents, pseudonyms=pseudonyms, validity=validity
        )

    try:
        return build(segment)
    except SegmentTooSmallError as error:
        tried, reason = [], str(error)
        scope = scope_of(lake, segment, config.mixtures, config.teams.allowed)
        held = scope.segments, scope.team
        for parent in parse_parent(segment).parents:
            wider = scope_of(lake, parent, config.mixtures).segments, ""
            if wider == held:
                continue  # it holds nothing more than what was too small already
            held = wider
            try:
                version = build(parent)
            except SegmentTooSmallError:
                tried.append(parent)
                continue
            point_to_version(lake, segment, {"served_by": parent, "reason": reason})
            return version
        if not tried:
            raise
        raise SegmentTooSmallError(f"{reason} Its parents are too small as well ({', '.join(tried)}).") from error
