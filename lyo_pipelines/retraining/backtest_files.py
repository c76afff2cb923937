"""Where a replay is kept: `lake/backtests/<from>_<to>-<policies>.json`, and its plot beside it. The same replay, the same files."""

from __future__ import annotations

from collections.abc import Sequence

from lyo_pipelines.retraining.backtest import CANNOT_KNOW, Backtest, BacktestStep
from lyo_pipelines.retraining.decision_reasons import REASONS, decision_spans
from lyo_pipelines.retraining.plots import backtest_plot
from lyo_pipelines.retraining.policy_differences import PolicyDifference
from lyo_pipelines.storage.lake import Lake


def write_backtest(
    lake: Lake,
    backtests: Sequence[Backtest],
    names: Sequence[str],
    found: PolicyDifference | None = None,
    *,
    notes: Sequence[str] = (),
    segment: str | None = None,
) -> tuple[str, str]:
    """Write JSON and PNG; return their paths. notes: what else a reader must know."""
    first = backtests[0]
    parts = [f"{first.first.isoformat()}_{first.last.isoformat()}", *(one.policy for one in backtests), segment]
    stem = lake.path("backtests", "-".join(part for part in parts if part))
    told: dict[str, object] = {
        "from": first.first.isoformat(),
        "to": first.last.isoformat(),
        "policies": [_policy(one, name) for one, name in zip(backtests, names, strict=True)],
        "difference": None if found is None else _difference(found),
        "cannot_know": list(CANNOT_KNOW),
        "notes": list(notes),
        "reasons": REASONS,
    }
    lake.write_json(told, f"{stem}.json")
    with lake.replacing(f"{stem}.png") as temporary, lake.fs.open(temporary, "wb") as handle:
        handle.write(backtest_plot(backtests, names))
    return f"{stem}.json", f"{stem}.png"


def _policy(found: Backtest, name: str) -> dict[str, object]:
    segments, reasons = {}, found.reasons()
    for segment, steps in found.by_segment.items():
        history = decision_spans((step.day, step.outcome, step.reason, step.says) for step in steps)
        segments[segment] = {
            "days_by_reason": dict(reasons[segment].most_common()),
            "history": [
                {
                    "first": s.first.isoformat(),
                    "last": s.last.isoformat(),
                    "outcome": s.outcome,
                    "reason": s.reason,
                    "says": s.says,
                }
                for s in history
            ],
        }
    launches = [_launch(step) for step in found.launches]
    return {
        "name": name,
        "digest": found.policy,
        "launches": launches,
        "segments": segments,
        "troubles": list(found.troubles),
    }


def _difference(found: PolicyDifference) -> dict[str, object]:
    return {
        "same": found.same,
        "shifted": [
            {"days": shift.days, "first": _launch(shift.a), "second": _launch(shift.b)} for shift in found.shifted
        ],
        "only_first": [_launch(step) for step in found.only_a],
        "only_second": [_launch(step) for step in found.only_b],
    }


def _launch(step: BacktestStep) -> dict[str, object]:
    return {
        "day": step.day.isoformat(),
        "segment": step.segment,
        "kinds": list(step.kinds),
        "causes": list(step.causes),
        "examples": step.examples,
        "says": step.says,
    }
