"""Passages are found by their words, in every script; what nothing fits is told apart; what expired is not found."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.documents.metadata import front_matter, read_sidecar
from lyo_pipelines.documents.retrieval.index import Passage, PassageIndex
from lyo_pipelines.documents.retrieval.measure import calibrate_refusal, measure_retrieval, own_questions
from lyo_pipelines.documents.retrieval.shelf import PassageShelf, passages_of
from lyo_pipelines.documents.retrieval.terms import terms_of
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.validity import NOTHING_DECLARED

TEXTS = {
    "light": "Plants make their food from light, water and air. The green colour in the leaves catches the light.",
    "ohm": "The current through a wire is proportional to the voltage between its ends.",
    "leaf_hi": "पौधे प्रकाश, पानी और हवा से अपना भोजन बनाते हैं। पत्तियों का हरा रंग प्रकाश को पकड़ता है।",
    "cell_hi": "कोशिकाओं के बीच में एक केन्द्रक होता है।",
    "leaf_ta": "தாவரங்கள் ஒளி, நீர், காற்று ஆகியவற்றிலிருந்து உணவைத் தயாரிக்கின்றன. இலைகளின் பச்சை நிறம் ஒளியைப் பிடிக்கிறது.",
    "ohm_ta": "கம்பியின் வழியே செல்லும் மின்னோட்டம் மின்னழுத்தத்திற்கு நேர்விகிதத்தில் இருக்கும்.",
}
INDEX = PassageIndex([Passage(name, 0, "notes", f"{name}.md", "", text) for name, text in TEXTS.items()])
NOW = datetime(2026, 11, 20, tzinfo=UTC)
CONFIG = load_config()


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("What do plants need to make food?", "light"),
        ("voltage and current", "ohm"),
        ("पत्ती का रंग हरा क्यों है?", "leaf_hi"),
        ("कोशिका में क्या होता है?", "cell_hi"),  # asked in the singular, written in the oblique plural
        ("இலை ஏன் பச்சை?", "leaf_ta"),
        ("மின்னோட்டத்தின் விதி என்ன?", "ohm_ta"),  # another case ending
    ],
)
def test_a_passage_is_found_in_its_script_also_in_another_form_of_the_word(question, document):
    assert INDEX.search(question, 1)[0].passage.document == document


def test_match_says_whether_anything_fits_and_does_not_grow_with_the_question():
    fits = INDEX.search("light water air leaves", 1)[0]
    assert fits.match > 0.6
    odd = INDEX.search("Who won the cricket match between the two teams in the final yesterday?", 1)
    assert not odd or odd[0].match < CONFIG.gateway.sources.minimum_match
    assert INDEX.search("zzz qqq", 3) == [] == INDEX.search("?!", 3)
    assert PassageIndex([]).search("light", 3) == []


@pytest.mark.parametrize("question", ["Why is it so?", "What is this and what are they?", "यह क्या है?", "இது என்ன?"])
def test_a_question_about_nothing_is_refused(question):
    assert all(one.match < CONFIG.gateway.sources.minimum_match for one in INDEX.search(question, 3))


def test_a_common_word_is_what_a_question_is_about_where_it_has_no_other():
    texts = ("A number is what we count with.", "Seeds need water.", "The Kaveri flows to the east.")
    index = PassageIndex([Passage(str(at), 0, "notes", "", "", text) for at, text in enumerate(texts)])
    assert index.search("What is a number?", 1)[0].match == 1.0
    assert not index.search("What is the?", 1), "most passages hold it: nobody could have meant one of them"


@given(st.text(max_size=60))
def test_any_text_can_be_asked_and_a_match_is_a_share(question):
    assert all(0 <= one.match <= 1 for one in INDEX.search(question, 5))
    assert terms_of(question) == terms_of(question)


def test_a_word_is_cut_between_syllables_and_nukta_and_joiners_do_not_count():
    assert terms_of("क़लम") == terms_of("कलम")
    assert terms_of("மின்னோட்டத்தின்")[1] == terms_of("மின்னோட்டம்")[1]
    assert terms_of("x = 3.5") == ["x", "3.5"]


def document(lake: Lake, name: str, text: str) -> None:
    lake.write_text(text, lake.side("documents", "notes", name))


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(str(tmp_path))
    document(
        lake,
        "cells.md",
        "# Cells\n\n## What does a nucleus do?\n\nIt holds the genes and steers how the cell grows.\n",
    )
    document(
        lake,
        "old.md",
        "---\nvalid_until: 2026-10-31\n---\n# Planets\n\nPluto is the ninth planet of the solar system.\n",
    )
    build_set(lake, "notes", CONFIG.documents, CONFIG.curation, now=NOW)
    return lake


def test_what_holds_no_more_is_not_found_and_a_set_that_changed_is_read_again(lake):
    shelf = PassageShelf(lake, lambda: NOTHING_DECLARED)
    assert shelf.index("notes", date(2026, 10, 31)).search("ninth planet Pluto", 1)[0].match > 0.9
    assert not shelf.index("notes", NOW.date()).search("ninth planet Pluto", 1)
    assert shelf.index("notes", NOW.date()) is shelf.index("notes", NOW.date()), "the index is kept"
    assert not shelf.index("of nobody", NOW.date()).passages
    document(lake, "rivers.md", "# Rivers\n\nThe Kaveri rises in the Western Ghats and flows to the east.\n")
    build_set(lake, "notes", CONFIG.documents, CONFIG.curation, now=NOW)
    assert shelf.index("", NOW.date()).search("where does the Kaveri rise", 1)[0].passage.source_file == "rivers.md"


def test_a_document_says_how_long_it_holds_and_a_date_that_is_none_is_no_for_ever(lake):
    about, _ = front_matter("---\nboard: CBSE\nacademic year: 2025-26\nvalid_from: 2025-04-01\n---\ntext")
    assert about.validity == {
        "board": "CBSE", "edition": None, "academic_year": "2025-26", "valid_from": date(2025, 4, 1), "valid_until": None,
    }  # fmt: skip
    for wrong in ("academic_year: 25-26", "academic_year: 2025-24"):
        with pytest.raises(RejectedError, match="expected one like 2025-26"):
            read_sidecar(wrong, "x.meta.yaml")
    for wrong in ("valid_until: soon", "valid_from: 2026-01-02\nvalid_until: 2026-01-01"):
        with pytest.raises(RejectedError, match="valid_"):
            read_sidecar(wrong, "x.meta.yaml")


def test_questions_are_measured_without_their_own_words(lake):
    passages = passages_of(lake, "notes", NOTHING_DECLARED, NOW.date())
    pair = (passages[0].document, "What does a nucleus do?", "It holds the genes and steers how the cell grows.")
    asked, index = own_questions(passages, [pair, ("elsewhere", "Is it there?", "no")])
    assert [one.question for one in asked] == [pair[1]], "what no passage answers measures nothing"
    assert measure_retrieval(index, asked).mrr == 0.0, "nothing but its own heading has the question's words"
    plain = measure_retrieval(PassageIndex(passages), asked)
    assert (plain.n, plain.mrr, plain.hits[1]) == (1, 1.0, 1.0)


def test_the_match_that_errs_least_is_judged_on_questions_that_it_was_not_chosen_on():
    own = [f"light water leaves food plants {n}" for n in range(12)]
    foreign = [f"goal keeper stadium referee {n}" for n in range(12)]
    found = calibrate_refusal(INDEX, own, foreign)
    assert found is not None and (found.refused, found.let_through) == (0.0, 0.0)
    assert 0 < found.n < 12 and 0 < found.n_foreign < 12
    assert calibrate_refusal(INDEX, own[:1], foreign) is None
