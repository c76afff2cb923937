"""Folders that programs need as plain paths, of a lake in an S3 bucket: published whole, fetched once, compared with their digests."""

from __future__ import annotations

import pytest

from lyo_pipelines.storage.damage import DamagedFileError
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import WHOLE, fetched, fetched_files, models_dir, publish_folder, working_folder


@pytest.fixture
def lake(object_server):
    return Lake(object_server.new_root())


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """From here on, another machine."""
    return lambda: monkeypatch.setenv("LYO_LOCAL_DIR", str(tmp_path / "elsewhere"))


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_another_machine_reads_what_was_published_and_asks_once(lake, elsewhere, object_server):
    place = lake.adapter_dir("a.en", "v1")
    write(working_folder(lake, place), weights="w", manifest="m")
    write(working_folder(lake, place) / "checkpoint-7", optimizer="o")
    write(working_folder(lake, place) / ".tmp-x", half="h")
    publish_folder(lake, place)
    assert lake.names(place) == ["manifest", "weights", WHOLE]
    elsewhere()
    folder = fetched(lake, place)
    assert {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")} == {
        "manifest": "m", "weights": "w",
    }  # fmt: skip
    before = object_server.requests.copy()
    fetched(lake, place)
    assert (object_server.requests - before).total() == 2  # whole.json alone


def test_what_is_not_published_to_its_end_is_not_there(lake, elsewhere):
    place = lake.adapter_dir("a.en", "v1")
    write(working_folder(lake, place), weights="w")
    publish_folder(lake, place)
    lake.fs.rm(f"{place}/{WHOLE}")
    elsewhere()
    assert not fetched(lake, place).exists()


def test_a_new_report_replaces_the_old_one_and_its_files(lake, elsewhere, monkeypatch, tmp_path):
    place = lake.report_dir("a.en", "v1")
    write(working_folder(lake, place), report="1", extra="x")
    publish_folder(lake, place)
    here = working_folder(lake, place)
    with monkeypatch.context() as patch:
        patch.setenv("LYO_LOCAL_DIR", str(tmp_path / "other"))
        assert (fetched(lake, place) / "report").read_text() == "1"
    (here / "extra").unlink()
    write(here, report="2")
    publish_folder(lake, place)
    assert lake.names(place) == ["report", WHOLE]
    with monkeypatch.context() as patch:
        patch.setenv("LYO_LOCAL_DIR", str(tmp_path / "other"))
        assert (fetched(lake, place) / "report").read_text() == "2"


def test_a_changed_object_is_refused(lake, elsewhere):
    place = lake.adapter_dir("a.en", "v1")
    write(working_folder(lake, place), weights="right")
    publish_folder(lake, place)
    lake.write_text("wrong", f"{place}/weights")
    elsewhere()
    with pytest.raises(DamagedFileError, match="weights differs"):
        fetched(lake, place)
    assert not (working_folder(lake, place) / "weights").exists()


def test_names_that_lead_out_of_the_folder_are_refused(lake):
    place = lake.adapter_dir("a.en", "v1")
    lake.write_json({"../../x": "0" * 64}, f"{place}/{WHOLE}")
    with pytest.raises(DamagedFileError, match="it names"):
        fetched(lake, place)


def test_a_dataset_is_fetched_again_where_it_changed(lake):
    place = lake.dataset_dir("a.en", "f")
    lake.write_text("1", f"{place}/train.parquet")
    assert (fetched_files(lake, place) / "train.parquet").read_text() == "1"
    lake.write_text("2", f"{place}/train.parquet")
    assert (fetched_files(lake, place) / "train.parquet").read_text() == "2"


def test_on_a_local_lake_it_is_the_lakes_own_folder(tmp_path):
    lake = Lake(str(tmp_path))
    place = lake.adapter_dir("a.en", "v1")
    write(working_folder(lake, place), weights="w")
    publish_folder(lake, place)
    assert str(fetched(lake, place)) == str(fetched_files(lake, place)) == place
    assert lake.names(place) == ["weights"]
    assert models_dir(lake) == tmp_path / "models"
