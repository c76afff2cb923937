"""Exporting adapters of tiny models, asked in a real llama.cpp."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import gguf
import numpy as np
import pytest

from lyo_pipelines.export import architectures
from lyo_pipelines.export.base_files import base_file
from lyo_pipelines.export.errors import CannotExportError, MissingLlamaCppError, NotProvenError
from lyo_pipelines.export.manifest import EXPORT_MANIFEST, ExportManifest
from lyo_pipelines.export.publish import Export, export_model
from lyo_pipelines_tests.export.made import SEGMENT, dataset, lora_adapter
from lyo_pipelines_tests.training.chat_families import family_model

pytest.importorskip("xllamacpp", reason="the extra llama-cpp is not installed")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory) -> Export:
    root = tmp_path_factory.mktemp("export")
    adapter = lora_adapter(root / "owner-1", family_model(root / "base", "llama-chatml"))
    return Export(adapter, "gguf", "q8_0", root / "models", dataset(root / "feed0001"))


def test_gguf_files_of_model_and_adapter_are_proven_and_their_manifest_says_how(wanted, tmp_path):
    said: list[str] = []
    made = export_model(wanted, tmp_path / "out", said.append)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {f"{SEGMENT}-owner-1.q8_0.gguf", f"{SEGMENT}-owner-1.adapter.gguf", EXPORT_MANIFEST, "README.md"} <= names
    assert made == ExportManifest.read(tmp_path / "out" / EXPORT_MANIFEST)
    assert set(made.files) == names - {EXPORT_MANIFEST}
    assert made.proof is not None
    assert made.proof.adapter is not None
    for close in (made.proof.merged, made.proof.adapter):
        assert close.difference <= close.noise + 0.01
        assert close.prompts >= 10
    assert set(made.proof.losses) == {"en", "hi", "ta"}
    assert made.proof.conversations >= 18
    assert made.stops[0] == "<|im_end|>"
    assert any("writing" in text for text in said)
    with pytest.raises(CannotExportError, match="exists already"):
        export_model(wanted, tmp_path / "out", said.append)


def test_rows_of_q_and_k_left_as_they_are_is_seen_and_nothing_is_published(wanted, tmp_path, monkeypatch):
    base_file(Path(wanted.adapter.base_model), wanted.models_dir, "q8_0")  # the noise is that of a right base
    monkeypatch.setattr(architectures, "_PERMUTED", frozenset())
    with pytest.raises(NotProvenError, match="does not answer as it was trained"):
        export_model(wanted, tmp_path / "out", lambda _: None)
    assert not list(tmp_path.iterdir())


def test_a_model_for_ollama_has_its_template_and_every_stop_in_the_modelfile(wanted, tmp_path):
    made = export_model(dataclasses.replace(wanted, to="ollama"), tmp_path / "out", lambda _: None)
    text = (tmp_path / "out" / "Modelfile").read_text()
    model = f"{SEGMENT}-owner-1.q8_0.gguf"
    assert text.startswith(f"FROM ./{model}\n")
    assert 'TEMPLATE """{{ range $i, $_ := .Messages }}' in text
    assert 'PARAMETER stop "<|im_end|>"\nPARAMETER stop "</s>"\n' in text
    assert made.proof is not None
    assert "Ollama" in made.proof.template
    fields = gguf.GGUFReader(tmp_path / "out" / model).fields
    assert (
        fields["tokenizer.ggml.eot_token_id"].contents() == 5
    )  # what the template teaches; the tokenizer's own end is another


def test_without_llama_cpp_it_says_what_to_install_and_unproved_is_said_in_the_manifest(wanted, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xllamacpp", None)
    with pytest.raises(MissingLlamaCppError, match=r"lyo_pipelines\[llama-cpp\]"):
        export_model(wanted, tmp_path / "out", lambda _: None)
    made = export_model(dataclasses.replace(wanted, proven=False, quantise="f16"), tmp_path / "out", lambda _: None)
    assert made.proof is None
    assert "--unproved" in made.unproved


def test_a_merged_folder_is_loaded_by_transformers_and_has_a_manifest(wanted, tmp_path):
    import transformers

    made = export_model(dataclasses.replace(wanted, to="merged"), tmp_path / "out", lambda _: None)
    transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert "model.safetensors" in made.files


def test_an_architecture_that_is_not_known_is_refused_with_what_to_do(tmp_path):
    base = family_model(tmp_path / "base", "gpt2")
    wanted = Export(lora_adapter(tmp_path / "owner-1", base), "gguf", "f16", tmp_path / "models", None, proven=False)
    with pytest.raises(CannotExportError, match="lyo merge"):
        export_model(wanted, tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()


def test_an_adapter_that_is_more_than_lora_is_refused(wanted, tmp_path):
    folder = wanted.adapter.path
    config = json.loads((folder / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    from lyo_pipelines.export.gguf_files import About, write_adapter
    from lyo_pipelines.export.source import read_source

    architecture = read_source(Path(wanted.adapter.base_model)).architecture
    with pytest.raises(CannotExportError, match="use_dora"):
        write_adapter(tmp_path, architecture, tmp_path / "a.gguf", About("a"))


def test_weights_that_are_no_numbers_are_not_written(wanted, tmp_path, monkeypatch):
    from lyo_pipelines.export.source import Tensor

    monkeypatch.setattr(Tensor, "read", lambda self: np.full(self.shape, np.nan, np.float32))
    with pytest.raises(CannotExportError, match="no numbers"):
        export_model(wanted, tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()
