"""Exporting an adapter: a merged folder, GGUF files or a model for Ollama, proven, with a manifest. It appears by one rename."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from lyo_pipelines.export.base_files import base_file, base_folder
from lyo_pipelines.export.conversations import Asked, asked_conversations
from lyo_pipelines.export.errors import CannotExportError
from lyo_pipelines.export.gguf_files import About, Quantise, write_adapter, write_model
from lyo_pipelines.export.llama_server import require_llama_cpp
from lyo_pipelines.export.manifest import EXPORT_MANIFEST, ExportManifest, ExportProof
from lyo_pipelines.export.ollama import modelfile, stop_texts
from lyo_pipelines.export.source import SourceModel, read_source
from lyo_pipelines.storage.whole_files import whole_folder, write_whole
from lyo_pipelines.training.plan import TrainingResult
from lyo_pipelines.training.verified_loading import digest_of

Target = Literal["gguf", "ollama", "merged"]
MODELFILE = "Modelfile"
_KEPT = ("README.md", "base_model.json", "LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")
_LIBRARIES = ("gguf", "xllamacpp", "transformers", "peft", "torch")


@dataclass(frozen=True)
class Export:
    """What is wanted. dataset: folder of the version it learnt from, None where it is gone; proven: False only by a person's will."""

    adapter: TrainingResult
    to: Target
    quantise: Quantise
    models_dir: Path
    dataset: Path | None
    proven: bool = True


def export_model(wanted: Export, output: Path, say: Callable[[str], None]) -> ExportManifest:
    """Write the export to a folder that does not exist yet.

    Raises CannotExportError, NotProvenError (nothing is left behind then), MissingLlamaCppError where nothing can be proven.
    """
    if output.exists():
        raise CannotExportError(f"{output} exists already", hint="Remove it, or choose another --out.")
    if wanted.to != "merged" and wanted.proven:
        require_llama_cpp()
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(output) as folder:
        manifest = (_merged if wanted.to == "merged" else _gguf)(wanted, folder, say)
        files = {path.name: digest_of(path) for path in sorted(folder.iterdir())}
        manifest = manifest.model_copy(update={"files": files})
        write_whole(folder / EXPORT_MANIFEST, manifest.to_json())
    return manifest


def _merged(wanted: Export, folder: Path, say: Callable[[str], None]) -> ExportManifest:
    from lyo_pipelines.training.engine.merge import merge_adapter

    with tempfile.TemporaryDirectory(dir=folder) as within:
        merged = merge_adapter(wanted.adapter, Path(within) / "merged", wanted.models_dir, say)
        for path in sorted(merged.iterdir()):
            path.rename(folder / path.name)
    return _manifest(
        wanted, unproved="a merged folder is read by transformers itself: there is nothing to compare it with"
    )


def _gguf(wanted: Export, folder: Path, say: Callable[[str], None]) -> ExportManifest:
    from lyo_pipelines.training.engine.merge import merge_adapter

    adapter = wanted.adapter
    base = base_folder(adapter.base_model, wanted.models_dir, say)
    asked = asked_conversations(wanted.dataset)
    about = About(f"{adapter.segment} {adapter.version}", adapter.manifest.base_model.licence)
    name = f"{adapter.segment}-{adapter.version}"
    with tempfile.TemporaryDirectory(dir=folder) as within:
        merged = merge_adapter(adapter, Path(within) / "merged", wanted.models_dir, say)
        source = read_source(merged)
        model = folder / f"{name}.{wanted.quantise}.gguf"
        if wanted.to == "ollama":  # first: a template that cannot be said there needs no gigabytes
            text = modelfile(model.name, source, asked, licence=adapter.manifest.base_model.licence)
            (folder / MODELFILE).write_text(text, encoding="utf-8")
        say(f"writing {model.name}")
        # Ollama's template writes the beginning mark itself
        write_model(source, model, wanted.quantise, about, say, adds_bos=None if wanted.to == "gguf" else False)
        lone = _lone_adapter(wanted, folder / f"{name}.adapter.gguf", source, about, say)
        proof = _proof(wanted, base, (model, lone), source, asked, say) if wanted.proven else None
        for pattern in _KEPT:
            for path in merged.glob(pattern):
                shutil.copyfile(path, folder / path.name)
    reason = "" if proof else "published with --unproved"
    return _manifest(wanted, stops=stop_texts(source), proof=proof, unproved=reason)


def _lone_adapter(
    wanted: Export, target: Path, source: SourceModel, about: About, say: Callable[[str], None]
) -> Path | None:
    """The adapter's own file; None for Ollama, for a model that was trained whole, and where its base is held in 4 bits."""
    manifest = wanted.adapter.manifest
    if wanted.to == "ollama" or manifest.is_whole_model:
        return None
    if manifest.base_in_4_bits:
        say("no file of the adapter alone: it belongs to a base in 4 bits (NF4), which GGUF does not have")
        return None
    write_adapter(wanted.adapter.path, source.architecture, target, about)
    return target


def _proof(
    wanted: Export,
    base: Path,
    written: tuple[Path, Path | None],
    source: SourceModel,
    asked: list[Asked],
    say: Callable[[str], None],
) -> ExportProof:
    from lyo_pipelines.export.proof import Files, prove_export
    from lyo_pipelines.export.reference import Reference

    model, lone = written
    base_gguf, _ = base_file(base, wanted.models_dir, wanted.quantise, say)
    manifest = wanted.adapter.manifest
    trained = Reference.of_adapter(wanted.adapter, base)
    alone = Reference.of_base(base) if manifest.is_whole_model or manifest.base_in_4_bits else None
    context = int(source.architecture.values["context_length"])
    proof = prove_export(
        Files(model, base_gguf, lone), trained, alone, source.tokenizer, asked, context=context, say=say
    )
    if wanted.to == "ollama":
        proof = proof.model_copy(
            update={"template": "Ollama's template writes the same texts for all of these conversations"}
        )
    return proof


def _manifest(
    wanted: Export, *, stops: tuple[str, ...] = (), proof: ExportProof | None = None, unproved: str = ""
) -> ExportManifest:
    about = wanted.adapter.manifest
    return ExportManifest(
        to=wanted.to,
        quantise=wanted.quantise,
        segment=wanted.adapter.segment,
        version=wanted.adapter.version,
        dataset_fingerprint=wanted.adapter.dataset_fingerprint,
        base_model=about.base_model,
        stops=stops,
        proof=proof,
        unproved=unproved,
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
