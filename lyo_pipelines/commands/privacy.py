"""`lyo privacy SEGMENT`: plant made-up secrets in a copy of the segment's data, train it, search for them, and say what was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.output import print_json, still_at_work
from lyo_pipelines.config.loading import Config, lay_over, load_config, read_sections
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.privacy import PrivacyAudit
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.inputs.audits import read_audit
from lyo_pipelines.evaluation.report.markdown_privacy import AUDIT_COLUMNS, audit_note, audit_rows, audit_sentence
from lyo_pipelines.privacy_audit.audit import AuditSubject, audit_privacy, audit_subject
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.preflight import require_ready
from lyo_pipelines.training.recipe_loading import load_recipe, parse_changes


class NoAuditError(LyoError):
    """Nobody has audited the segment's newest adapter; the message says how."""


def audit_segment(
    console: Console,
    segment: str,
    *,
    recipe: str | None,
    changes: Sequence[str] = (),
    figures: dict[str, object] | None = None,
    erasure: bool = True,
    json_to: Console | None = None,
) -> PrivacyAudit:
    """Audit and print. figures: of `privacy:` that this run changes; json_to: where the result goes for a program."""
    settings = Settings.from_env()
    lake = Lake(settings.data_dir)
    config = with_figures(settings, figures or {})
    subject = subject_of(lake, segment, recipe, changes)
    models = lake.local(lake.side("models"))
    require_ready(subject.recipe, models)

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    with still_at_work(console, f"auditing {subject.version}"):
        audit = audit_privacy(
            lake, subject, config, models, with_erasure=erasure, clock=lambda: datetime.now(UTC), say=say
        )
    _print(console, audit, json_to)
    return audit


def show_audit(console: Console, segment: str, *, recipe: str | None, changes: Sequence[str], as_json: bool) -> None:
    """Print the audit that was made of this dataset and recipe. Raises NoAuditError."""
    lake = Lake(Settings.from_env().data_dir)
    subject = subject_of(lake, segment, recipe, changes)
    audit = read_audit(lake, subject.dataset.segment, subject.version)
    if audit is None:
        raise NoAuditError(f"{subject.version} of {segment} was not audited.", hint=f"`lyo privacy {segment}` does.")
    _print(console, audit, console if as_json else None)


def subject_of(lake: Lake, segment: str, recipe: str | None, changes: Sequence[str]) -> AuditSubject:
    """What a command audits: the newest adapter's data and recipe, or the newest data by a named recipe."""
    parse_parent(segment)
    named = load_recipe(recipe or "owner", parse_changes(changes)) if recipe or changes else None
    with near_names_told(lake, segment):
        return audit_subject(lake, segment, named)


def with_figures(settings: Settings, figures: dict[str, object]) -> Config:
    """The configuration with these figures of `privacy:` laid over it. Raises ConfigError."""
    if not figures:
        return load_config(settings.config_path)
    own = [read_sections(settings.config_path)] if settings.config_path else []
    return lay_over(*own, {"privacy": figures}, source="--repetitions, --canaries, --controls, --seed")


def _print(console: Console, audit: PrivacyAudit, json_to: Console | None) -> None:
    if json_to is not None:
        print_json(json_to, audit.model_dump(mode="json"))
        return
    table = Table(*AUDIT_COLUMNS, title=f"Privacy of {audit.segment}, {audit.version}", title_justify="left")
    for row in audit_rows(audit):
        table.add_row(*(cell.replace("**", "") for cell in row))
    console.print(table)
    console.print(Markdown(f"{audit_sentence(audit)}\n\n{audit_note(audit)}"))
