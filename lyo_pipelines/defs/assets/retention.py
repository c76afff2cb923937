"""`retention`: what was older than the settings allow and was taken away; a schedule does it every night once it is switched on."""

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.erasure import GROUP, OWNERS
from lyo_pipelines.defs.metadata import metadata_table
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.retention.apply import apply_retention


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python"},
    code_version="1",
    description=(
        "What was older than `retention:` allows and was taken away: files of the inbox that have landed, rejected rows, "
        "interactions, checkpoints. Everything is kept unless days are set. `lyo retention` shows what would go."
    ),
)
def retention(store: Store) -> dg.MaterializeResult:
    """Take it away, and say how much of what."""
    pseudonyms = Pseudonyms(store.settings().require_pseudonym_key())
    done = apply_retention(store.lake(), store.load_config(), pseudonyms, clock.current_time())
    rows = [{"what": what, "how much": count} for what, count in done.expired.counts.items() if count]
    return dg.MaterializeResult(
        metadata={
            "removed": metadata_table(rows, ["what", "how much"]),
            "record": done.record.rpartition("/")[2] or "none",
            "damaged_days": ", ".join(day.isoformat() for day in done.expired.damaged) or "none",
        }
    )


retention_job = dg.define_asset_job(
    "apply_retention",
    selection=["retention"],
    executor_def=dg.in_process_executor,
    description="Take away what is older than `retention:` allows; without days there, nothing.",
)

retention_schedule = dg.ScheduleDefinition(
    name="apply_retention_daily",
    job=retention_job,
    cron_schedule="10 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Takes away every night what is older than `retention:` allows. Off until somebody switches it on.",
)
