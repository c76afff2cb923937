"""`erasure_plan` and `erased_people`: requests to be forgotten, first as counts, then carried out. No page or run names anybody."""

from collections import Counter
from datetime import date
from pathlib import Path

import dagster as dg

from lyo_pipelines.defs import clock
from lyo_pipelines.defs.metadata import metadata_table
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.erasure.erase import erase, plan_erasure, prove
from lyo_pipelines.erasure.plan_values import NOT_REACHED, plan_counts
from lyo_pipelines.erasure.requests import ErasureRequest, waiting_requests
from lyo_pipelines.health.up_to_date import build_stale_days
from lyo_pipelines.interactions.days.build import stale_days
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake

GROUP = "privacy"
OWNERS = ["team:data"]
NOTHING = dg.Shape({})
"""Without a schema anything could be typed in, and would stand in the record of the run."""


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python"},
    config_schema=NOTHING,
    code_version="1",
    description=(
        "What the waiting requests to be forgotten (`lyo erase USER --reason … --request`) would take away: how much of what, which "
        "adapters learnt from it and whom they serve. Nothing is changed, and nobody is named."
    ),
)
def erasure_plan(store: Store) -> dg.MaterializeResult:
    """Look everywhere."""
    lake, pseudonyms = store.lake(), _pseudonyms(store)
    rows = [
        {"request": one.number, **plan_counts(plan_erasure(lake, one.users, pseudonyms))}
        for one in waiting_requests(lake)
    ]
    columns = list(rows[0]) if rows else ["request"]
    return dg.MaterializeResult(
        metadata={
            "requests": len(rows),
            "plan": metadata_table(rows, columns),
            "not_reached": dg.MetadataValue.md("\n".join(f"- {one}" for one in NOT_REACHED)),
        }
    )


@dg.asset(
    deps=[erasure_plan],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python"},
    config_schema=NOTHING,
    code_version="1",
    description=(
        "The requests of the plan carried out: rows, versions of data, exports, reports and originals without these people, a "
        "signed record in `lake/erased/`, the days built again, and every file searched afterwards. Adapters that learnt from them "
        "are marked: business_sensor trains again, and `release.after_erasure` says when they stop serving."
    ),
)
def erased_people(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult:
    """Carry out all requests; fail, without naming anything, where something is left that nobody was told of."""
    lake, everything, pseudonyms = store.lake(), store.load_config(), _pseudonyms(store)
    homes = [Path(context.instance.root_directory)] if not context.instance.is_ephemeral else []
    erased, records, left, searched, days = Counter[str](), list[str](), 0, 0, set[date]()
    requests = waiting_requests(lake)
    carried_out = []
    for one in requests:
        done = erase(
            lake, one.users, pseudonyms, everything.interactions, reason=one.reason,
            now=clock.current_time(), request=one.number,
        )  # fmt: skip
        context.log.info(f"request {one.number}: {sum(done.done.values()):,} things erased")
        erased.update(done.done)
        records += [done.record] if done.record else []
        days.update(done.days)
        carried_out.append((one, done))
    built = _build(lake, store, pseudonyms)
    for one, done in carried_out:
        proof = prove(lake, _known(one, done.reach.unknown), pseudonyms, homes)
        left, searched = left + len(proof.unexpected(lake, done.reach)), max(searched, proof.searched)
    if left:
        raise dg.Failure(
            description=(
                f"{left} files still hold an id or a pseudonym of who was erased. Stop what writes there (a gateway, a run) and run "
                "`lyo erase` with the same ids: it names the files."
            ),
            allow_retries=False,
        )
    return dg.MaterializeResult(
        metadata={
            "requests": len(requests),
            "erased": metadata_table([{"what": what, "how much": n} for what, n in erased.items() if n], ["what", "how much"]),
            "records": ", ".join(record.rpartition("/")[2] for record in records) or "none",
            "days": len(days),
            "days_built": built,
            "searched_files": searched,
        }
    )  # fmt: skip


def _build(lake: Lake, store: Store, pseudonyms: Pseudonyms) -> int:
    curation = store.load_config().curation
    built = build_stale_days(lake, curation, wanted=set(stale_days(lake)).__contains__, pseudonyms=pseudonyms)
    return len(built.days)


def _known(request: ErasureRequest, unknown: tuple[str, ...]) -> list[str]:
    return [user for user in request.users if user not in unknown]


def _pseudonyms(store: Store) -> Pseudonyms:
    return Pseudonyms(store.settings().require_pseudonym_key())
