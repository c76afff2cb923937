"""`lyo hosted SEGMENT`: fine-tune at a provider on a segment's dataset version; what would be sent and paid is said first."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from lyo_pipelines.client.closing import close_when_idle
from lyo_pipelines.client.graphql import Client
from lyo_pipelines.client.server import start_server
from lyo_pipelines.client.summary import print_summary
from lyo_pipelines.commands.arguments import errors
from lyo_pipelines.commands.days import starting
from lyo_pipelines.commands.output import print_json
from lyo_pipelines.commands.train import Work
from lyo_pipelines.commands.train import run_job as follow_run
from lyo_pipelines.config.hosted import HostedConfig
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.contracts.hosted_model import HOSTED_FILE, HostedModel
from lyo_pipelines.dataset.versions import Version, latest_version
from lyo_pipelines.evaluation.endpoints.client import key_of
from lyo_pipelines.evaluation.report.build import read_report
from lyo_pipelines.hosted.client import HostedClient
from lyo_pipelines.hosted.job import cancel_job, metrics_of, new_job, run_job
from lyo_pipelines.hosted.prepare import HostedRefusedError, prepare_files, require_allowed, require_within_cap
from lyo_pipelines.hosted.reaching import remote_of
from lyo_pipelines.hosted.record import EVENTS, HostedJob, all_jobs, cause_of, hosted_dir, read_job
from lyo_pipelines.hosted.versions import publish_version
from lyo_pipelines.segments import parse_parent
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.training.versions import chosen_adapter


def tune_hosted(
    console: Console, segment: str, *, dry_run: bool = False, cancel: bool = False, as_json: bool = False
) -> None:
    """Create the job, or go on following it; dry_run: say what would leave and cost, send nothing."""
    parse_parent(segment)
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    version = _version(lake, segment)
    key = "" if dry_run else require_allowed(config.hosted, datetime.now(UTC).date())
    cause = cause_of(version.fingerprint, config.hosted)
    folder = hosted_dir(lake, version.segment, version.fingerprint, cause)
    if cancel:
        with_client = HostedClient(config.hosted, key)
        _print(console, cancel_job(folder, with_client), config.hosted, as_json=as_json)
        return
    earlier, job = all_jobs(lake), read_job(folder)
    progress = errors() if as_json else console
    prepared = prepare_files(lake, version, config.hosted, config.curation, earlier)
    intent = new_job(cause, version.segment, version.fingerprint, config.hosted, prepared)
    if dry_run:
        _print(console, intent, config.hosted, as_json=as_json)
        return
    if job is None or not job.committed:
        require_within_cap(config.hosted, prepared.estimate, [one for one in earlier if one.cause != cause])
    client = HostedClient(config.hosted, key)
    try:
        done = run_job(
            folder, intent, prepared, client, sleep=time.sleep,
            say=lambda text: progress.print(text, highlight=False, markup=False, soft_wrap=True),
        )  # fmt: skip
        standing = client.model_standing(done.fine_tuned_model) if done.fine_tuned_model else ""
    finally:
        client.close()
    version = publish_version(lake, done) if done.fine_tuned_model else ""
    _print(console, done, config.hosted, as_json=as_json)
    if version and not as_json:
        console.print(
            f"{standing}\nversion: {version}; judge it: `lyo hosted {segment} --report`, release it: `lyo release {done.segment} "
            f"--version {version} --reason …`", highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if not as_json and (metrics := metrics_of(folder / EVENTS)):
        last = {name: value for name, value in metrics[-1].items() if isinstance(value, int | float)}
        console.print(
            "Last metrics: " + ", ".join(f"{name} {value:g}" for name, value in last.items()), highlight=False
        )


def report_hosted(console: Console, segment: str, *, port: int = 3000) -> None:
    """Launch the report on the model of the job that the configuration names, follow it and print it. Raises HostedRefusedError."""
    parse_parent(segment)
    settings = Settings.from_env()
    lake, config = Lake(settings.data_dir), load_config(settings.config_path)
    dataset = _version(lake, segment)
    job = read_job(hosted_dir(lake, dataset.segment, dataset.fingerprint, cause_of(dataset.fingerprint, config.hosted)))
    if job is None or not job.fine_tuned_model:
        raise HostedRefusedError(
            f"no job of {dataset.segment} has made a model of dataset {dataset.fingerprint}.",
            hint=f"`lyo hosted {segment}`.",
        )
    version = publish_version(lake, job)
    chosen = HostedModel.read(chosen_adapter(lake, job.segment, version).path / HOSTED_FILE)
    key_of(remote_of(chosen, config.hosted, "evaluate"))  # said before anything starts
    work = Work("retrain", "eval_report", ("eval_report",), ("eval_report",), "hosted", options={"version": version})
    server = start_server(port, on_wait=starting(console))
    try:
        follow_run(console, Client(server.url), lake, work, job.segment, "", {})
    finally:
        close_when_idle(server, console)
    folder = fetched(lake, lake.report_dir(job.segment, version))
    print_summary(console, read_report(folder), folder)


def _version(lake: Lake, segment: str) -> Version:
    version = latest_version(lake, segment)
    if version is None:
        raise HostedRefusedError(
            f"{segment} has no dataset version.", hint=f"Build one: `lyo train {segment} --until dataset`."
        )
    return version


def _print(console: Console, job: HostedJob, config: HostedConfig, *, as_json: bool) -> None:
    if as_json:
        print_json(console, job.model_dump(mode="json"))
        return
    sent = ", ".join(f"{name} {n:,}" for name, n in job.examples.items())
    redacted = ", ".join(f"{kind} {n}" for kind, n in job.redacted.items()) or "none"
    where = job.base_url or "no provider (hosted.base_url)"
    lines = [
        f"{job.segment} {job.dataset_fingerprint} to {where}, model {job.model or 'not set'}",
        f"examples: {sent}; personal data taken out once more: {redacted}",
        f"estimate: {job.tokens:,} tokens, {job.estimate:.2f} {job.currency} (cap {config.spending_cap:.2f} for all jobs)",
    ]
    if job.status:
        lines.append(f"{job.job_id}: {job.status} {job.error}".rstrip())
    if job.trained_tokens is not None:
        lines.append(f"trained tokens: {job.trained_tokens:,}, {job.cost or 0.0:.2f} {job.currency}")
    if job.fine_tuned_model:
        asked = (
            "reports ask it beside your adapter" if config.evaluate else "hosted.evaluate: true has reports ask it, too"
        )
        lines.append(f"model: {job.fine_tuned_model}; {asked}")
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)
