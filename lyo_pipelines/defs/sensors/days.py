"""Brings days up to date whose landed files, feedback, rules or review decisions changed."""

import dagster as dg

from lyo_pipelines.defs.jobs import daily_job
from lyo_pipelines.defs.partitions import DAYS, day_ranges, range_tags
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.defs.runs import WHY, held_by_run, run_for_cause, why
from lyo_pipelines.health.day import days_to_rebuild
from lyo_pipelines.interactions.days.build import damaged_days, day_inputs

SHOWN = 5


@dg.sensor(
    job=daily_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Finds days whose landed data, feedback, rules or review decisions have changed since they were built, and "
        "rebuilds them. Neighbouring days share one run."
    ),
)
def stale_days_sensor(context: dg.SensorEvaluationContext, store: Store) -> dg.SensorResult | dg.SkipReason:
    """Launch one run per range of stale days."""
    lake = store.lake()
    stale = days_to_rebuild(lake, store.load_config().curation)
    known = [day for day in stale if DAYS.has_partition_key(day.isoformat())]
    if len(known) < len(stale):
        context.log.warning(
            f"{len(stale) - len(known)} days lie outside the partitions; set LYO_FIRST_DAY earlier (or check the clock)"
        )
    damaged = damaged_days(lake, known)
    for day, said in list(damaged.items())[:SHOWN]:
        context.log.error(f"{day.isoformat()} cannot be built: {said}. `lyo verify` says what to do.")
    known = [day for day in known if day not in damaged]
    if not known:
        waits = f"{len(damaged)} days cannot be built, as what landed is damaged (see `lyo verify`)" if damaged else ""
        return dg.SkipReason(waits or "every day is up to date")
    if held := held_by_run(context.instance, daily_job.name, f"{len(known)} stale days"):
        return held
    found = []
    for start, end in day_ranges(known):
        inside = [day for day in sorted(known) if start <= day <= end]
        inputs = [f"{day} {day_inputs(lake, day)}" for day in inside]
        span = start.isoformat() if start == end else f"{start.isoformat()} to {end.isoformat()}"
        days = f"{len(inside)} days changed" if len(inside) > 1 else "a day changed"
        tags = {WHY: why(f"{days}: {span}"), "lyo/days": str(len(inside)), **range_tags(start, end)}
        found.append(run_for_cause(context.instance, "days", *inputs, tags=tags))
    requests = [one for one in found if isinstance(one, dg.RunRequest)]
    reasons = [one.skip_message or "" for one in found if isinstance(one, dg.SkipReason)]
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("; ".join(reasons))
