"""Curation's rules applied to answers that models wrote."""

from __future__ import annotations

import pytest

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.evaluation.inputs.items import Item
from lyo_pipelines.evaluation.measures.language_quality import NAMES, culture_section, language_metrics, mixed_share
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks import task_format

CURATION = load_config().curation
LISTS = load_wordlists()


def item(language: str = "en", reference: str = "r", number: int = 0) -> Item:
    return Item(f"e{number}", f"g{number}", (("user", "q"),), reference, language)


def measured(
    name: str, text: str, *, language: str = "en", task: str = "tutoring", reference: str = "r", lists=LISTS
) -> float | None:
    metric = next(m for m in language_metrics(lists, CURATION) if m.name == name)
    (value,) = metric.find([item(language, reference)], [task_format(task)], [text])
    return value


def test_the_metrics_are_those_that_the_configuration_may_name():
    assert tuple(metric.name for metric in language_metrics(LISTS, CURATION)) == NAMES


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "You are so stupid, add them.", 1),
        ("en", "Add them, well done.", 0),
        ("hi", "तू मूर्ख है, जोड़ दे।", 1),
        ("hi", "बहुत अच्छा, अब जोड़िए।", 0),
        ("en", "", 0),
        ("xx", "You are so stupid.", None),
    ],
)
def test_a_cultural_finding_counts_in_languages_that_have_a_list(language, text, found):
    assert measured("cultural_findings", text, language=language) == found


def test_a_teams_own_word_list_counts(tmp_path):
    lake = Lake(str(tmp_path))
    own = "language: en\ncultural:\n  - {name: brand, why: No brands., pattern: acme}\n"
    lake.write_text(own, lake.side("wordlists", "en.yaml"))
    assert measured("cultural_findings", "Use an Acme calculator.") == 0
    assert measured("cultural_findings", "Use an Acme calculator.", lists=load_wordlists(lake)) == 1


@pytest.mark.parametrize(
    ("text", "task", "language", "kept"),
    [
        ("मैं समझाता हूँ।", "tutoring", "hi", 0),
        ("मैं समझाती हूँ।", "tutoring", "hi", 1),
        ("मैं समझाता हूँ।", "programming", "hi", None),
        ("நான் சொல்கிறேன்.", "tutoring", "bn", None),
        ("", "tutoring", "hi", None),
    ],
)
def test_the_tutor_speaks_of_herself_as_a_woman_where_she_speaks(text, task, language, kept):
    assert measured("persona_kept", text, task=task, language=language) == kept


def test_mixing_counts_only_beyond_what_the_reference_mixes():
    hindi, half = "यह सवाल आसान नहीं होता", "यह सवाल easy नहीं question"
    assert mixed_share(hindi, "hi") == 0
    share = mixed_share(half, "hi")
    assert share is not None
    assert 0.4 < share < 0.7
    assert measured("code_mixing", half, language="hi", reference=hindi) == pytest.approx(share)
    assert measured("code_mixing", half, language="hi", reference=half) == 0
    assert measured("code_mixing", "x = 3", language="hi", reference=hindi) is None
    assert measured("code_mixing", "uttar teen hai", language="hi_latn", reference="r") == 0
    assert measured("code_mixing", "यह `print(total)` से होता है", language="hi", reference=hindi) == 0, (
        "code is no language"
    )


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("fine", 0),
        ("ठीक है, यही उत्तर है।", 0),
        ("சரியான விடை இது.", 0),
        ("x² + ½ → 3", 0),
        ("half \ufffd letter", 1),
        ("cut in half a let\ufffd", 0),
        ("caf\u00c3\u00a9", 1),
        ("bell \x07", 1),
        ("यह \u093f ठीक", 1),
        ("answer<|im_end|>", 1),
        ("[INST] hello", 1),
    ],
)
def test_broken_text_is_found_and_scripts_are_not_broken_text(text, broken):
    assert measured("broken_text", text) == broken


@pytest.mark.parametrize(
    ("text", "nothing"),
    [("", 1), ("  \n", 1), ("N/A", 1), ("I'm sorry, but I can't help with that.", 1), ("It is 4.", 0)],
)
def test_an_empty_answer_and_a_refusal_are_no_answers(text, nothing):
    assert measured("unanswered", text) == nothing


def test_labels_and_scores_are_no_prose_that_people_read():
    fits = {metric.name: metric.fits for metric in language_metrics(LISTS, CURATION)}
    assert not fits["cultural_findings"](task_format("classification"))
    assert fits["cultural_findings"](task_format("quiz"))
    assert not fits["code_mixing"](task_format("quiz")), "its keys are English"
    assert all(fit(None) for fit in fits.values())


def test_the_section_names_findings_with_numbers_and_the_candidates_example():
    items = [item(number=0), item(number=1)]
    tasks = [task_format("tutoring")] * 2
    said = {"base": ["You are so stupid.", "ok"], "candidate": ["ok", "What an idiotic question!"]}
    (entry,) = culture_section(items, tasks, said, LISTS, CURATION)
    assert (entry.finding, entry.models) == ("insult", {"base": 1, "candidate": 1})
    assert entry.why == "The learner is insulted."
    assert entry.example.model == "candidate"
    assert "idiotic" in entry.example.excerpt
    assert culture_section(items, tasks, {"base": ["ok", "ok"]}, LISTS, CURATION) == ()
