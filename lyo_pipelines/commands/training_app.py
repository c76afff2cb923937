"""The commands about training and what comes of it, as `lyo` shows them: they parse; the modules beside them do the work."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from lyo_pipelines.commands.arguments import (
    TRAINING,
    AsJson,
    Changes,
    Port,
    Segment,
    complete_recipe,
    errors,
    examples,
    output,
    whole_numbers,
)

training_app = typer.Typer()


@training_app.command(
    rich_help_panel=TRAINING,
    epilog=examples(
        "lyo train tutoring.hi.math --dry-run",
        "lyo train tutoring.hi.math --recipe cpu_demo",
        "lyo train tutoring.hi --set budget.tokens=30000 --set lora.r=8",
        "lyo train tutoring.hi.math --until dataset",
    ),
)
def train(
    segment: Segment,
    recipe: Annotated[
        str, typer.Option(help="Name of a packaged recipe, or a YAML file.", autocompletion=complete_recipe)
    ] = "owner",
    set: Changes = None,
    until: Annotated[
        Literal["dataset", "report"], typer.Option(help="Where to stop: dataset builds and checks the splits only.")
    ] = "report",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take (data, steps, memory, time, cost); start nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The estimate or the report as JSON on stdout.")] = False,
    port: Port = 3000,
) -> None:
    """Build a dataset, train an adapter and write a report for a segment, a parent (tutoring.hi) or a mixture, as a Dagster run."""
    from lyo_pipelines.commands.train import train_segment

    if dry_run:
        train_segment(output(), segment, recipe, set or [], dry_run=True, as_json=as_json)
        return
    console = errors() if as_json else output()
    train_segment(console, segment, recipe, set or [], until=until, port=port)
    if as_json:
        from lyo_pipelines.commands.train import print_outcome

        print_outcome(output(), segment, until)


@training_app.command(
    rich_help_panel=TRAINING,
    epilog=examples(
        "lyo search tutoring.hi.math --recipe cpu_demo --trials 12",
        "lyo search tutoring.hi.math --tokens 2000000 --seconds 14400",
    ),
)
def search(
    segment: Segment,
    recipe: Annotated[
        str, typer.Option(help="The recipe whose own figures are trial 0.", autocompletion=complete_recipe)
    ] = "owner",
    set: Changes = None,
    trials: Annotated[int | None, typer.Option(min=1, help="End after so many trials.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="End after so many tokens of all trials.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after so many seconds of training.")] = None,
    money: Annotated[float | None, typer.Option(min=0, help="End after so much money (cost.per_hour).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")] = False,
    port: Port = 3000,
) -> None:
    """Try other figures of a recipe on a segment's dataset version, within a budget; the same search goes on where it was."""
    from lyo_pipelines.commands.search import search_segment

    budget = {"trials": trials, "tokens": tokens, "seconds": seconds, "money": money}
    search_segment(output(), segment, recipe, set or [], budget, port=port, as_json=as_json)


@training_app.command(
    rich_help_panel=TRAINING, epilog=examples("lyo hosted tutoring.hi.math --dry-run", "lyo hosted tutoring.hi.math")
)
def hosted(
    segment: Segment,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would leave this machine and cost; send nothing.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the job that runs.")] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Judge the model that the job made by your gates; the test questions are sent to the provider.",
        ),
    ] = False,
    as_json: AsJson = False,
    port: Port = 3000,
) -> None:
    """Fine-tune at a provider over the OpenAI API's shape, once for each dataset version; off until hosted.yaml allows it."""
    from lyo_pipelines.commands.hosted import report_hosted, tune_hosted

    if report:
        report_hosted(output(), segment, port=port)
    else:
        tune_hosted(output(), segment, dry_run=dry_run, cancel=cancel, as_json=as_json)


@training_app.command(
    rich_help_panel=TRAINING,
    epilog=examples("lyo prefer tutoring.en.math --recipe dpo", "lyo prefer tutoring.en.math --recipe grpo"),
)
def prefer(
    segment: Segment,
    recipe: Annotated[
        str,
        typer.Option(
            help="kto, dpo, grpo, or a YAML file that uses one of these methods.", autocompletion=complete_recipe
        ),
    ] = "kto",
    set: Changes = None,
    port: Port = 3000,
) -> None:
    """Tune a segment's adapter on user preferences (or by rewards: grpo), and compare it with the adapter it started from."""
    from lyo_pipelines.commands.train import prefer_segment

    prefer_segment(output(), segment, recipe, set or [], port=port)


@training_app.command(
    rich_help_panel=TRAINING, epilog=examples("lyo report tutoring.en.math", "lyo report tutoring.en.math --json")
)
def report(segment: Segment, as_json: AsJson = False) -> None:
    """Print the newest report of a segment."""
    from lyo_pipelines.commands.report import show_report

    show_report(output(), segment, as_json=as_json)


@training_app.command(
    rich_help_panel=TRAINING,
    epilog=examples(
        "lyo privacy tutoring.en.math",
        "lyo privacy tutoring.en.math --repetitions 1,4,16 --canaries 40 --no-erasure",
        "lyo privacy tutoring.en.math --show",
    ),
)
def privacy(
    segment: Segment,
    repetitions: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="In how many training rows a canary stands.")
    ] = None,
    canaries: Annotated[
        int | None, typer.Option(min=2, help="Canaries of each repetition; a coin plants about half.")
    ] = None,
    controls: Annotated[int | None, typer.Option(min=100, help="Controls that each canary is ranked among.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything that is drawn.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Another recipe than the newest adapter's, on the newest data.", autocompletion=complete_recipe
        ),
    ] = None,
    set: Changes = None,
    erasure: Annotated[
        bool, typer.Option(help="Then erase the planted people from the copy, train it again and search again.")
    ] = True,
    show: Annotated[bool, typer.Option("--show", help="Print the audit that was made; start nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what a training remembers of single people: secrets planted in a copy of the data, trained, searched for."""
    from lyo_pipelines.commands.privacy import audit_segment, show_audit

    if show:
        show_audit(output(), segment, recipe=recipe, changes=set or [], as_json=as_json)
        return
    given = {"repetitions": whole_numbers(repetitions), "canaries": canaries, "controls": controls, "seed": seed}
    figures = {name: value for name, value in given.items() if value is not None}
    console, json_to = (errors(), output()) if as_json else (output(), None)
    audit_segment(console, segment, recipe=recipe, changes=set or [], figures=figures, erasure=erasure, json_to=json_to)


@training_app.command(
    rich_help_panel=TRAINING, epilog=examples("lyo backtest --from 2026-10-01 --policy stricter.yaml")
)
def backtest(
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day to replay.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day to replay.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="YAML file with a `retraining:` section, to compare with the current policy.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Show one segment only (all are replayed anyway).")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay the lake's history: which retrainings would have started, when and why, and what another policy would change."""
    from lyo_pipelines.commands.backtest import run_backtest

    start, end = (day.date() if day else None for day in (first, last))
    console = errors() if as_json else output()
    path = run_backtest(console, first=start, last=end, policy=policy, segment=segment)
    if as_json:
        output().print(Path(path).read_text(encoding="utf-8"), highlight=False, markup=False, soft_wrap=True, end="")


@training_app.command(rich_help_panel=TRAINING)
def merge(
    segment: Segment,
    version: Annotated[str | None, typer.Option(help="Adapter version (default: the newest).")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "--output", help="Output folder (default: lake/merged/<segment>/<version>).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Merge a segment's adapter into its base model, as a plain transformers folder with tokenizer, chat template and licence."""
    from lyo_pipelines.commands.merge import merge_segment

    console, json_to = (errors(), output()) if as_json else (output(), None)
    merge_segment(console, segment, version=version, output=out, json_to=json_to)


@training_app.command(
    rich_help_panel=TRAINING, epilog=examples("lyo export tutoring.en.math --format openai --minimum-weight 0.8")
)
def export(
    segment: Segment,
    format: Annotated[
        Literal["huggingface", "openai", "kto", "dpo"],
        typer.Option(help="Hugging Face datasets, OpenAI chat JSONL, or preferences as TRL reads them."),
    ] = "huggingface",
    version: Annotated[str | None, typer.Option(help="Fingerprint of a version (default: the newest).")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--output", help="Output folder (default: lake/exports/<segment>/<version>/<format>)."),
    ] = None,
    minimum_weight: Annotated[
        float, typer.Option(help="For openai only: leave out examples with a lower weight.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Export a segment's dataset or preference data for other tools, with its card and manifest."""
    from lyo_pipelines.commands.export import export_segment

    export_segment(
        output(), segment, format, version=version, output=out, minimum_weight=minimum_weight, as_json=as_json
    )


@training_app.command(
    "export-model", rich_help_panel=TRAINING, epilog=examples("lyo export-model tutoring.en.math --to ollama")
)
def export_model(
    segment: Segment,
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
        Path | None,
        typer.Option(
            "--out", "--output", help="Output folder (default: lake/exported/<segment>/<version>/<to>-<quantise>)."
        ),
    ] = None,
    unproved: Annotated[
        bool,
        typer.Option("--unproved", help="Publish without asking llama.cpp whether it answers as training's software."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Export a segment's model for llama.cpp or Ollama; published only when it answers as it was trained."""
    from lyo_pipelines.commands.export_model import export_segment_model

    console, json_to = (errors(), output()) if as_json else (output(), None)
    export_segment_model(
        console, segment, to, version=version, quantise=quantise, output=out, unproved=unproved, json_to=json_to
    )
