"""Names where a line says whose they are: at the end of a letter, in an exported chat, below two dashes."""

from __future__ import annotations

import pytest
import regex

from lyo_pipelines.curation.privacy.lazy_patterns import lazy
from lyo_pipelines.curation.privacy.redact import redact_text
from lyo_pipelines_tests.curation.interaction_rows import CONFIG


@pytest.mark.parametrize(
    "text",
    [
        "Please excuse me.\nThanks and regards,\nDr. {}\nHead of Physics",
        "Warm regards\n{}",
        "Sent from my phone\n--\n{} | Class 11",
        "12/03/24, 8:41 pm - {}: which page?",
        "[14/07/2023, 10:12:33] {}: send the notes",
    ],
)
def test_a_latin_name_in_a_line_of_its_own_is_found(text):
    assert redact_text(text.format("Malati Phadke"), CONFIG).text == text.format("<PERSON>")


@pytest.mark.parametrize(
    "text",
    [
        "আপনার অনুগত ছাত্রী,\n[শিউলি রায়]",
        "ఇట్లు,\nమీ విధేయ విద్యార్థి,\n[పి. మాధవి]",
        "ಇಂತಿ ನಿಮ್ಮ ವಿಧೇಯ ವಿದ್ಯಾರ್ಥಿ,\n[ಸಂತೋಷ್ ಹೆಗಡೆ]",
        "വിശ്വസ്തതയോടെ,\n[അജിത് മേനോൻ]",
        "આપનો આજ્ઞાંકિત વિદ્યાર્થી,\n[ચિરાગ દેસાઈ]",
        "ਆਪ ਜੀ ਦਾ ਆਗਿਆਕਾਰੀ,\n[ਕਰਮਜੀਤ ਸਿੰਘ]",
        "ଆପଣଙ୍କ ବିଶ୍ୱସ୍ତ ଛାତ୍ର,\n[ଅଜୟ ଦାସ]",
        "آپ کا تابعدار شاگرد\n[سعید انور]",
    ],
)
def test_the_end_of_a_letter_names_its_writer_in_every_script(text):
    before, name = text.rstrip("]").split("[")
    assert redact_text(before + name, CONFIG).text == f"{before}<PERSON>"


@pytest.mark.parametrize(
    "text",
    [
        "With regards to\nQuestion 4, the answer is 7.",
        "Yours faithfully\nis used for a stranger.",
        "ছাত্র,\nপড়াশোনা করে।",
        "Thanks,\nNow solve part (b).",
    ],
)
def test_a_lesson_on_letters_stays(text):
    assert redact_text(text, CONFIG).text == text


def test_a_card_goes_with_the_month_in_which_it_expires():
    assert redact_text("my debit card expires 08/29", CONFIG).text == "my debit card expires <SECRET>"
    assert redact_text("The offer expires 08/29 of the year", CONFIG).text == "The offer expires 08/29 of the year"


def test_a_lazy_pattern_is_made_once_and_then_is_the_pattern():
    made = []

    def make():
        made.append(1)
        return regex.compile("a+")

    pattern = lazy(make)
    assert not made
    assert pattern.fullmatch("aa")
    assert [match.group() for match in pattern.finditer("a aa")] == ["a", "aa"]
    assert made == [1]
    assert not hasattr(pattern, "splitter")
