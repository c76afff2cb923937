"""A release as a plot (PNG, below 30 kB, so that the UI can show it inline): the candidate's share of users, and each step.

What happened comes out of the registry; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from lyo_pipelines.config.rollout import StageConfig
from lyo_pipelines.plotting import BAD, GOOD, NEUTRAL, SMALL, SOFT, new_panel, small_png
from lyo_pipelines.registry.events import RegistryEvent

_PLAN = "#eef2f6"
_COLOURS = {
    "promoted": GOOD,
    "stepped_up": GOOD,
    "fell_back": BAD,
    "rolled_back": BAD,
    "retired": BAD,
    "stepped_back": BAD,
}
_ENDS = ("fell_back", "rolled_back", "retired", "promoted")


def stages_plot(
    events: Sequence[RegistryEvent], stages: Sequence[StageConfig], *, segment: str, now: datetime
) -> bytes:
    """Draw the newest release of a segment out of its events, as PNG bytes: planned stages behind, what happened in front."""
    return _draw(_newest(events), stages, segment, now)


def share_by_time(events: Sequence[RegistryEvent], now: datetime) -> list[tuple[datetime, float]]:
    """The candidate's share from each moment on that it changed, up to now (0 before its canary and after it left)."""
    points: list[tuple[datetime, float]] = []
    for event in events:
        if event.kind in ("canary", "stepped_up", "stepped_back"):
            points.append((event.happened_at, event.share))
        elif event.kind in _ENDS and points:
            points.append((event.happened_at, 1.0 if event.kind == "promoted" else 0.0))
    return [*points, (max(now, points[-1][0]), points[-1][1])] if points else []


def _newest(events: Sequence[RegistryEvent]) -> list[RegistryEvent]:
    """The events from the newest canary on, about its version only."""
    starts = [at for at, event in enumerate(events) if event.kind == "canary"]
    if not starts:
        return []
    version = events[starts[-1]].version
    return [event for event in events[starts[-1] :] if event.version == version]


def _draw(events: list[RegistryEvent], stages: Sequence[StageConfig], segment: str, now: datetime) -> bytes:
    version = events[0].version if events else "nothing released yet"
    figure, axes = new_panel(2.4, segment, version, margins=(0.45, 0.15, 0.68, 0.42), grid="y")
    if events:
        _plan(axes, events[0].happened_at, stages, now)
        _steps(axes, events, now)
    _frame(axes, stages)
    return small_png(figure, colors=(96, 48, 16))


def _plan(axes: Any, began: datetime, stages: Sequence[StageConfig], now: datetime) -> None:
    """The stages as they were planned, as a staircase behind what happened."""
    start = 0.0
    for stage in stages:
        width = stage.days or max((now - began) / timedelta(days=1) - start, 1.0)
        axes.fill_between([start, start + width], 0, stage.share, color=_PLAN, linewidth=0)
        start += stage.days


def _steps(axes: Any, events: list[RegistryEvent], now: datetime) -> None:
    began = events[0].happened_at
    points = [((at - began) / timedelta(days=1), share) for at, share in share_by_time(events, now)]
    days, values = zip(*points, strict=True)
    axes.step(days, values, where="post", color=NEUTRAL, linewidth=1.8)
    width, last = axes.get_xlim()[1], -1e9
    for event in events:
        day = (event.happened_at - began) / timedelta(days=1)
        height = next((value for at, value in reversed(points) if at <= day), 0.0)
        colour = _COLOURS.get(event.kind, NEUTRAL)
        axes.plot([day], [height], marker="o", markersize=5, color=colour, clip_on=False, zorder=5)
        crowded = height > 0 and day - last < width * 0.22  # labels of events close together stand above each other
        side, aside = ("right", -5) if day > width * 0.85 else ("left", 5)
        axes.annotate(
            event.kind.replace("_", " "), (day, height), (aside, 22 if crowded else 9), textcoords="offset points",
            fontsize=SMALL, color=colour, ha=side, annotation_clip=False,
        )  # fmt: skip
        last = -1e9 if crowded else day


def _frame(axes: Any, stages: Sequence[StageConfig]) -> None:
    axes.set_ylim(0, 1.14)
    axes.set_xlim(left=0)
    axes.set_yticks(
        [stage.share for stage in stages], [f"{stage.share:.0%}" for stage in stages], fontsize=SMALL, color=SOFT
    )
    axes.set_xlabel("days since the first users", fontsize=SMALL, color=SOFT)
