"""The commands about data, as `lyo` shows them: they parse; the modules beside them do the work."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from lyo_pipelines.commands.arguments import (
    DATA,
    AsJson,
    Limit,
    Port,
    SomeSegment,
    errors,
    examples,
    output,
)
from lyo_pipelines.commands.key import key_app

data_app = typer.Typer()
mapping_app = typer.Typer(no_args_is_help=True, help="Mappings: how files with columns of their own are read.")
data_app.add_typer(mapping_app, name="mapping", rich_help_panel=DATA)
segments_app = typer.Typer(help="List the segments with their counts, or take back one that was made by mistake.")
data_app.add_typer(segments_app, name="segments", rich_help_panel=DATA)
data_app.add_typer(key_app, name="key", rich_help_panel=DATA)


@data_app.command(
    rich_help_panel=DATA,
    epilog=examples(
        "lyo ingest logs/ --dry-run --show 3",
        "lyo ingest export.csv --mapping my_mapping.yaml",
        "lyo ingest --table tutor_log",
    ),
)
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
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask about subjects, languages and tasks that are new.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the files would become, and write nothing.")
    ] = False,
    show: Annotated[int | None, typer.Option(min=0, help="With --dry-run: how many rows to show (default 5).")] = None,
    as_json: AsJson = False,
) -> None:
    """Read files or a table now, report what was accepted and rejected, and rebuild the affected days."""
    from lyo_pipelines.commands.ingest import ingest_path, ingest_table, input_files, print_reports
    from lyo_pipelines.commands.ingest_preview import preview_paths

    if show is not None and not dry_run:
        raise typer.BadParameter("--show works with --dry-run only")
    if dry_run and (path is None or table is not None):
        raise typer.BadParameter("--dry-run works with a file or folder only")
    if dry_run and as_json:
        raise typer.BadParameter("--json tells what became of rows: use it without --dry-run")
    console = errors() if as_json else output()
    if path is not None and dry_run:
        preview_paths(console, input_files(path), format=format, mapping=mapping, show=5 if show is None else show)
        return
    if path is not None and table is None:
        if again:
            raise typer.BadParameter(
                "--again works with --table only: a file is read again by itself when its mapping or --format changes"
            )
        ask = None if yes or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()) else typer.confirm
        reports = ingest_path(console, path, format=format, mapping=mapping, build=build, ask=ask)
    elif table is not None and path is None:
        if format != "auto" or mapping is not None:
            raise typer.BadParameter(
                "the format and mapping of a table belong in its configuration (interactions.tables)"
            )
        reports = ingest_table(console, table, again=again, build=build)
    else:
        raise typer.BadParameter("give either a file or folder, or --table NAME")
    if as_json:
        print_reports(output(), reports)


@data_app.command(
    rich_help_panel=DATA, epilog=examples("lyo build", "lyo ingest logs/ --no-build, and lyo build later")
)
def build(port: Port = 3000, as_json: AsJson = False) -> None:
    """Land what waits in the inbox and build every stale day: after changed figures, rules, word lists or review decisions."""
    from lyo_pipelines.commands.days import build_lake

    build_lake(errors() if as_json else output(), port=port, json_to=output() if as_json else None)


@mapping_app.command("draft", epilog=examples("lyo mapping draft export.csv --out data/mappings/export.yaml"))
def draft_mapping(
    path: Annotated[Path, typer.Argument(help="A file that is in no known format.")],
    out: Annotated[
        Path | None, typer.Option("--out", "--output", help="YAML file to write (default: print it).")
    ] = None,
) -> None:
    """Write a first mapping for a file, with its guesses marked; columns are shown by their shape, not by their values
    (but for words that rate, school years and subjects)."""
    from lyo_pipelines.commands.mapping_draft import write_draft

    write_draft(output(), path, out)


@data_app.command(rich_help_panel=DATA, epilog=examples("lyo documents handouts/ --set grade_9_notes"))
def documents(
    path: Annotated[
        Path | None, typer.Argument(help="A document or a folder of them. Without it: read what is in data/documents.")
    ] = None,
    set_name: Annotated[
        str | None, typer.Option("--set", help="Name of the document set (default: the folder's name).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy Markdown, text, HTML and PDF files into a document set, read them, and report the result for each."""
    from lyo_pipelines.commands.documents import add_documents

    add_documents(errors() if as_json else output(), path, set_name, json_to=output() if as_json else None)


@data_app.command(rich_help_panel=DATA, epilog=examples("lyo retrieval --set grade_9_notes"))
def retrieval(
    set_name: Annotated[str | None, typer.Option("--set", help="One document set (default: each of them).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well passages of documents are found and what is refused, on the documents' own questions and on what was logged."""
    from lyo_pipelines.commands.retrieval import show_retrieval

    show_retrieval(output(), set_name, as_json=as_json)


@data_app.command(rich_help_panel=DATA, epilog=examples("lyo sample search --rows 600 --language hi"))
def sample(
    task: Annotated[str, typer.Argument(help="For example search, quiz or agent; an unknown name lists them all.")],
    rows: Annotated[int, typer.Option(min=1, help="Number of interactions.")] = 600,
    language: Annotated[str, typer.Option(help="Language code: en; most tasks also have hi, some have ta.")] = "en",
    output_file: Annotated[
        Path | None, typer.Option("--output", help="JSONL file to write (default: a file in the inbox).")
    ] = None,
    subjects: Annotated[bool, typer.Option(help="Give rows a subject, for segments such as search.en.math.")] = False,
    seed: Annotated[int, typer.Option(help="Random seed; another seed gives another log.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic log of one task to the inbox."""
    from lyo_pipelines.commands.sample import write_task_sample

    write_task_sample(
        output(),
        task,
        rows=rows,
        language=language,
        seed=seed,
        output=output_file,
        with_subject=subjects,
        as_json=as_json,
    )


@segments_app.callback(invoke_without_command=True)
def segments(context: typer.Context, as_json: AsJson = False) -> None:
    """List every segment with its interactions, examples and adapters, or take back one that was made by mistake."""
    if context.invoked_subcommand is not None:
        return
    from lyo_pipelines.commands.segments import show_segments

    show_segments(output(), as_json=as_json)


@segments_app.command("remove", epilog=examples("lyo segments remove tutoring.en.maht"))
def remove_segment(
    names: Annotated[list[str], typer.Argument(metavar="SEGMENT…", help="Partitions that no data stands behind.")],
    port: Port = 3000,
) -> None:
    """Take partitions back that were made by mistake; one that data stands behind stays."""
    from lyo_pipelines.commands.segments import remove_segments

    remove_segments(output(), names, port=port)


@data_app.command(
    rich_help_panel=DATA,
    epilog=examples(
        "lyo show tutoring.en.math --limit 3",
        "lyo show tutoring.en.math --removed --rule wrong_language",
        "lyo show --removed --from 2026-11-01 --text 'as an AI'",
        "lyo show --rejected",
    ),
)
def show(
    segment: SomeSegment = None,
    removed: Annotated[bool, typer.Option("--removed", help="Rows that a rule of curation removed.")] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Rows that were never accepted: `lyo rejected`.")
    ] = False,
    rule: Annotated[str, typer.Option(help="With --removed: only rows that this rule removed.")] = "",
    text: Annotated[str, typer.Option(help="Only rows whose question or answer holds this text.")] = "",
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Show examples that were kept, or rows that were removed or rejected, newest first (personal data is replaced in them)."""
    if rule and not removed:
        raise typer.BadParameter("--rule works with --removed only")
    if rejected:
        if segment or removed or first or last:
            raise typer.BadParameter(
                "rejected rows have no segment and no day: only --text and --limit go with --rejected"
            )
        from lyo_pipelines.commands.rejected import RejectedFilter, show_rejected

        show_rejected(output(), RejectedFilter(text=text), limit=limit, as_json=as_json)
        return
    from lyo_pipelines.commands.show import RowFilter, show_rows

    start, end = (day.date() if day else None for day in (first, last))
    wanted = RowFilter(segment or "", start, end, rule, text)
    show_rows(output(), "removed" if removed else "kept", wanted, limit=limit, as_json=as_json)


@data_app.command(
    rich_help_panel=DATA, epilog=examples("lyo rejected", "lyo rejected --reason bad_rating --file 'app_*.csv' --json")
)
def rejected(
    file: Annotated[str, typer.Option(help="Only files of this name, or of these names (a glob).")] = "",
    reason: Annotated[str, typer.Option(help="Only rows rejected for this reason, or for reasons that begin so.")] = "",
    text: Annotated[str, typer.Option(help="Only rows that hold this text.")] = "",
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Show the rows that were not accepted: how many for which reason, what was found in them, and what mends it."""
    from lyo_pipelines.commands.rejected import RejectedFilter, show_rejected

    show_rejected(output(), RejectedFilter(file, reason, text), limit=limit, as_json=as_json)


@data_app.command(rich_help_panel=DATA)
def review() -> None:
    """Go through the cultural findings that wait for a person: keep, drop, always or never for a phrase, undo."""
    from click import getchar

    from lyo_pipelines.commands.review import run_review

    run_review(output(), getchar, interactive=sys.stdin.isatty() and sys.stdout.isatty())


@data_app.command(
    rich_help_panel=DATA, epilog=examples("lyo erase 4711", 'lyo erase 4711 --reason "asked on 3 May" --yes')
)
def erase(
    users: Annotated[list[str], typer.Argument(help="Ids of people as your logs have them, or their pseudonyms.")],
    reason: Annotated[str, typer.Option(help="Why, for the record; name nobody in it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Carry it out; without it only the plan is shown.")] = False,
    request: Annotated[
        bool, typer.Option("--request", help="Leave it to the Dagster job erase_people, which is told nobody's id.")
    ] = False,
    build: Annotated[bool, typer.Option(help="Also build the days again that lost rows.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show everything that is there of people who ask to be forgotten; with --yes erase it, and search for what is left."""
    from lyo_pipelines.commands.erase import erase_people, request_erasure

    if (yes or request) and not reason.strip():
        raise typer.BadParameter("--yes and --request need a --reason")
    if yes and request:
        raise typer.BadParameter("--yes erases now, --request leaves it to Dagster: give one of them")
    if request:
        request_erasure(output(), users, reason=reason)
        return
    erase_people(output(), users, reason=reason, yes=yes, build=build, as_json=as_json)


@data_app.command(rich_help_panel=DATA, epilog=examples("lyo retention", "lyo retention --apply"))
def retention(
    apply: Annotated[bool, typer.Option("--apply", help="Take it away; without it only the plan is shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is older than `retention:` in the configuration allows; with --apply take it away."""
    from lyo_pipelines.commands.retention import keep_to_retention

    keep_to_retention(output(), apply=apply, as_json=as_json)
