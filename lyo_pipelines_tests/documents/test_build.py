"""A set becomes chunks, examples and a funnel; each file is accounted for; nothing is read twice; personal data never gets in."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from lyo_pipelines.config.settings import PROJECT_ROOT
from lyo_pipelines.curation.segments import segment_counts
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.documents.contract import DocumentSetError
from lyo_pipelines.documents.inputs import stale_sets
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.documents.sample_documents import CONFIG, NOTE, NOW, build, put, rows


def stale(root: Path, config=CONFIG) -> list[str]:
    return list(stale_sets(Lake(str(root)), config.documents, config.curation))


def test_every_file_is_read_or_set_down_with_its_reason(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "notes/deep/er/soil.txt", "Other soil, " + NOTE.replace("#", ""))
    put(tmp_path, "notes/broken.pdf", b"%PDF-1.4 no")
    put(tmp_path, "notes/sheet.xlsx", b"PK")
    put(tmp_path, "notes/broken_note.md", NOTE)
    put(tmp_path, "notes/broken_note.md.meta.yaml", "a: [")
    put(tmp_path, "notes/.hidden.md", NOTE)
    report = build(tmp_path)
    assert (report.read, report.accepted, report.conserved) == (5, 2, True)
    assert report.reasons == {"damaged": 1, "unsupported_format": 1, "metadata": 1}
    said = {row["path"]: row["says"] for row in rows(tmp_path, "documents") if row["status"] == "rejected"}
    assert "export it again" in said["broken.pdf"] and "broken_note.md.meta.yaml" in said["broken_note.md"]


def test_chunks_put_together_are_the_cleaned_document(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE * 6)
    build(tmp_path)
    together = defaultdict(str)
    for chunk in rows(tmp_path, "chunks"):
        together[chunk["document_id"]] += chunk["text"][chunk["overlap"] :]
    (document,) = rows(tmp_path, "documents")
    assert together == {document["document_id"]: document["text"]}
    assert max(chunk["tokens"] for chunk in rows(tmp_path, "chunks")) <= CONFIG.documents.max_tokens


def test_examples_are_plain_chunks_and_pairs_of_the_document(tmp_path):
    put(tmp_path, "notes/soil.md", "---\nlicence: CC0-1.0\ndate: 2024-05-06\n---\n" + NOTE)
    build(tmp_path)
    (chunk, *others), (pair,) = ([e for e in rows(tmp_path) if bool(e["question"]) is asks] for asks in (False, True))
    assert pair["question"] == "Why is dark soil fertile?" and pair["answer"].startswith("The dark colour")
    assert chunk["answer"].startswith("# Soil\n\n## What soil is made of")
    for example in (chunk, *others, pair):
        assert (example["segment"], example["task"], example["source"]) == ("documents.en.notes",) + ("documents",) * 2
        assert example["occurred_at"].year == 2024
        assert example["conversation_id"] == chunk["conversation_id"] and example["question_id"] == chunk["question_id"]
    assert {c["licence"] for c in rows(tmp_path, "chunks")} == {"CC0-1.0"}
    assert {c["example"] for c in rows(tmp_path, "chunks")} <= {e["example_id"] for e in rows(tmp_path)}
    counts = segment_counts(Lake(str(tmp_path)))["documents.en.notes"]
    assert counts.kept == len(rows(tmp_path))


def test_near_duplicate_documents_share_their_question_id(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "notes/copy.md", NOTE + "\nOne more sentence.")
    put(
        tmp_path, "notes/other.md", "# Rain\n\n" + "Rain falls out of dark clouds when the drops are heavy enough. " * 3
    )
    assert build(tmp_path).near_duplicates == 1
    ids = {row["path"]: row["document_id"] for row in rows(tmp_path, "documents")}
    shared = {e["conversation_id"]: e["question_id"] for e in rows(tmp_path)}
    assert shared[ids["soil.md"]] == shared[ids["copy.md"]] != shared[ids["other.md"]]


def test_personal_data_is_replaced_and_a_name_goes_everywhere(tmp_path):
    text = "# Letter\n\nMy name is Asha Verma and I live here. Write to asha.verma@example.org or call +91 98765 43210."
    text += "\n\nDear Asha, thank you for the letter."
    put(tmp_path, "notes/letter.md", text)
    report = build(tmp_path)
    told = " ".join(str(row) for file in ("documents", "chunks", "examples") for row in rows(tmp_path, file))
    assert "Asha" not in told and "98765" not in told and "example.org" not in told
    assert report.redacted["PERSON"] >= 2 and report.redacted["EMAIL"] == 1


def test_the_language_is_the_one_that_is_written(tmp_path):
    hindi = "# मिट्टी\n\nमिट्टी में रेत, पानी और हवा होती है। पौधों की जड़ें इसी में रहती हैं और इसी से पानी लेती हैं।"
    put(tmp_path, "notes/a.md", "---\nlanguage: en\n---\n" + hindi)
    put(tmp_path, "notes/b.md", "---\nlanguage: hi\n---\n" + NOTE)
    put(tmp_path, "notes/c.md", "# ?\n\n" + "x = 3 + 4 y z " * 20)
    report = build(tmp_path)
    assert {row["path"]: row["language"] for row in rows(tmp_path, "documents")} == {
        "a.md": "hi",
        "b.md": "en",
        "c.md": None,
    }
    assert report.reasons == {"no_language": 1}


def test_an_unchanged_document_is_not_read_again_and_gives_the_same_rows(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "notes/bad.pdf", b"%PDF-1.4 no")
    build(tmp_path)
    before = [rows(tmp_path, file) for file in ("documents", "chunks", "examples", "funnel")]
    again = build(tmp_path)
    assert again.reused == 2
    assert [rows(tmp_path, file) for file in ("documents", "chunks", "examples", "funnel")] == before
    put(tmp_path, "notes/new.md", "# Rain\n\n" + "Rain falls out of dark clouds when the drops are heavy enough. " * 3)
    assert build(tmp_path).reused == 2
    (tmp_path / "documents/notes/soil.md").unlink()
    build(tmp_path)
    assert {row["path"] for row in rows(tmp_path, "documents")} == {"bad.pdf", "new.md"}
    assert {c["source_file"] for c in rows(tmp_path, "chunks")} == {"new.md"}


def test_a_set_is_stale_when_files_or_configuration_change_and_not_otherwise(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    assert stale(tmp_path) == ["notes"]
    build(tmp_path)
    assert stale(tmp_path) == []
    shorter = CONFIG.documents.model_copy(update={"max_tokens": 300})
    assert stale(tmp_path, CONFIG.model_copy(update={"documents": shorter})) == ["notes"]
    quicker = CONFIG.curation.model_copy(update={"batch_rows": 7, "user_cap": 1})
    assert stale(tmp_path, CONFIG.model_copy(update={"curation": quicker})) == []
    put(tmp_path, "notes/soil.md", NOTE + "\nMore.", mtime=1_770_000_500)
    assert stale(tmp_path) == ["notes"]


@pytest.mark.parametrize("file", ["examples", "chunks", "documents"])
def test_a_set_that_is_damaged_when_it_is_read_anew_loses_nothing_and_keeps_no_other_back(tmp_path, file):
    put(tmp_path, "notes/soil.md", NOTE)
    build(tmp_path)
    before = rows(tmp_path)
    lake = Lake(str(tmp_path))
    for damaged in {file, "examples"}:  # which say what the set was made from
        lake.local(lake.documents("notes", damaged)).write_bytes(b"PAR1 and no table")
    put(tmp_path, "other/soil.md", NOTE)
    assert stale(tmp_path) == ["notes", "other"]
    build(tmp_path)
    assert (rows(tmp_path), stale(tmp_path)) == (before, ["other"])


def test_a_set_whose_folder_is_gone_is_emptied(tmp_path):
    path = put(tmp_path, "notes/soil.md", NOTE)
    build(tmp_path)
    path.unlink()
    path.parent.rmdir()
    assert stale(tmp_path) == ["notes"]
    build(tmp_path)
    assert (rows(tmp_path), stale(tmp_path)) == ([], [])


def test_folders_name_sets_as_segments_can_carry_them(tmp_path):
    put(tmp_path, "Class 7 Notes/soil.md", NOTE)
    assert stale(tmp_path) == ["class_7_notes"]
    put(tmp_path, "class-7-notes/soil.md", NOTE)
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "???/soil.md", NOTE)
    assert stale(tmp_path) == ["???", "class_7_notes", "notes"]
    for name, says in (("class_7_notes", "rename one"), ("???", "cannot name a document set")):
        with pytest.raises(DocumentSetError, match=says):
            build(tmp_path, name)
    assert build(tmp_path).accepted == 1


def test_a_broken_set_file_stops_its_set_aloud(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "notes/set.yaml", "licence: [")
    with pytest.raises(DocumentSetError, match=r"set\.yaml"):
        build(tmp_path)


def test_what_is_no_prose_stays_among_the_chunks_and_out_of_the_examples(tmp_path):
    table = "\n".join(f"Ch {n} ........ {n * 7}" for n in range(60))
    put(tmp_path, "notes/table.txt", f"{NOTE.replace('#', '')}\n\nTABLE\n\n{table}")
    report = build(tmp_path)
    assert report.removed_by_rule["chunk_not_prose"] > 0
    assert any(chunk["example"] is None for chunk in rows(tmp_path, "chunks"))
    funnel = rows(tmp_path, "funnel")
    assert funnel[-1]["remaining"] == len(rows(tmp_path))


def test_a_strange_file_does_not_keep_the_others_from_being_read(tmp_path):
    put(tmp_path, "notes/deep.html", "<div>" * 30_000 + "Soil feeds plants, and plants feed animals and people. " * 3)
    put(tmp_path, "notes/soil.md", NOTE)
    report = build(tmp_path)
    assert report.conserved and report.accepted >= 1


def test_what_is_no_file_is_a_rejected_document_and_what_is_being_written_waits(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    put(tmp_path, "notes/soil.pdf.part", NOTE)
    folder = tmp_path / "documents" / "notes"
    (folder / "link.md").symlink_to("/nowhere")
    (folder / "circle").symlink_to(".")
    os.mkfifo(folder / "pipe.md")
    os.mkfifo(folder / "soil.md.meta.yaml")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.md")).write_text("Other soil, " + NOTE)
    report = build(tmp_path)
    assert (report.read, report.accepted, report.conserved) == (5, 1, True)
    assert report.reasons == {"unreadable": 3, "metadata": 1}
    assert {row["path"] for row in rows(tmp_path, "documents")} == {
        "soil.md",
        "link.md",
        "circle",
        "pipe.md",
        "\\xff.md",
    }
    assert stale(tmp_path) == []


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    put(tmp_path, "notes/soil.md", NOTE)
    small = CONFIG.documents.model_copy(update={"maximum_megabytes": 0.0001})
    report = build_set(Lake(str(tmp_path)), "notes", small, CONFIG.curation, now=NOW)
    assert report.reasons == {"too_large": 1}


def test_the_packaged_notes_are_read_whole_in_both_languages(tmp_path):
    shutil.copytree(PROJECT_ROOT / "data/demo/documents/study_notes", tmp_path / "documents/study_notes")
    report = build(tmp_path, "study_notes")
    assert (report.read, len(report.rejected)) == (38, 0)
    assert report.languages == {"en": 24, "hi": 14}
    assert report.pairs >= 45
    assert {row["licence"] for row in rows(tmp_path, "chunks", "study_notes")} == {"CC0-1.0"}
