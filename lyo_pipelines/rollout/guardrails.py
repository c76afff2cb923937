"""What sends a release back at once (G4), one function each; the same functions say when a limit is near, which forbids a step up.

A guardrail fires when the candidate is shown to be worse than the current adapter, over all looks, and the owner's limit lies
within `slack` standard errors of what was measured. So an adapter that is as good as the current one is sent back by mistake no more
often than the confidence allows, however often one looks, and a harmful one after very little. What a step up needs stands in
requirements.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from lyo_pipelines.config.rollout import BusinessMeasure, MeasureUse
from lyo_pipelines.rollout.arm_differences import bounds_of_difference, business_difference
from lyo_pipelines.rollout.error_rates import ErrorRates
from lyo_pipelines.rollout.evidence import ReleaseCase
from lyo_pipelines.rollout.findings import ReleaseFinding, number, percent, rounded_measurements
from lyo_pipelines.statistics.cluster_robust import RatioDifference
from lyo_pipelines.statistics.proportions import wilson_bounds

_NOT_AGREED = "shown by all ratings, and not by the invited ones yet"
MINIMUM_EVENTS = 10
"""With fewer errors the interval of a share of errors alone means nothing."""


def rating_drop(case: ReleaseCase) -> ReleaseFinding:
    """Ratings down by more than the configured limit."""
    found, limit, watch = case.rating, -case.config.brakes.rating_drop, case.watch
    bounds = case.rating_bounds(watch.confidence)
    told = rounded_measurements(
        difference=found.estimate, limit=limit, high=bounds.high, confidence=watch.confidence, rated=int(found.ratio.n),
        rated_current=int(found.base.n), users=found.ratio.groups, error=found.standard_error,
        **case.ratings.evidence(),
    )  # fmt: skip
    aside = case.ratings.choice.aside
    rule = "brake.rating_drop"
    if missing := _missing(found, watch.rated, watch.users, case.ratings.counted):
        return ReleaseFinding(rule, "unknown", f"{missing}{aside}", told)
    says = f"rating {number(found.estimate)} against the current adapter (limit {number(limit)}){aside}"
    if bounds.high < 0 and found.estimate - case.config.brakes.slack * found.standard_error <= limit:
        if not case.ratings.drop_agreed:
            return ReleaseFinding(rule, "hold", f"{says}: {_NOT_AGREED}", told)
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
    if missing := _missing(found, watch.rated, watch.users, case.ratings.counted):
        return ReleaseFinding(rule, "unknown", missing, told)
    if bounds.high < -margin:
        says = (
            f"rating {number(found.estimate)}, shown to be down by more than {margin} (at most {number(bounds.high)})"
            f"{case.ratings.choice.aside}"
        )
        if not case.ratings.drop_agreed:
            return ReleaseFinding(rule, "hold", f"{says}: {_NOT_AGREED}", told)
        return ReleaseFinding(rule, "fire", says, told)
    return ReleaseFinding(rule, "clear", f"a drop of more than {margin} is not shown ({number(found.estimate)})", told)


def error_rate(case: ReleaseCase) -> ReleaseFinding:
    """More errors than the configured limit, whatever rows say of arm and adapter, and not by one user alone."""
    watch, limit, rule = case.watch, case.config.brakes.errors, "brake.errors"
    alpha = (1 - watch.confidence) / len(case.errors)  # shared by the ways of counting
    shown = [_shown_errors(case, found, 1 - alpha) for found in case.errors]
    found, why = next((pair for pair in zip(case.errors, shown, strict=True) if pair[1]), (case.errors[-1], ""))
    ours, rest = found.ours, found.ours.without_worst(known=True)
    told = rounded_measurements(
        share=ours.share, limit=limit, errors=ours.count, answers=ours.n, share_current=found.base.share,
        answers_current=found.base.n, share_without_one_user=rest.share, p_value=found.p_value, dispersion=found.dispersion,
        unnamed=int(case.seen.candidate.unnamed_errors_n.sum()), confidence=watch.confidence,
    )  # fmt: skip
    if ours.n < watch.answers:
        return ReleaseFinding(rule, "unknown", f"{ours.n} of {watch.answers} answers that this guardrail needs", told)
    says = f"errors in {percent(ours.share)} of {ours.n:,} answers (limit {percent(limit)})"
    if why:
        return ReleaseFinding(rule, "fire", f"{says}: {why}", told)
    if ours.share > case.near_error_share >= rest.share:
        says += f", {percent(rest.share)} without the one user who failed most often"
    return _near_limit(rule, says, told, is_near=not rest.share <= case.near_error_share)


def _shown_errors(case: ReleaseCase, found: ErrorRates, confidence: float) -> str:
    """Why the guardrail fires; empty where it does not."""
    limit, seen = case.config.brakes.errors, found.tempered
    if found.ours.n < case.watch.answers:
        return ""
    reach = wilson_bounds(seen.count / found.dispersion, seen.n / found.dispersion, case.config.brakes.slack)[1]
    if found.p_value < 1 - confidence and reach >= limit:
        return "shown to be more than the current adapter's, and the limit is within reach"
    if seen.count >= MINIMUM_EVENTS and found.bounds(confidence, case.config.planned_errors.share).low > limit:
        return "shown to lie above it, whatever the current adapter does"
    return ""


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
    if missing := _missing(found, watch.answers, watch.users, "response times"):
        return ReleaseFinding(rule, "unknown", missing, told)
    says = f"answers take {slower:.2f} times as long as the current adapter's (limit {limit:g})"
    if bounds.low > 0 and found.estimate + case.config.brakes.slack * found.standard_error >= math.log(limit):
        return ReleaseFinding(rule, "fire", f"{says}: shown to be slower, and the limit is within reach", told)
    return _near_limit(rule, says, told, is_near=slower > 1 + case.config.up.near * (limit - 1))


def business_guardrails(case: ReleaseCase) -> Iterator[ReleaseFinding]:
    """The business measures that are configured as guardrails, one finding each; they share the error probability."""
    business, watch = case.config.business, case.watch
    uses: dict[BusinessMeasure, MeasureUse] = {
        name: one for name, one in business.measures.items() if one.use == "guardrail" and name in case.seen.business
    }
    for name, one in uses.items():
        found, rule = business_difference(name, case.seen.business[name]), f"brake.{name}"
        confidence = 1 - (1 - watch.confidence) / len(uses)
        is_ratio, limit = name == "tokens_per_answer", one.limit or 0.0
        bounds = bounds_of_difference(found, confidence, case.config.planned_error(name))
        higher = business.better(name) == "higher"
        # how much worse, and the least that is shown of it
        harm, least = (-found.estimate, -bounds.high) if higher else (found.estimate, bounds.low)
        reach = math.log(limit) if is_ratio else limit
        told = rounded_measurements(
            difference=found.estimate, limit=limit, low=bounds.low, high=bounds.high, confidence=confidence,
            users=found.ratio.groups, users_current=found.base.groups, waiting=case.seen.business[name].waiting,
        )  # fmt: skip
        if missing := _missing(found, watch.users, watch.users, "known values"):
            yield ReleaseFinding(rule, "unknown", f"{name.replace('_', ' ')}: {missing}", told)
            continue
        amount = f"{math.exp(found.estimate):.2f} times" if is_ratio else f"{number(found.estimate, 3)}"
        says = f"{name.replace('_', ' ')} {amount} against the current adapter (limit {limit:g})"
        if least > 0 and harm + case.config.brakes.slack * found.standard_error >= reach:
            yield ReleaseFinding(rule, "fire", f"{says}: shown to be worse, and the limit is within reach", told)
        else:
            yield _near_limit(rule, says, told, is_near=harm > case.config.up.near * reach)


def _near_limit(rule: str, says: str, told: dict, *, is_near: bool) -> ReleaseFinding:
    return ReleaseFinding(rule, "hold", f"{says}: near", told) if is_near else ReleaseFinding(rule, "clear", says, told)


def _missing(found: RatioDifference, least: int, users: int, what: str) -> str:
    """What this guardrail needs and does not have yet; empty where it has all."""
    ours, base = found.ratio, found.base
    short = [f"{int(ours.n):,} of {least:,} {what}"] if ours.n < least else []
    short += [f"{ours.groups} of {users} users with {what}"] if ours.groups < users else []
    short += [f"{base.groups} of 2 users with {what} of the current adapter"] if base.groups < 2 else []
    return f"{', '.join(short)} that this guardrail needs" if short else ""


GUARDRAILS = (rating_drop, error_rate, response_time, beyond_margin)
"""Everything that sends a release back."""
