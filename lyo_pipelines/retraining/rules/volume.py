"""F1: enough examples for a first training, and afterwards every two to four weeks while there is new data."""

from __future__ import annotations

from datetime import timedelta

from lyo_pipelines.config.retraining import VolumeConfig
from lyo_pipelines.retraining.findings import Findings, TriggerCase, TriggerFinding, measurements


def band(examples: int, volume: VolumeConfig) -> str:
    """Below minimum, ready, or optimal."""
    if examples < volume.minimum_examples:
        return "below minimum"
    return "ready" if examples < volume.optimal_examples else "optimal"


def volume_rule(case: TriggerCase) -> Findings:
    """One finding: first training, refresh, or how much is missing."""
    volume, examples = case.policy.volume, case.signals.examples
    now = band(examples, volume)
    training = case.history.training
    known = measurements(examples=examples, minimum=volume.minimum_examples, optimal=volume.optimal_examples, band=now)
    if now == "below minimum":
        says = f"{examples:,} of {volume.minimum_examples:,} curated examples"
        yield TriggerFinding("volume.minimum", "volume", "hold", says, known)
        return
    if training is None:
        says = f"{examples:,} curated examples: the minimum of {volume.minimum_examples:,} is reached ({now}), and never trained"
        yield TriggerFinding("volume.minimum", "volume", "fire", says, known)
        return
    new = case.history.new_examples(examples)
    if new is None:
        says = f"{examples:,} curated examples, fewer than the {training.examples:,} that it was trained on"
        yield TriggerFinding("volume.refresh", "volume", "hold", says, known)
        return
    days = (case.today - training.at.date()).days
    known |= measurements(new=new, trained_on=training.examples, days_since=days)
    share = new / max(1, training.examples)
    grown = now == "optimal" and band(training.examples, volume) != "optimal"
    if new < case.policy.launch.minimum_new_examples:
        yield TriggerFinding("volume.refresh", "volume", "hold", f"{new:,} new examples since the last training", known)
    elif days < volume.earliest_days:
        again = training.at.date() + timedelta(days=volume.earliest_days)
        says = f"{new:,} new examples, but trained on {training.at.date().isoformat()}: not before {again.isoformat()}"
        yield TriggerFinding("volume.refresh", "volume", "hold", says, known)
    elif days >= volume.latest_days or grown or share >= volume.early_new_share:
        why = "due" if days >= volume.latest_days else "grown into the optimal band" if grown else f"{share:.0%} more"
        says = f"{new:,} new examples in {days} days, since {training.at.date().isoformat()} ({why}; {now})"
        yield TriggerFinding("volume.refresh", "volume", "fire", says, known, subject=training.fingerprint[:12])
    else:
        due = training.at.date() + timedelta(days=volume.latest_days)
        says = f"{new:,} new examples ({share:.0%} of {volume.early_new_share:.0%}); due on {due.isoformat()} at the latest"
        yield TriggerFinding("volume.refresh", "volume", "hold", says, known)
