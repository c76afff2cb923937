"""The manifests between rooms: old files are read, what is written reads back the same, damage is one error that names the file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.contracts.adapter import AdapterManifest, BaseModelRecord, TrainingMetrics, TrainingNote
from lyo_pipelines.contracts.dataset import DataManifest, DatasetManifest, PreferenceManifest, figure_text
from lyo_pipelines.contracts.document import Document, DocumentError
from lyo_pipelines_tests.contracts.old_files import (
    ADAPTER_WITHOUT_VERSION,
    DATASET_BEFORE_PARENTS,
    PREFERENCES_WITHOUT_VERSION,
)

OLD: list[tuple[type[Document], str]] = [
    (DatasetManifest, DATASET_BEFORE_PARENTS),
    (DataManifest, DATASET_BEFORE_PARENTS),
    (PreferenceManifest, PREFERENCES_WITHOUT_VERSION),
    (DataManifest, PREFERENCES_WITHOUT_VERSION),
    (AdapterManifest, ADAPTER_WITHOUT_VERSION),
    (TrainingNote, ADAPTER_WITHOUT_VERSION),
]
each_kind = pytest.mark.parametrize(("kind", "text"), OLD)


@each_kind
def test_what_is_written_is_read_back_the_same_and_written_the_same(kind: type[Document], text: str):
    document = kind.parse(text, "old.json")
    written = document.to_json()
    assert kind.parse(written, "new.json") == document
    assert kind.parse(written, "new.json").to_json() == written


@pytest.mark.parametrize(("kind", "text"), [OLD[0], OLD[2], OLD[4]])
def test_writing_an_old_file_again_loses_nothing_it_said(kind: type[Document], text: str):
    old = json.loads(text, parse_constant=lambda name: None)
    new = json.loads(kind.parse(text, "old.json").to_json())
    if kind is DatasetManifest:
        old["remembers"] = ["tutoring.en.math/feedfeedfeedfeed"]
    assert new["manifest_version"] == 1
    assert {name: new[name] for name in old} == old


def test_a_dataset_version_from_before_parents_existed_is_its_own_segment():
    manifest = DatasetManifest.parse(DATASET_BEFORE_PARENTS, "manifest.json")
    assert manifest.segment_keys == ("tutoring.en.math",)
    assert manifest.tasks == {"tutoring"}
    assert manifest.document_sets == ()
    assert manifest.remembers == ("tutoring.en.math/feedfeedfeedfeed",)
    assert manifest.examples_read == 80
    assert manifest.created_at == datetime(2026, 9, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def test_training_reads_a_folder_that_was_put_together_by_hand():
    manifest = DataManifest.parse('{"segment": "search.hi.stories", "fingerprint": "f1"}', "manifest.json")
    assert (manifest.segment, manifest.fingerprint, manifest.tasks) == ("search.hi.stories", "f1", {"search"})


def test_a_time_without_a_zone_is_utc():
    manifest = DataManifest.parse(
        '{"segment": "s", "fingerprint": "f", "created_at": "2026-10-01T10:00:00"}', "manifest.json"
    )
    assert json.loads(manifest.to_json())["created_at"] == "2026-10-01T10:00:00+00:00"


def test_a_loss_that_is_no_number_is_read_as_not_measured_and_written_as_null():
    manifest = AdapterManifest.parse(ADAPTER_WITHOUT_VERSION, "adapter_manifest.json")
    assert (manifest.metrics.loss, manifest.metrics.eval_loss) == (None, 1.5)
    diverged = manifest.model_copy(update={"metrics": TrainingMetrics(eval_loss=float("nan"))})
    assert json.loads(diverged.to_json())["metrics"]["eval_loss"] is None


def test_only_an_adapter_that_started_from_another_one_says_so():
    told = {"segment": "s", "version": "v", "dataset_fingerprint": "d", "base_model": BaseModelRecord(name="tiny")}
    plain = json.loads(AdapterManifest.model_validate(told).to_json())
    tuned = json.loads(AdapterManifest.model_validate({**told, "start_from": "owner-1"}).to_json())
    assert not {"start_from", "preference_fingerprint", "preference", "mixture"} & set(plain)
    assert tuned["start_from"] == "owner-1"


def damage(text: str) -> dict[str, bytes]:
    whole = text.encode()
    told = json.loads(text, parse_constant=lambda name: None)
    return {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "binary": b"PAR1\x00\xff\xfe",
        "a list": b"[]",
        "nested too deep": b"[" * 200_000,
        "newer": json.dumps({**told, "manifest_version": 99}).encode(),
        "a version that is no number": json.dumps({**told, "manifest_version": "two"}).encode(),
        "without its segment": json.dumps({name: value for name, value in told.items() if name != "segment"}).encode(),
        "with a wrong type": json.dumps({**told, "segment": {"key": 1}}).encode(),
    }


@each_kind
@pytest.mark.parametrize("how", list(damage("{}")))
def test_damage_is_one_error_that_names_the_file(kind: type[Document], text: str, how: str, tmp_path: Path):
    path = tmp_path / "manifest.json"
    path.write_bytes(damage(text)[how])
    with pytest.raises(DocumentError) as caught:
        kind.read(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1_000


@each_kind
def test_a_missing_file_is_named(kind: type[Document], text: str, tmp_path: Path):
    with pytest.raises(DocumentError, match=r"manifest\.json is missing"):
        kind.read(tmp_path / "manifest.json")


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_content_whatever_is_another_error(content: str | bytes):
    for kind in (DatasetManifest, PreferenceManifest, AdapterManifest):
        with pytest.raises(DocumentError):
            kind.parse(content, "manifest.json")


@pytest.mark.parametrize(("kind", "text"), [OLD[0], OLD[2], OLD[4]])
@given(data=st.data())
def test_a_field_of_any_other_type_is_a_document_or_a_document_error(
    kind: type[Document], text: str, data: st.DataObject
):
    told = json.loads(text, parse_constant=lambda name: None)
    name = data.draw(st.sampled_from(sorted(told)))
    told[name] = data.draw(st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.just({"a": 1}))
    try:
        document = kind.parse(json.dumps(told), "manifest.json")
    except DocumentError:
        return
    assert kind.parse(document.to_json(), "manifest.json") == document


def test_figures_are_said_as_people_read_them() -> None:
    figures = [None, True, False, 1, 0, 0.85, "together", [], ["length", 2]]
    assert [figure_text(one) for one in figures] == [
        "not set", "yes", "no", "1", "0", "0.85", "together", "none", "length, 2",
    ]  # fmt: skip
