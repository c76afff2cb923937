"""`privacy_audit`: what an adapter's recipe remembers of single people, measured on a copy. Nothing launches it but a person."""

import dagster as dg
from pydantic import Field

from lyo_pipelines.contracts.privacy import PrivacyAudit
from lyo_pipelines.defs import clock
from lyo_pipelines.defs.assets.training import GPU_POOL, adapter
from lyo_pipelines.defs.partitions import SEGMENTS
from lyo_pipelines.defs.resources import Store
from lyo_pipelines.evaluation.report.markdown_privacy import audit_sentence, privacy_part
from lyo_pipelines.privacy_audit.audit import AuditSubject, NothingToAuditError, audit_privacy, audit_subject
from lyo_pipelines.training.versions import NoAdapterError


class PrivacyRunConfig(dg.Config):
    """Options of an audit; what is not given is as in privacy.yaml."""

    repetitions: list[int] | None = Field(None, description="In how many training rows a canary stands.")
    canaries: int | None = Field(None, ge=2, description="Canaries of each repetition; about half are planted.")
    controls: int | None = Field(None, ge=100, description="Controls that each canary is ranked among.")
    seed: int | None = Field(None, ge=0, description="Of everything that is drawn.")
    with_erasure: bool = Field(True, description="Erase the planted people afterwards, train again and search again.")


@dg.asset(
    partitions_def=SEGMENTS,
    group_name="evaluation",
    owners=["team:evaluation"],
    kinds={"pytorch"},
    deps=[adapter],
    pool=GPU_POOL,
    code_version=str(PrivacyAudit.VERSION),
    description=(
        "Plants made-up secrets in a copy of the newest adapter's dataset version, trains it by the same recipe and measures whether "
        "they are told from others like them, by how many rows held them; then erases the planted people, trains again and measures "
        "again. Takes about two trainings. The copy and what learnt from it are thrown away; the next report shows the figures."
    ),
)
def privacy_audit(context: dg.AssetExecutionContext, config: PrivacyRunConfig, store: Store):
    """Audit, and show what was found."""
    lake, segment = store.lake(), context.partition_key
    figures = {
        name: value for name, value in config.model_dump().items() if name != "with_erasure" and value is not None
    }
    laid = store.load_config()
    laid = laid.model_copy(update={"privacy": laid.privacy.changed(figures)})
    try:
        subject: AuditSubject = audit_subject(lake, segment)
    except (NothingToAuditError, NoAdapterError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    audit = audit_privacy(
        lake, subject, laid, store.models_dir(),
        with_erasure=config.with_erasure, clock=clock.current_time, say=context.log.info,
    )  # fmt: skip
    return dg.MaterializeResult(
        metadata={
            "finding": audit_sentence(audit).replace("**", ""),
            "by_repetition": dg.MetadataValue.md(privacy_part(audit)),
            "version": audit.version,
            "sound": audit.sound,
            "found_the_most_repeated": audit.sees,
            "seconds": audit.seconds,
        },
        data_version=dg.DataVersion(f"{audit.version}/{audit.created_at.isoformat()}"),
    )
