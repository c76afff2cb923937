"""One audit from beginning to end: plant, train, search; erase the planted, train again, search again; throw the copy away."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from lyo_pipelines.config.loading import Config
from lyo_pipelines.contracts.adapter import AUDIT_PREFIX
from lyo_pipelines.contracts.privacy import PRIVACY, AfterErasure, PrivacyAudit
from lyo_pipelines.dataset.versions import Version, get_version, latest_version
from lyo_pipelines.erasure.erase import erase, prove
from lyo_pipelines.errors import LyoError
from lyo_pipelines.external_process.command import module_command, run_command
from lyo_pipelines.privacy_audit.measure import Costs, exposure, findings_of, membership, rank_canaries
from lyo_pipelines.privacy_audit.planting import Planted, plant_canaries, questions_to_score
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.plan import TrainingResult, adapter_version, read_adapter, training_command
from lyo_pipelines.training.recipe_loading import write_recipe
from lyo_pipelines.training.recipes import FOUR_BIT_METHOD, TUNING_METHODS, Recipe
from lyo_pipelines.training.versions import supervised_adapter

Say = Callable[[str], None]


class NothingToAuditError(LyoError):
    """There is no dataset version or recipe to audit; the message says what to do."""


class AuditStepError(LyoError):
    """A training or scoring process of an audit failed; the message is its own."""


@dataclass(frozen=True)
class AuditSubject:
    """What is audited: a dataset version and the recipe that it is trained by."""

    dataset: Version
    recipe: Recipe

    @property
    def version(self) -> str:
        """Version of the adapter that they make without canaries: the audit is about it, and is found by it."""
        return adapter_version(self.dataset.fingerprint, self.recipe)


@dataclass(frozen=True)
class Workplace:
    """What every step needs. folder: of this audit, thrown away afterwards; models: of base models."""

    folder: Path
    models: Path
    config: Config
    recipe: Recipe
    say: Say


def audit_subject(lake: Lake, segment: str, recipe: Recipe | None = None) -> AuditSubject:
    """What the segment's newest adapter was made of; with a recipe: its newest dataset version by that one.

    Raises NothingToAuditError, NoAdapterError.
    """
    if recipe is None:
        adapter = supervised_adapter(lake, segment)
        if not adapter.manifest.recipe:
            raise NothingToAuditError(
                f"{adapter.version} does not say by what recipe it was trained.", hint="Name it with --recipe."
            )
        recipe = Recipe.model_validate(adapter.manifest.recipe)
        dataset = get_version(lake, segment, adapter.dataset_fingerprint)
    else:
        found = latest_version(lake, segment)
        if found is None:
            raise NothingToAuditError(
                f"{segment} has no dataset version.", hint=f"`lyo train {segment} --until dataset` makes one."
            )
        dataset = found
    if recipe.method in TUNING_METHODS:
        raise NothingToAuditError(
            f"method {recipe.method} tunes an adapter; audits plant canaries in the data of supervised training.",
            hint="Take the recipe of the adapter that it started from.",
        )
    return AuditSubject(dataset, recipe)


def audit_privacy(
    lake: Lake,
    subject: AuditSubject,
    config: Config,
    models: Path,
    *,
    with_erasure: bool,
    clock: Callable[[], datetime],
    say: Say,
) -> PrivacyAudit:
    """Audit and write privacy.json; everything else that was made is gone afterwards, also where it failed.

    with_erasure: erase the planted people from the copy and train it once more. Raises AuditStepError, and what planting raises.
    """
    started = monotonic()
    root = lake.local(lake.side("rehearsal"))
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="privacy-", dir=root))
    try:
        copy = Lake(str(folder / "data"))
        recipe = _for_audits(subject.recipe)
        place = Workplace(folder, models, config, recipe, say)
        planted = plant_canaries(lake, copy, subject.dataset, config, now=clock())
        say(
            f"{len(planted.people)} of {len(planted.canaries)} canaries are planted: {planted.rows} rows went in at the door, "
            f"{planted.kept} came out of curation unchanged"
        )
        questions = folder / "questions.json"
        questions.write_text(json.dumps(questions_to_score(planted.canaries)), encoding="utf-8")
        trained = _train(place, copy, planted.version)
        base = _score(place, questions, None, subject.dataset)
        ranked = rank_canaries(planted.canaries, base, _score(place, questions, trained, subject.dataset))
        found = findings_of(ranked, config.privacy)
        after = _after_erasure(place, planted, questions, base, clock()) if with_erasure else None
        manifest, privacy = planted.version.manifest, config.privacy
        audit = PrivacyAudit(
            segment=subject.dataset.segment,
            version=subject.version,
            trained=trained.version,
            dataset_fingerprint=subject.dataset.fingerprint,
            base_model=trained.base_model,
            created_at=clock().replace(microsecond=0),
            seed=privacy.seed,
            words=privacy.words,
            controls=privacy.controls,
            confidence=privacy.confidence,
            false_positives=privacy.kept_false_positives,
            tolerable_share=privacy.tolerable_share,
            rows=manifest.counts.get("train", 0),
            canary_rows=planted.kept,
            planted_rows=planted.rows,
            kept_rows=planted.kept,
            screened_out=planted.screened_out,
            steps=trained.metrics.steps,
            epochs=trained.metrics.epochs,
            left_out=found.left_out,
            repetitions=found.repetitions,
            usual_rows=privacy.usual_rows,
            usual=found.usual,
            after_erasure=after,
            seconds=round(monotonic() - started, 1),
        )
        lake.write_text(audit.to_json(), f"{lake.privacy_dir(audit.segment, audit.version)}/{PRIVACY}")
        return audit
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _for_audits(recipe: Recipe) -> Recipe:
    """The same training under a name that no registry takes, and told to no tracker."""
    logging = recipe.logging.model_copy(update={"tracking": "none"})
    return recipe.model_copy(update={"name": f"{AUDIT_PREFIX}{recipe.name}", "logging": logging})


def _after_erasure(
    place: Workplace, planted: Planted, questions: Path, base: Costs, now: datetime
) -> AfterErasure | None:
    """Erase everybody in whose name canaries were planted, as `lyo erase` does, train on what is left, and search again."""
    if not planted.people:
        return None
    started, copy = monotonic(), planted.lake
    done = erase(copy, planted.people, planted.pseudonyms, place.config.interactions, reason="a privacy audit", now=now)
    left = prove(copy, planted.people, planted.pseudonyms).left
    rest = get_version(copy, planted.version.segment, planted.version.fingerprint)
    place.say(f"{len(planted.people)} planted people are erased; training again without them")
    again = _train(place, copy, rest)
    ranked = rank_canaries(planted.canaries, base, _score(place, questions, again, rest))
    people = [one for one in ranked if one.canary.planted]
    return AfterErasure(
        rows_erased=done.reach.rows,
        files_left=len(left),
        membership=membership(people, place.config.privacy),
        exposure=exposure(people, place.config.privacy),
        seconds=round(monotonic() - started, 1),
    )


def _train(place: Workplace, copy: Lake, version: Version) -> TrainingResult:
    """Train on a version of the copy, in a process of its own."""
    name = adapter_version(version.fingerprint, place.recipe)
    output = copy.local(copy.adapter_dir(version.segment, name))
    output.mkdir(parents=True)
    recipe = output / "recipe.yaml"
    write_recipe(place.recipe, recipe)
    place.say(f"training {name} on {version.manifest.counts.get('train', 0):,} rows")
    command = training_command(recipe, copy.local(version.path), output, place.models)
    _run([*command, "--stop-with-parent"])
    return read_adapter(output)


def _score(place: Workplace, questions: Path, trained: TrainingResult | None, version: Version) -> Costs:
    """Ask a model, or the base alone, how likely it finds every candidate."""
    recipe = place.recipe
    output = place.folder / f"costs-{trained.version if trained else 'base'}.json"
    place.say(f"searching {trained.version if trained else recipe.base_model}")
    options: dict[str, object | None] = {
        "--base": recipe.base_model,
        "--adapter": trained.path if trained else None,
        "--models": place.models,
        "--questions": questions,
        "--output": output,
        "--max-length": max(recipe.batch.max_length_of(task) for task in version.manifest.tasks),
        "--batch": place.config.privacy.scoring_batch,
    }
    four_bit = ["--four-bit"] if recipe.method == FOUR_BIT_METHOD else []
    _run(module_command("lyo_pipelines.privacy_audit.scoring", *four_bit, options=options))
    return json.loads(output.read_text(encoding="utf-8"))


def _run(command: Sequence[str]) -> None:
    """Run one of our processes to its end. Raises AuditStepError with what it said last."""
    done = run_command(command)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        raise AuditStepError(lines[-1] if lines else f"{command[2]} ended with exit code {done.returncode}.")
