"""What sends a release back at once (G4), one function each; the same functions say when a limit is near, which forbids a step up.

A guardrail fires when the candidate is shown to be worse than the current adapter, over all looks, and the owner's limit lies
within `slack` standard errors of what was measured. So an adapter that is as good as the current one is sent back by mistake no more
often than the confidence allows, however often one looks, and a harmful one after very little. What a step up needs stands in
requirements.py.
"""

from __future__ import annotations

import math

from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.findings import ReleaseFinding, number, percent, rounded_measurements
from lyo_pipelines.statistics.proportions import wilson_bounds

MINIMUM_EVENTS = 10
"""With fewer errors the interval of a share of errors alone means nothing."""


def rating_drop(case: ReleaseCase) -> ReleaseFinding:
    """Ratings down by more than the configured limit."""
    found, limit, watch = case.rating, -case.config.brakes.rating_drop, case.watch
    bounds = case.rating_bounds(watch.confidence)
    told = rounded_measurements(
        difference=found.estimate, limit=limit, high=bounds.high, confidence=watch.confidence, rated=int(found.ratio.n),
        rated_current=int(found.base.n), users=found.ratio.groups, error=found.standard_error,
    )  # fmt: skip
    rule = "brake.rating_drop"
    if found.ratio.n < watch.rated or found.ratio.groups < watch.users or math.isnan(found.standard_error):
        return ReleaseFinding(
            rule, "unknown", f"{int(found.ratio.n)} of {watch.rated} rated answers that this guardrail needs", told
        )
    says = f"rating {number(found.estimate)} against the current adapter (limit {number(limit)})"
    if bounds.high < 0 and found.estimate - case.config.brakes.slack * found.standard_error <= limit:
        return ReleaseFinding(rule, "fire", f"{says}: shown to be worse, and the limit is within reach", told)
    return _near_limit(rule, says, told, is_near=found.estimate < case.config.up.near * limit)


def beyond_margin(case: ReleaseCase) -> ReleaseFinding:
    """A drop of ratings that is shown to be larger than the margin of what counts as not worse."""
    found, margin, watch = case.rating, case.config.up.margin, case.watch
    confidence = case.config.up.confidence_worse
    bounds = case.rating_bounds(confidence)
    told = rounded_measurements(
        difference=found.estimate, margin=margin, high=bounds.high, confidence=confidence, rated=int(found.ratio.n),
        rated_current=int(found.base.n), users=found.ratio.groups,
    )  # fmt: skip
    rule = "brake.beyond_margin"
    if found.ratio.n < watch.rated or found.ratio.groups < watch.users or math.isnan(found.standard_error):
        return ReleaseFinding(
            rule, "unknown", f"{int(found.ratio.n)} of {watch.rated} rated answers that this needs", told
        )
    if bounds.high < -margin:
        says = (
            f"rating {number(found.estimate)}, shown to be down by more than {margin} (at most {number(bounds.high)})"
        )
        return ReleaseFinding(rule, "fire", says, told)
    return ReleaseFinding(rule, "clear", f"a drop of more than {margin} is not shown ({number(found.estimate)})", told)


def error_rate(case: ReleaseCase) -> ReleaseFinding:
    """More errors than the configured limit."""
    ours, base, watch, limit = case.seen.candidate, case.seen.current, case.watch, case.config.brakes.errors
    count, n, rate = int(ours.errors_n.sum()), ours.answers, case.errors.ratio.value
    told = rounded_measurements(
        share=rate, limit=limit, errors=count, answers=n, share_current=case.errors.base.value, answers_current=base.answers,
        p_value=case.errors_p_value, dispersion=case.errors_dispersion, confidence=watch.confidence,
    )  # fmt: skip
    rule = "brake.errors"
    if n < watch.answers:
        return ReleaseFinding(rule, "unknown", f"{n} of {watch.answers} answers that this guardrail needs", told)
    says = f"errors in {percent(rate)} of {n:,} answers (limit {percent(limit)})"
    reach = wilson_bounds(count / case.errors_dispersion, n / case.errors_dispersion, case.config.brakes.slack)[1]
    if case.errors_p_value < 1 - watch.confidence and reach >= limit:
        return ReleaseFinding(
            rule, "fire", f"{says}: shown to be more than the current adapter's, and the limit is within reach", told
        )
    if count >= MINIMUM_EVENTS and case.error_rate_bounds(watch.confidence).low > limit:
        return ReleaseFinding(rule, "fire", f"{says}: shown to lie above it, whatever the current adapter does", told)
    usual = case.errors.base.value if base.answers else 0.0
    return _near_limit(rule, says, told, is_near=rate > min(limit, usual + case.config.up.near * (limit - usual)))


def response_time(case: ReleaseCase) -> ReleaseFinding:
    """Answers that take more than the owner's multiple of the current adapter's time."""
    found, limit, watch = case.time, case.config.brakes.response_time, case.watch
    bounds = case.time_bounds(watch.confidence)
    slower = math.exp(found.estimate) if not math.isnan(found.estimate) else math.nan
    told = rounded_measurements(
        ratio=slower, limit=limit, low=math.exp(bounds.low), confidence=watch.confidence, answers=int(found.ratio.n),
        answers_current=int(found.base.n), users=found.ratio.groups,
    )  # fmt: skip
    rule = "brake.response_time"
    if found.ratio.n < watch.answers or found.ratio.groups < watch.users or math.isnan(found.standard_error):
        return ReleaseFinding(
            rule, "unknown", f"{int(found.ratio.n)} of {watch.answers} response times that this guardrail needs", told
        )
    says = f"answers take {slower:.2f} times as long as the current adapter's (limit {limit:g})"
    if bounds.low > 0 and found.estimate + case.config.brakes.slack * found.standard_error >= math.log(limit):
        return ReleaseFinding(rule, "fire", f"{says}: shown to be slower, and the limit is within reach", told)
    return _near_limit(rule, says, told, is_near=slower > 1 + case.config.up.near * (limit - 1))


def _near_limit(rule: str, says: str, told: dict, *, is_near: bool) -> ReleaseFinding:
    return ReleaseFinding(rule, "hold", f"{says}: near", told) if is_near else ReleaseFinding(rule, "clear", says, told)


GUARDRAILS = (rating_drop, error_rate, response_time, beyond_margin)
"""Everything that sends a release back."""
