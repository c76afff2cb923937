"""Plots of a dataset version, as PNG bytes small enough for the metadata of an asset."""

from __future__ import annotations

from lyo_pipelines.contracts.dataset import DatasetManifest
from lyo_pipelines.dataset.contract import SPLITS, STRATUM
from lyo_pipelines.plotting import new_figure, small_png

COLOURS = {"train": "#4c78a8", "validation": "#f2a541", "test": "#b5495b"}
STRATA_SHOWN = 14


def split_plot(manifest: DatasetManifest) -> bytes:
    """Draw examples per split for each stratum (largest first), from a manifest. Returns PNG, under 30 kB."""
    strata = list(manifest.strata.items())
    shown, rest = strata[:STRATA_SHOWN], strata[STRATA_SHOWN:]
    names = _readable([name for name, _ in shown])
    if rest or manifest.strata_not_listed:
        listed = {split: sum(row[split] for _, row in shown) for split in SPLITS}
        others = {split: manifest.counts[split] - listed[split] for split in SPLITS}
        names.append(f"{len(rest) + manifest.strata_not_listed} smaller strata")
        shown = [*shown, (names[-1], others)]
    places = list(range(len(shown)))
    figure = new_figure(7.2, 1.5 + 0.3 * len(shown), dpi=88, layout="constrained")
    axes = figure.subplots()
    left = [0] * len(shown)
    for split in SPLITS:
        values = [row[split] for _, row in shown]
        axes.barh(
            places, values, left=left, height=0.66, color=COLOURS[split], label=f"{split} {manifest.counts[split]:,}"
        )
        left = [a + b for a, b in zip(left, values, strict=True)]
    longest = max(left, default=1)
    for place, total, (_, row) in zip(places, left, shown, strict=True):
        shares = " / ".join(f"{row[split] / max(total, 1):.0%}" for split in SPLITS)
        axes.text(total + longest * 0.01, place, f"{total:,}  ({shares})", va="center", fontsize=8, color="#444444")
    axes.set_xlim(0, longest * 1.5)
    axes.set_yticks(places, names)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel("examples")
    axes.set_title(f"{manifest.segment} · version {manifest.fingerprint}", fontsize=10, loc="left")
    axes.tick_params(labelsize=8, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return small_png(figure, colors=(32, 16))


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
