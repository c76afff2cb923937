"""A plan as plain values: whole for whoever asked, and as counts for pages and databases that must not name anybody."""

from __future__ import annotations

from collections.abc import Mapping

from lyo_pipelines.erasure.reach import Reach

NOT_REACHED = (
    "feedback that they gave on answers to others (its rows name nobody), and what others wrote about them without their id",
    "inbox files that name them elsewhere or were set aside as a whole, and tables at their source: named above, to be mended by hand",
    "a running gateway's journal: stop it, let what it sent land, and erase again",
    "pictures inside a zip of the inbox that was set aside, and pictures of other people's rows in which they are seen",
    "adapters: those that learnt from them are marked and named (business_sensor trains the newest of a segment again), and go on "
    "serving until a new one is released, you roll back, or `release.after_erasure.deadline_days` have passed (off unless it is set)",
    "example rows and answers, without names, that pages of the Dagster UI showed: its database and its captured logs keep them",
    "counts by day of segments (health) of days whose interactions are gone",
    "merged and exported models made of those adapters, folders that you exported to elsewhere, and backups",
)
"""What an erasure does not do; said every time."""


def plan_values(reach: Reach) -> dict[str, object]:
    """All of it, with paths and the ids that were not found."""
    return {
        "people": len(reach.people),
        "unknown": list(reach.unknown),
        "erased_before": reach.again,
        "interactions": reach.rows,
        "feedback": _feedback(reach),
        "days": sorted(day.isoformat() for day in reach.days),
        "curated_without_interactions": sum(reach.curated.values()),
        "dataset_versions": {f"{segment}/{version}": splits for (segment, version), splits in reach.versions.items()},
        "preference_data": {f"{segment}/{version}": rows for (segment, version), rows in reach.preferences.items()},
        "tainted_adapters": [
            {
                "adapter": adapter.name,
                "examples": adapter.examples,
                "serves": adapter.serves,
                "hours_to_train_again": round(adapter.seconds / 3600, 2),
                "cost_to_train_again": adapter.cost,
                "currency": adapter.currency,
            }
            for adapter in reach.adapters
        ],
        "inbox_lines": {path: len(lines) for path, lines in reach.originals.blanked.items()},
        "set_aside": reach.originals.aside,
        "by_hand": reach.originals.by_hand,
        "tables": sorted(reach.originals.tables),
        "not_reached": list(NOT_REACHED),
    }


def plan_counts(reach: Reach) -> Mapping[str, int | float | str]:
    """How much of what: no id, no path, no name of a file."""
    return {
        "people": len(reach.people),
        "unknown": len(reach.unknown),
        "erased before": reach.again,
        "interactions": reach.rows,
        "feedback": _feedback(reach),
        "days": len(reach.days),
        "curated without interactions": sum(reach.curated.values()),
        "dataset versions": len(reach.versions),
        "preference data": len(reach.preferences),
        "tainted adapters": ", ".join(
            f"{adapter.name} ({adapter.serves or 'serves nobody'})" for adapter in reach.adapters
        ),
        "hours to train again": round(sum(adapter.seconds for adapter in reach.adapters) / 3600, 2),
        "inbox files rewritten": len(reach.originals.blanked),
        "inbox files set aside": len(reach.originals.aside),
        "files to mend by hand": len(reach.originals.by_hand),
        "tables to erase at their source": len(reach.originals.tables),
    }


def _feedback(reach: Reach) -> int:
    return sum(rows for path, rows in reach.fed_back.items() if "/feedback/" in path)
