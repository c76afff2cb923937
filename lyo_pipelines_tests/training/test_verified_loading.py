"""An adapter is loaded only with the bytes that were published, and never from a format that may run code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.verified_loading import DamagedAdapterError, load_checked, published_files
from lyo_pipelines_tests.rollout.adapter_factory import adapter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return adapter(Lake(str(tmp_path)))


def test_a_whole_adapter_is_read(folder: Path) -> None:
    assert load_checked(folder).version == "owner-1"
    assert load_checked(folder, published_files(folder)).base_model == "tiny"
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "optimizer.pt").write_bytes(b"training's own, never loaded here")
    assert load_checked(folder).version == "owner-1"


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json", "adapter_manifest.json"])
def test_the_file_that_differs_is_named(folder: Path, name: str) -> None:
    files = published_files(folder)
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DamagedAdapterError, match=rf"{name} differs from what was published"):
        load_checked(folder, files)


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()
    with pytest.raises(DamagedAdapterError, match=r"adapter_config\.json is missing"):
        load_checked(folder)
    (folder / "adapter_manifest.json").unlink()
    with pytest.raises(DocumentError):
        load_checked(folder)


@pytest.mark.parametrize("name", ["adapter_model.bin", "weights.pt", "model.PKL", "extra.ckpt"])
def test_a_format_that_may_run_code_is_refused_even_beside_safetensors(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"pickle")
    with pytest.raises(DamagedAdapterError, match="only safetensors"):
        load_checked(folder)


def told(folder: Path, files: dict[str, str]) -> None:
    path = folder / "adapter_manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files}))


def test_an_adapter_without_published_weights_is_refused(folder: Path) -> None:
    told(folder, {})
    with pytest.raises(DamagedAdapterError, match=r"no \.safetensors among its published files"):
        load_checked(folder)


@pytest.mark.parametrize("files", [{"../../secret.safetensors": "0" * 64}, {"adapter_model.safetensors": "short"}])
def test_names_outside_the_folder_and_digests_that_are_none_are_refused(folder: Path, files: dict[str, str]) -> None:
    told(folder, files)
    with pytest.raises(DamagedAdapterError, match="is no file of an adapter and its sha256"):
        load_checked(folder)
