"""The `lyo` command: thin, it parses and prints; rooms below do the work."""

from __future__ import annotations

import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from lyo_pipelines import faults
from lyo_pipelines.commands.gateway_app import gateway_app
from lyo_pipelines.commands.key import key_app
from lyo_pipelines.commands.release_app import release_app
from lyo_pipelines.config.settings import traceback_wanted
from lyo_pipelines.errors import LyoError
from lyo_pipelines.machine import machine_explained

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Turn tutor and assistant logs into better, evaluated adapters."
)
app.add_typer(release_app)
app.add_typer(gateway_app, name="gateway")
app.add_typer(key_app, name="key")
mapping_app = typer.Typer(no_args_is_help=True, help="Mappings: how files with columns of their own are read.")
app.add_typer(mapping_app, name="mapping")
console = Console(width=None if sys.stdout.isatty() else 140)
INTERRUPTED = 130
Port = Annotated[
    int, typer.Option(help="Port of the Dagster UI on 127.0.0.1; if it is taken, another free port is used.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the recipe; repeat it to change several."),
]


@app.command()
def demo(
    port: Port = 3000,
    interactions: Annotated[int, typer.Option(help="Number of sample interactions to generate.")] = 8_000,
) -> None:
    """Put sample files in the inbox and let the triggers do the rest: they train and report, or say why they do not."""
    from lyo_pipelines.commands.demo import run_demo

    server = run_demo(console, port=port, interactions=interactions)
    if server is not None:
        _keep_open(server)


@app.command()
def ui(port: Port = 3000) -> None:
    """Open the Dagster UI on 127.0.0.1 and keep it open."""
    from lyo_pipelines.client.server import start_server

    server = start_server(port)
    console.print(f"Dagster UI: [bold]{server.url}[/]", highlight=False)
    _keep_open(server)


@app.command()
def ingest(
    path: Annotated[Path | None, typer.Argument(help="A file, or a folder of files.")] = None,
    table: Annotated[str | None, typer.Option(help="Read new rows from a configured PostgreSQL table instead.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Remove what was read from the table before, and read its current rows.")
    ] = False,
    format: Annotated[
        str,
        typer.Option(
            help="auto, argilla, canonical, feedback, flat (with a mapping), langfuse, openai_messages, otel_spans, "
            "sharegpt, span_annotations, or the name of a ready mapping (litellm …)."
        ),
    ] = "auto",
    mapping: Annotated[
        str | None,
        typer.Option(
            help="YAML file that maps the columns of a flat file, or the name of a ready mapping (litellm, …)."
        ),
    ] = None,
    build: Annotated[
        bool, typer.Option(help="Also rebuild the affected days (raw_interactions, filtered_examples).")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the files would become, and write nothing.")
    ] = False,
    show: Annotated[int | None, typer.Option(min=0, help="With --dry-run: how many rows to show (default 5).")] = None,
) -> None:
    """Read files or a table now, report what was accepted and rejected, and rebuild the affected days."""
    from lyo_pipelines.commands.ingest import ingest_path, ingest_table, input_files
    from lyo_pipelines.commands.ingest_preview import preview_paths

    if show is not None and not dry_run:
        raise typer.BadParameter("--show works with --dry-run only")
    if dry_run and (path is None or table is not None):
        raise typer.BadParameter("--dry-run works with a file or folder only")
    if path is not None and dry_run:
        preview_paths(console, input_files(path), format=format, mapping=mapping, show=5 if show is None else show)
        return
    if path is not None and table is None:
        if again:
            raise typer.BadParameter(
                "--again works with --table only: a file is read again by itself when its mapping or --format changes"
            )
        ingest_path(console, path, format=format, mapping=mapping, build=build)
    elif table is not None and path is None:
        if format != "auto" or mapping is not None:
            raise typer.BadParameter(
                "the format and mapping of a table belong in its configuration (interactions.tables)"
            )
        ingest_table(console, table, again=again, build=build)
    else:
        raise typer.BadParameter("give either a file or folder, or --table NAME")


@mapping_app.command("draft")
def draft_mapping(
    path: Annotated[Path, typer.Argument(help="A file that is in no known format.")],
    output: Annotated[
        Path | None, typer.Option("--out", "--output", help="YAML file to write (default: print it).")
    ] = None,
) -> None:
    """Write a first mapping for a file, with its guesses marked; columns are shown by their shape, never by their values."""
    from lyo_pipelines.commands.mapping_draft import write_draft

    write_draft(console, path, output)


@app.command()
def documents(
    path: Annotated[
        Path | None, typer.Argument(help="A document or a folder of them. Without it: read what is in data/documents.")
    ] = None,
    set_name: Annotated[
        str | None, typer.Option("--set", help="Name of the document set (default: the folder's name).")
    ] = None,
) -> None:
    """Copy Markdown, text, HTML and PDF files into a document set, read them, and report the result for each."""
    from lyo_pipelines.commands.documents import add_documents

    add_documents(console, path, set_name)


@app.command()
def sample(
    task: Annotated[str, typer.Argument(help="For example search, quiz or agent; an unknown name lists them all.")],
    rows: Annotated[int, typer.Option(min=1, help="Number of interactions.")] = 600,
    language: Annotated[str, typer.Option(help="Language code: en; most tasks also have hi, some have ta.")] = "en",
    output: Annotated[Path | None, typer.Option(help="JSONL file to write (default: a file in the inbox).")] = None,
    subjects: Annotated[bool, typer.Option(help="Give rows a subject, for segments such as search.en.math.")] = False,
    seed: Annotated[int, typer.Option(help="Random seed; another seed gives another log.")] = 7,
) -> None:
    """Write a synthetic log of one task to the inbox."""
    from lyo_pipelines.commands.sample import write_task_sample

    write_task_sample(console, task, rows=rows, language=language, seed=seed, output=output, with_subject=subjects)


@app.command()
def train(
    segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")],
    recipe: Annotated[str, typer.Option(help="Name of a packaged recipe, or a YAML file.")] = "owner",
    set: Changes = None,
) -> None:
    """Build a dataset, train an adapter and write a report for a segment, a parent (tutoring.hi) or a mixture, as a Dagster run."""
    from lyo_pipelines.commands.train import train_segment

    train_segment(console, segment, recipe, set or [])


@app.command()
def prefer(
    segment: Annotated[str, typer.Argument(help="A segment with an adapter, for example tutoring.en.math.")],
    recipe: Annotated[str, typer.Option(help="kto, dpo, or a YAML file that uses one of these methods.")] = "kto",
    set: Changes = None,
) -> None:
    """Tune a segment's adapter on user preferences, and compare it with the adapter it started from."""
    from lyo_pipelines.commands.train import prefer_segment

    prefer_segment(console, segment, recipe, set or [])


@app.command()
def status(
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show where every segment stands, what waits, whether anybody watches, and what to do next."""
    from lyo_pipelines.commands.status import show_status

    show_status(console, as_json=json)


@app.command()
def report(segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")]) -> None:
    """Print the newest report of a segment."""
    from lyo_pipelines.commands.report import show_report

    show_report(console, segment)


@app.command()
def review() -> None:
    """Go through the cultural findings that wait for a person: keep, drop, always or never for a phrase, undo."""
    from click import getchar

    from lyo_pipelines.commands.review import run_review

    run_review(console, getchar, interactive=sys.stdin.isatty() and sys.stdout.isatty())


@app.command()
def verify(
    segment: Annotated[str | None, typer.Argument(help="One segment only, for example tutoring.en.math.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte, not only sizes, counts and footers.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Compare the lake with what was written down of it when it was made; exit code 1 where something is damaged."""
    from lyo_pipelines.commands.verify import show_verification

    if not show_verification(console, segment, deep=deep, as_json=json):
        raise typer.Exit(1)


@app.command()
def erase(
    users: Annotated[list[str], typer.Argument(help="Ids of people as your logs have them, or their pseudonyms.")],
    reason: Annotated[str, typer.Option(help="Why, for the record; name nobody in it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Carry it out; without it only the plan is shown.")] = False,
    build: Annotated[bool, typer.Option(help="Also build the days again that lost rows.")] = True,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Show everything that is there of people who ask to be forgotten; with --yes erase it, and search for what is left."""
    from lyo_pipelines.commands.erase import erase_people

    if yes and not reason.strip():
        raise typer.BadParameter("--yes needs a --reason")
    erase_people(console, users, reason=reason, yes=yes, build=build, as_json=json)


@app.command()
def why(
    segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only decisions from this day onwards.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Show every decision on its own line.")] = False,
) -> None:
    """Show what the retraining triggers decided about a segment and why, newest first."""
    from lyo_pipelines.commands.why import explain_decision

    explain_decision(console, segment, since=since.date() if since else None, every=all)


@app.command()
def backtest(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day to replay.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day to replay.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="YAML file with a `retraining:` section, to compare with the current policy.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Show one segment only (all are replayed anyway).")] = None,
) -> None:
    """Replay the lake's history: which retrainings would have started, when and why, and what another policy would change."""
    from lyo_pipelines.commands.backtest import run_backtest

    start, end = (day.date() if day else None for day in (first, last))
    run_backtest(console, first=start, last=end, policy=policy, segment=segment)


@app.command()
def merge(
    segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")],
    version: Annotated[str | None, typer.Option(help="Adapter version (default: the newest).")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Output folder (default: lake/merged/<segment>/<version>).")
    ] = None,
) -> None:
    """Merge a segment's adapter into its base model, as a plain transformers folder with tokenizer, chat template and licence."""
    from lyo_pipelines.commands.merge import merge_segment

    merge_segment(console, segment, version=version, output=output)


@app.command()
def export(
    segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")],
    format: Annotated[
        Literal["huggingface", "openai", "kto", "dpo"],
        typer.Option(help="Hugging Face datasets, OpenAI chat JSONL, or preferences as TRL reads them."),
    ] = "huggingface",
    version: Annotated[str | None, typer.Option(help="Fingerprint of a version (default: the newest).")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Output folder (default: lake/exports/<segment>/<version>/<format>).")
    ] = None,
    minimum_weight: Annotated[
        float, typer.Option(help="For openai only: leave out examples with a lower weight.")
    ] = 0.0,
) -> None:
    """Export a segment's dataset or preference data for other tools, with its card and manifest."""
    from lyo_pipelines.commands.export import export_segment

    export_segment(console, segment, format, version=version, output=output, minimum_weight=minimum_weight)


@app.command("export-model")
def export_model(
    segment: Annotated[str, typer.Argument(help="For example tutoring.en.math.")],
    to: Annotated[
        Literal["gguf", "ollama", "merged"],
        typer.Option(
            help="GGUF files of the merged model and of the adapter, one with a Modelfile, or a transformers folder."
        ),
    ] = "gguf",
    version: Annotated[str | None, typer.Option(help="Adapter version (default: the newest).")] = None,
    quantise: Annotated[
        Literal["q8_0", "q4_1", "f16", "none"], typer.Option(help="Number format of the GGUF file's weights.")
    ] = "q8_0",
    out: Annotated[
        Path | None, typer.Option(help="Output folder (default: lake/exported/<segment>/<version>/<to>-<quantise>).")
    ] = None,
    unproved: Annotated[
        bool,
        typer.Option("--unproved", help="Publish without asking llama.cpp whether it answers as training's software."),
    ] = False,
) -> None:
    """Export a segment's model for llama.cpp or Ollama; published only when it answers as it was trained."""
    from lyo_pipelines.commands.export_model import export_segment_model

    export_segment_model(console, segment, to, version=version, quantise=quantise, output=out, unproved=unproved)


@app.command()
def serve(
    segment: Annotated[
        str | None, typer.Option(help="Serve this segment only (default: every segment with an adapter).")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Serve this base model only: a registered name or a folder.")] = None,
    port: Annotated[int, typer.Option(help="Port; 0 picks a free one and prints it.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on. There is no authentication.")] = "127.0.0.1",
) -> None:
    """Serve a base model and the lake's adapters over the OpenAI API (/v1/chat/completions, /v1/models)."""
    from lyo_pipelines.commands.serve import serve_models as run

    run(console, segment=segment, base=base, host=host, port=port)


@app.command()
def doctor(
    recipe: Annotated[
        str | None, typer.Option(help="Check one recipe instead: device, base model, estimated memory.")
    ] = None,
    set: Changes = None,
) -> None:
    """Check whether this machine has what the pipelines (or one recipe) need, and what to do about anything missing."""
    from lyo_pipelines.commands.doctor import check_machine
    from lyo_pipelines.commands.doctor_recipe import check_recipe

    if not (check_recipe(console, recipe, set or []) if recipe else check_machine(console)):
        raise typer.Exit(1)


def _keep_open(server: object) -> None:
    from lyo_pipelines.client.server import Server

    assert isinstance(server, Server)
    console.print("Press Ctrl-C to close it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("Closing the UI.")
        server.stop()


def main() -> None:
    """Entry point. Exit codes: 1 for an error that the message says how to mend, 70 for a fault of ours, 130 after Ctrl-C."""
    # `kill` stops in order, too; and a shell that starts us in the background would have us (and Dagster) ignore SIGINT
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)
    try:
        with machine_explained("the data directory"):
            app()
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            console.print("\n[yellow]Interrupted.[/] Finished work is kept; the next run continues from there.")
        raise
    except LyoError as error:
        if traceback_wanted():
            raise
        _say(error)
        sys.exit(1)
    except Exception as error:
        sys.stderr.write(f"{faults.fault_report(error)}\n")
        sys.exit(faults.EXIT_CODE)


def _say(error: LyoError) -> None:
    """What is wrong in one line and what to do in the next, on stderr; brackets in a message are no markup."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    stderr.print(f"[red]{type(error).__name__}:[/] {escape(error.message)}")
    if error.hint:
        stderr.print(escape(error.hint))
    stderr.print("[dim]LYO_TRACEBACK=1 shows where it came from.[/]")


if __name__ == "__main__":
    main()
