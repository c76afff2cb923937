"""Which segments can be asked for, and why one holds nothing. Building a segment's dataset belongs to build.py."""

from __future__ import annotations

import difflib

from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.dataset.errors import EmptySegmentError
from lyo_pipelines.dataset.scope import is_below
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake


def segments_in(lake: Lake) -> dict[str, int]:
    """Kept examples per segment over all curated days, largest segment first.

    Pool rules have not run yet, so a segment that is listed can still be too small to build.
    """
    counts = {key: count.kept for key, count in segment_counts(lake).items() if count.kept}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def explain_empty(lake: Lake, segment: str) -> EmptySegmentError:
    """Make the error for a segment without examples: say whether it is unknown, mistyped or filtered away."""
    parse_parent(segment)
    counts = segment_counts(lake)
    if not counts:
        return EmptySegmentError(
            f"{segment}: no day has filtered_examples yet. Put interactions into the inbox and materialize "
            "raw_interactions and filtered_examples first."
        )
    if read := sum(count.read for key, count in counts.items() if is_below(key, segment)):
        return EmptySegmentError(
            f"{segment}: {read} interactions were read and none passed curation. Look at the funnel of filtered_examples "
            "for the rule that removed them, then change the data or the thresholds in config.yaml (curation:)."
        )
    known = segments_in(lake)
    near = difflib.get_close_matches(segment, known, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    listed = ", ".join(f"{name} ({count})" for name, count in list(known.items())[:12]) or "none"
    return EmptySegmentError(
        f"{segment}: no interaction belongs to this segment.{meant} Segments with examples: {listed}."
    )
