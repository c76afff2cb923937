"""Rehearsing a fallback: what would serve after it is loaded, its files verified, and answers one question, in a process of its own.

A provider's model is asked where it is.

Nothing here loads a model: the process does (evaluation/engine/rehearse.py).
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lyo_pipelines.config.loading import Config
from lyo_pipelines.config.release import RehearsalConfig
from lyo_pipelines.contracts.adapter import HOSTED
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.endpoints.client import ChatClient, key_of
from lyo_pipelines.external_process.command import module_command, run_command
from lyo_pipelines.hosted.reaching import remote_of
from lyo_pipelines.registry.state import Release
from lyo_pipelines.rollout.routing import Routing, RoutingEntry, Target, target_of
from lyo_pipelines.rollout.selection import Query, choose_adapter
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.base_models import EMBEDDED_NAME
from lyo_pipelines.training.verified_loading import load_checked


class RehearsalError(LyoError):
    """What users would fall back to cannot be loaded or does not answer; the message says why."""


@dataclass(frozen=True)
class Rehearsal:
    """What was loaded (a version, or the base model's name), how many files were verified, and what it answered."""

    target: str
    files: int
    question: str
    answer: str
    load_seconds: float
    answer_seconds: float

    def config(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def target_after(routing: Routing, release: Release, leaves: str, to: str) -> tuple[Target | None, str]:
    """What users get once a version leaves and `to` ("" : none of the segment's own) serves, and the name of its base model.

    None: the base model alone.
    """
    entries = {key: entry for key, entry in routing.entries.items() if key != release.segment}
    if champion := target_of(release, to):
        entries[release.segment] = RoutingEntry(release.segment, release.sequence, champion)
    found = choose_adapter(replace(routing, entries=entries), Query.of_segment(release.segment), None).adapter
    return found, found.base_model if found else _base_of(release, leaves)


def _base_of(release: Release, leaves: str) -> str:
    """The base model here that answers where no adapter does. A provider's model stands on none: the newest adapter's counts then."""
    ours = [one.base_model for one in release.adapters.values() if one.method != HOSTED]
    left = release.adapters[leaves]
    return left.base_model if left.method != HOSTED else (ours or [EMBEDDED_NAME])[-1]


def rehearse_fallback(
    lake: Lake,
    target: Target | None,
    base_model: str,
    models_dir: Path,
    config: Config,
) -> Rehearsal:
    """Load the target and ask it one question; a provider's model is asked where it is. Raises RehearsalError saying what is wrong."""
    rehearsal = config.release.rehearsal
    if target is not None and target.method == HOSTED:
        return _ask_provider(lake, target, config)
    command = rehearsal_command(lake, target, base_model, models_dir, rehearsal)
    name = target.version if target else base_model
    try:
        done = run_command(command, timeout_seconds=rehearsal.seconds)
    except subprocess.TimeoutExpired as error:
        raise RehearsalError(f"{name} did not answer within {rehearsal.seconds:g} seconds.") from error
    if done.returncode:
        last = [line for line in done.stderr.strip().splitlines() if line.strip()][-1:]
        raise RehearsalError(f"{name} cannot serve: {last[0] if last else f'exit code {done.returncode}'}")
    return Rehearsal(target=name, question=rehearsal.question, **json.loads(done.stdout.strip().splitlines()[-1]))


def _ask_provider(lake: Lake, target: Target, config: Config) -> Rehearsal:
    rehearsal, started = config.release.rehearsal, time.perf_counter()
    try:
        folder = fetched(lake, lake.path(target.folder))
        load_checked(folder, target.files)
        remote = remote_of(HostedModel.read(folder / HOSTED_FILE), config.hosted, "serve")
        with ChatClient(remote, key_of(remote)) as client:
            loaded = time.perf_counter()
            reply = client.chat([{"role": "user", "content": rehearsal.question}], max_tokens=rehearsal.max_new_tokens)
    except LyoError as error:
        raise RehearsalError(f"{target.version} cannot serve: {error}") from error
    if not reply.text:
        raise RehearsalError(f"{target.version} cannot serve: it answered nothing")
    seconds = round(loaded - started, 2), round(time.perf_counter() - loaded, 2)
    return Rehearsal(target.version, len(target.files), rehearsal.question, reply.text, *seconds)


def rehearsal_command(
    lake: Lake, target: Target | None, base_model: str, models_dir: Path, config: RehearsalConfig
) -> list[str]:
    """The command that rehearses; the same from a shell."""
    options: dict[str, object | None] = {
        "--base": base_model,
        "--models": models_dir,
        "--question": config.question,
        "--max-new-tokens": config.max_new_tokens,
    }
    if target is not None:
        options |= {"--adapter": fetched(lake, lake.path(target.folder)), "--files": json.dumps(dict(target.files))}
    return module_command("lyo_pipelines.evaluation.engine.rehearse", options=options)
