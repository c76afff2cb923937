"""`lyo export-model SEGMENT`: a segment's adapter as GGUF files, as a model for Ollama, or merged; proven before it is there."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lyo_pipelines.commands.known_segments import near_names_told
from lyo_pipelines.commands.merge import find_adapter
from lyo_pipelines.commands.output import print_json, still_at_work
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.export.gguf_files import Quantise
from lyo_pipelines.export.manifest import EXPORT_MANIFEST
from lyo_pipelines.export.publish import Export, Target, export_model
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched_files, models_dir


def export_segment_model(
    console: Console,
    segment: str,
    to: Target,
    *,
    version: str | None,
    quantise: Quantise,
    output: Path | None,
    unproved: bool = False,
    json_to: Console | None = None,
) -> Path:
    """Export the newest adapter of a segment, or the named version; returns the folder (default: lake/exported/<segment>/…).

    json_to: where the manifest is printed for a program; `console` is then for what is said on the way.
    """
    lake = Lake(Settings.from_env().data_dir)
    with near_names_told(lake, segment):
        adapter = find_adapter(lake, segment, version)
    name = to if to == "merged" else f"{to}-{quantise}"
    folder = output or lake.local(lake.path("exported", adapter.segment, adapter.version, name))
    dataset = fetched_files(lake, lake.dataset_dir(adapter.segment, adapter.dataset_fingerprint))
    wanted = Export(
        adapter,
        to,
        quantise,
        models_dir(lake),
        dataset if dataset.is_dir() else None,
        proven=not unproved,
    )

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True, markup=False)

    with still_at_work(console, f"exporting {adapter.version}"):
        manifest = export_model(wanted, folder, say)
    if (proof := manifest.proof) is not None:
        close = proof.merged
        say(
            f"proven by {proof.program}: {close.difference:.4f} nats from training (base: {close.noise:.4f}) over {close.prompts} "
            f"prompts, {proof.conversations} conversations token for token"
        )
        for language, loss in proof.losses.items():
            say(f"  loss {language}: {loss.exported:.4f} (training: {loss.trained:.4f}, {loss.tokens} tokens)")
    elif to != "merged":
        say("NOT proven: nobody compared its answers with training's")
    size = sum(path.stat().st_size for path in folder.iterdir())
    say(f"{folder} ({size / 1e9:.2f} GB), {EXPORT_MANIFEST}")
    if to == "ollama":
        say(f"ollama create {adapter.segment} -f {folder / 'Modelfile'}")
    if json_to is not None:
        print_json(json_to, {"folder": str(folder), "bytes": size, **manifest.model_dump(mode="json")})
    return folder
