"""The daily check of the lake: everything that was written is still there, as it was written."""

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.jobs import LAKE_INTACT
from lyo_pipelines.defs.metadata import metadata_table
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.images.references import sweep_images
from lyo_pipelines.integrity.verify import verify_lake
from lyo_pipelines.interactions.landing.stage import landing_lock
from lyo_pipelines.storage.leftovers import sweep_leftovers

_SHOWN = 100
_SUNDAY = 7


@dg.asset_check(
    asset=LAKE_INTACT.asset_key,
    name=LAKE_INTACT.name,
    description=(
        "Everything in the lake is as it was written: landed files against the ledger, days, dataset versions, adapters, reports and "
        "the registry. Every Sunday each byte is read, on other days sizes, counts and footers. Leftovers of killed programs go. "
        "`lyo verify` does the same at any time."
    ),
)
def lake_intact(store: Store) -> dg.AssetCheckResult:
    """Compare, and remove leftovers that are a day old, and pictures that no row names."""
    lake, now = store.lake(), clock.current_time()
    swept = sweep_leftovers(lake, now=now)
    with landing_lock(lake):
        images = sweep_images(lake)
    found = verify_lake(lake, deep=now.isoweekday() == _SUNDAY, now=now)
    rows = [{"file": one.path, "what": one.says, "kind": one.kind} for one in found.damage[:_SHOWN]]
    said = ""
    if found.damage:
        said = f"damaged: {len(found.damage)}, for instance {found.damage[0].path}; `lyo verify` says what to do"
    return dg.AssetCheckResult(
        passed=not found.damage,
        severity=dg.AssetCheckSeverity.ERROR,
        description=said or "everything is as it was written",
        metadata={
            "damaged": metadata_table(rows, ["file", "what", "kind"]),
            "checked": sum(found.checked.values()),
            "every_byte": found.deep,
            "leftovers_removed": len(swept),
            "pictures_removed": images,
        },
    )


verify_job = dg.define_asset_job(
    "verify_lake",
    selection=dg.AssetSelection.checks(LAKE_INTACT),
    executor_def=dg.in_process_executor,
    description="Compare the lake with what was written down of it, and remove what killed programs left behind.",
)

verify_schedule = dg.ScheduleDefinition(
    name="verify_lake_daily",
    job=verify_job,
    cron_schedule="40 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs the check lake_intact every night.",
)
