"""Plots of a dataset version, as PNG bytes small enough for the metadata of an asset."""

from __future__ import annotations

from lyo_pipelines.contracts.dataset import DatasetManifest
from lyo_pipelines.dataset.contract import SPLITS, STRATUM
from lyo_pipelines.plotting import ATTENTION, BAD, INK, NEUTRAL, SMALL, SOFT, new_panel, small_png
from lyo_pipelines.telling import natural_order

COLOURS = {"train": NEUTRAL, "validation": ATTENTION, "test": BAD}
STRATA_SHOWN = 14
LONGEST = 24
"""Letters of a stratum's name that fit beside the bars."""


def split_plot(manifest: DatasetManifest) -> bytes:
    """Draw examples per split for each of the largest strata, grades in order, from a manifest. Returns PNG, under 30 kB."""
    strata = list(manifest.strata.items())
    rest = strata[STRATA_SHOWN:]
    shown = sorted(strata[:STRATA_SHOWN], key=lambda one: natural_order(one[0]))
    names = _readable([name for name, _ in shown])
    if rest or manifest.strata_not_listed:
        listed = {split: sum(row[split] for _, row in shown) for split in SPLITS}
        others = {split: manifest.counts[split] - listed[split] for split in SPLITS}
        names.append(f"{len(rest) + manifest.strata_not_listed} smaller strata")
        shown = [*shown, (names[-1], others)]
    places = list(range(len(shown)))
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    left_inches = 0.2 + 0.062 * max(map(len, names), default=10)
    height = 1.5 + 0.24 * len(shown)
    title, says = manifest.segment, f"version {manifest.fingerprint}"
    figure, axes = new_panel(height, title, says, margins=(left_inches, 0.1, 0.6, 0.72), grid="")
    left = [0] * len(shown)
    for split in SPLITS:
        values = [row[split] for _, row in shown]
        axes.barh(
            places, values, left=left, height=0.66, color=COLOURS[split], label=f"{split} {manifest.counts[split]:,}"
        )
        left = [a + b for a, b in zip(left, values, strict=True)]
    longest = max(left, default=1)
    for place, total, (_, row) in zip(places, left, shown, strict=True):
        shares = "/".join(f"{row[split] / max(total, 1):.0%}".rstrip("%") for split in SPLITS)
        axes.text(total + longest * 0.02, place, f"{total:,}  ({shares} %)", va="center", fontsize=SMALL, color=SOFT)
    axes.set_xlim(0, longest * 1.75)
    axes.set_yticks(places, names, color=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel("examples", fontsize=SMALL, color=SOFT)
    figure.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=3,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        columnspacing=1.0,
    )
    return small_png(figure)


def _readable(strata: list[str]) -> list[str]:
    """`en · math · 7 · ratios`, … -> `grade 7 · ratios`, …: what is the same for all (the segment says it) or unknown is left out."""
    split = [stratum.split(" · ", 3) for stratum in strata]
    varying = [len({fields[n] for fields in split}) > 1 for n in range(len(STRATUM))]
    names = []
    for language, subject, grade, topic in split:
        shown = [language, subject, f"grade {grade}" if grade != "-" else "-", topic]
        parts = [part.replace("_", " ") for part, varies in zip(shown, varying, strict=True) if varies and part != "-"]
        name = " · ".join(parts) or ("not known" if any(varying) else "all")
        names.append(name if len(name) <= 44 else name[:43] + "…")
    return names
