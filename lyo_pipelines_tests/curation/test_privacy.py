from __future__ import annotations

import logging
import re

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lyo_pipelines.curation.batch import curate_batch
from lyo_pipelines.curation.privacy.checksums import luhn, mod97, verhoeff
from lyo_pipelines.curation.privacy.engine import merged
from lyo_pipelines.curation.privacy.redact import can_hold, redact_text, redact_unique
from lyo_pipelines.curation.privacy.spans import PersonalDataSpan, ascii_digits
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines_tests.curation.interaction_rows import CONFIG, config, row, table
from lyo_pipelines_tests.hypothesis_profile import draws


def with_check(digits: str, check) -> str:
    return next(digits + last for last in "0123456789" if check(digits + last))


AADHAAR = with_check("23456789012", verhoeff)
CARD = with_check("453201511283036", luhn)
IBAN = next(f"DE{n:02d}370400440532013000" for n in range(2, 99) if mod97(f"DE{n:02d}370400440532013000"))
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
TAMIL = str.maketrans("0123456789", "௦௧௨௩௪௫௬௭௮௯")


def redacted(text: str) -> str:
    return redact_text(text, CONFIG).text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        # e-mail
        ("Mail asha.rao+school@example.co.in please", "Mail <EMAIL> please"),
        ("उत्तर asha@example.com पर भेजिए", "उत्तर <EMAIL> पर भेजिए"),
        ("பதிலை asha@example.com க்கு அனுப்புங்கள்", "பதிலை <EMAIL> க்கு அனுப்புங்கள்"),
        # phone
        ("Call +91 98765 43210 now", "Call <PHONE> now"),
        ("Ring me on 9876543210.", "Ring me on <PHONE>."),
        ("मेरा फ़ोन नंबर 98765-43210 है", "मेरा फ़ोन नंबर <PHONE> है"),
        (f"मेरा मोबाइल {'9876543210'.translate(DEVANAGARI)} है", "मेरा मोबाइल <PHONE> है"),
        (f"என் கைபேசி எண் {'9876543210'.translate(TAMIL)}.", "என் கைபேசி எண் <PHONE>."),
        ("Office: 044-2345 6789, London +44 20 7946 0958", "Office: <PHONE>, London <PHONE>"),
        ("mera number 9876543210 hai", "mera number <PHONE> hai"),
        ("(212) 555-0187 is the school", "<PHONE> is the school"),
        # Aadhaar, in the usual groups, bare, in Hindi digits; after its name even with a typing error
        (f"{AADHAAR[:4]} {AADHAAR[4:8]} {AADHAAR[8:]}", "<AADHAAR>"),
        (f"My Aadhaar is {AADHAAR}", "My Aadhaar is <AADHAAR>"),
        (f"मेरा आधार {AADHAAR.translate(DEVANAGARI)} है", "मेरा आधार <AADHAAR> है"),
        (f"என் ஆதார் எண் {AADHAAR}", "என் ஆதார் எண் <AADHAAR>"),
        ("Aadhaar 2345 6789 0123", "Aadhaar <AADHAAR>"),
        # other documents
        ("PAN ABCPE1234F", "PAN <PAN>"),
        ("मेरा पैन abcpe1234f है", "मेरा पैन <PAN> है"),
        ("Voter id ABC1234567", "Voter id <VOTER_ID>"),
        ("வாக்காளர் அட்டை ABC1234567", "வாக்காளர் அட்டை <VOTER_ID>"),
        ("passport K1234567 lost", "passport <PASSPORT> lost"),
        ("पासपोर्ट K 12 34567", "पासपोर्ट <PASSPORT>"),
        ("என் கடவுச்சீட்டு எண் C6103840.", "என் கடவுச்சீட்டு எண் <PASSPORT>."),
        ("They're not answering at 71-33-52-22", "They're not answering at <PHONE>"),
        ("call me on 01.84.17.61.18 today", "call me on <PHONE> today"),
        ("082 490 1693-Office", "<PHONE>-Office"),
        ("call me before 15/08/2024 10:30", "call me before 15/08/2024 10:30"),
        ("call out 1 2 3 4 5 6 7 8 9", "call out 1 2 3 4 5 6 7 8 9"),
        ("phone me: 00442079460958", "phone me: <PHONE>"),
        ("http://[bad and https://x.org/a?token=t", "http://[bad and <URL>"),
        ("ip 1.2.3.4, ip 300.1.1.1, ip 01.2.3.4", "ip <IP>, ip 300.1.1.1, ip 01.2.3.4"),
        ("ip fe80::1:2:abcd::1", "ip fe80::1:2:abcd::1"),
        (f"card {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]} expires", "card <CARD> expires"),
        (f"कार्ड {CARD} है", "कार्ड <CARD> है"),
        (f"IBAN {IBAN}", "IBAN <IBAN>"),
        ("IBAN " + " ".join(IBAN[i : i + 4] for i in range(0, len(IBAN), 4)) + " today", "IBAN <IBAN> today"),
        ("TN 09 AB 1234 and 22 BH 1234 AA", "<VEHICLE> and <VEHICLE>"),
        ("मेरी गाड़ी MH12DE1433 है", "मेरी गाड़ी <VEHICLE> है"),
        ("my driving licence is DL1420110012345", "my driving licence is <ID_NUMBER>"),
        # network
        ("from 203.0.113.77 today", "from <IP> today"),
        ("ip 2405:201:85a3::8a2e:370:7334", "ip <IP>"),
        ("https://x.org/a?token=abc123 is", "<URL> is"),
        ("ftp://asha:secret@files.example.org/x", "<URL>"),
        ("see (https://x.org/reset?lang=hi&api_key=k9).", "see (<URL>)."),
        ("key sk-abcdefghijklmnopqrstuvwx", "key <SECRET>"),
        # names
        ("My name is Asha Rao and I need help", "My name is <PERSON> and I need help"),
        ("my name is asha.", "my name is <PERSON>."),
        ("I'm Asha, from class 7", "I'm <PERSON>, from class 7"),
        ("Hi Steven, can you explain?", "Hi <PERSON>, can you explain?"),
        ("Thanks,\nAsha Rao", "Thanks,\n<PERSON>"),
        ("मेरा नाम राहुल शर्मा है।", "मेरा नाम <PERSON> है।"),
        ("मेरा नाम सीता।", "मेरा नाम <PERSON>।"),
        ("என் பெயர் கவிதா. எனக்கு உதவுங்கள்", "என் பெயர் <PERSON>. எனக்கு உதவுங்கள்"),
        ("mera naam Rahul hai", "mera naam <PERSON> hai"),
        ("en peyar Kavitha.", "en peyar <PERSON>."),
        ("Student name: Meena Iyer", "Student name: <PERSON>"),
        ("Name: Ravi Kumar\nCity: Pune", "Name: <PERSON>\nCity: Pune"),
    ],
)
def test_personal_data_becomes_a_typed_placeholder(text, clean):
    assert redacted(text) == clean


MATHS = [
    "3.14159265358979",
    "π ≈ 3.14159265358979323846",
    "1 2 3 4 5 6 7 8 9 10",
    "1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144",
    "123456789 × 987654321 = 121932631112635269",
    "9876543210 + 1 = 9876543211",
    "9876543210 - 8765432109 = 1111101101",
    "Is 9876543210 divisible by 3?",
    "Write 9876543210 in words.",
    "The place value of 7 in 9876543210",
    "Round 6666666666 to the nearest million",
    "2^40 = 1099511627776",
    "6.02214076 × 10^23",
    "299792458 m/s and 6378137 m",
    "The population of India is 1428627663.",
    "₹9876543210 crore",
    "x = 9876543210",
    "y = 7x + 9876543210",
    "f(1234567890) = 0",
    "(12.9715987, 77.5945627) and 28.6139° N, 77.2090° E",
    "2024-01-15 and 15/08/1947 at 10:30:45",
    "born 1947-08-15 10:30",
    "12:30:45 to 23:59:59",
    "1/2 + 3/4 = 5/4 and 22/7",
    "100, 200, 300, 400, 500, 600, 700",
    "9876543210, 8765432109 and 7654321098 in ascending order",
    "0.1 + 0.2 = 0.30000000000000004",
    "1000000007 is a prime",
    "4532015112830366 is a multiple of 2",
    "१२३४५६७८९० में ५ का स्थानीय मान",
    "संख्या ९८७६५४३२१० को ३ से भाग दो",
    "எண் 9876543210 ஐ 3 ஆல் வகுக்கவும்",
    "0b1010101010101 and 0xDEADBEEF12345678",
    "a[::2], x[1:10:2] and std::vector",
    "section 1.2.3.4 and version 2.10.3.1",
    "127.0.0.1:8000 and 192.168.1.0/24",
    "w@x.T + b and A@B.sum()",
    "@app.route('/x')",
    "https://example.org/lesson?id=7&lang=hi",
    "H2SO4 + 2NaOH → Na2SO4 + 2H2O, C6H12O6",
    "E = mc2, AB = 5 cm, triangle ABC1",
    "ratio 1:2:3:4:5:6:7:8",
    "10000000 + 20000000 = 30000000",
    "5 + 9876543210",
    "The sum of 4444 4444 4444 and 1",
    "12 24 36 48 60 72 84 96 108 120",
    "speed is 300000000 m/s",
    "The number is 1234567.",
    "My number is 3628800, which is 10!",
    "Let us call the number 1234567 N.",
    "A factory made 1250000 mobile phones; mobile phones sold: 1500000",
    "0010110101101 in binary",
    "The binary number is 10110110",
    "+12345678 and -12345678",
    "x = +9876543210",
    "red blood cell count 5000000",
    "5! = 120, 10! = 3628800, 13! = 6227020800",
]


@pytest.mark.parametrize("text", MATHS)
def test_mathematics_survives(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Ravi has 5 apples and Sita has 3.",
        "Mr. Sharma buys 12 apples.",
        "This is Ohm's Law.",
        "It's Tuesday. This is Photosynthesis.",
        "Indira Gandhi was the daughter of Jawaharlal Nehru.",
        "We reach Mount Everest.",
        "This method is called Newton Raphson method.",
        "Name: Sodium Chloride",
        "name: Build\nsteps:",
        "Hello World!",
        "Hi there! Dear Students,",
        "I am Indian.",
        "I'm Happy to help.",
        "Thanks, Got it",
        "His name is Albert Einstein.",
        "उनका नाम आर्यभट्ट था।",
        "मैं छात्र हूँ",
        "நான் மாணவன்",
        "Great job! Now try it.",
        "I am stuck",
        "variable name = Total",
        "Thank you! Good morning class.",
        "मेरा नाम क्या है?",
    ],
)
def test_words_that_are_no_private_names_survive(text):
    assert redacted(text) == text


@pytest.mark.parametrize("text", ["Hi Lyo! What is 2 + 2?", "வணக்கம் லியோ!", "नमस्ते लियो!", "Thanks, Lyo."])
def test_the_assistant_s_own_name_stays(text):
    assert redacted(text) == text


def test_titled_names_go_only_where_the_configuration_says_so():
    text = "Ask Mr. Sharma about it"
    assert redacted(text) == text
    assert redact_text(text, config(redact_titled_names=True)).text == "Ask Mr. <PERSON> about it"


pieces = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="0123456789 -+().@:/", max_size=20),
    st.text(alphabet="०१२३४५६७८९௦௧௨௩ ABCxyz@.", max_size=16),
    st.sampled_from(
        [
            "My name is ",
            "Asha Rao",
            "call me ",
            "I'm ",
            "Hi ",
            "मेरा नाम ",
            "राहुल",
            " है",
            "என் பெயர் ",
            "கவிதா",
            "asha@example.com",
            "+91 98765 43210",
            "9876543210",
            AADHAAR,
            CARD,
            IBAN,
            "ABCPE1234F",
            "ABC1234567",
            "K1234567",
            "TN 09 AB 1234",
            "203.0.113.77",
            "2001:db8:85a3::8a2e:370:7334",
            "https://x.org/a?token=abc",
            "sk-abcdefghijklmnopqrstuvwx",
            "Regards,\n",
            "Name: ",
            "\nPhone: ",
            " lives at ",
            "my friend ",
            "licence no ",
            "'s phone ",
        ]
    ),
)
composed = st.lists(pieces, max_size=8).map("".join)


@settings(max_examples=draws(250))
@given(composed)
@example("LICENSE NO:00A0000")
def test_the_cheap_test_loses_no_finding(text):
    """Sending only what the vectorised test picks finds the same as sending everything."""
    everything = redact_text(text, CONFIG)
    picked = redact_unique(pl.Series([text]), CONFIG).get(0)
    assert (picked.text if picked else text) == everything.text
    assert (picked.counts if picked else {}) == everything.counts


@settings(max_examples=draws(250))
@given(composed)
def test_redacting_twice_is_redacting_once(text):
    once = redacted(text)
    assert redacted(once) == once


@settings(max_examples=draws(200))
@given(st.text(max_size=60))
def test_digits_of_all_scripts_keep_their_places(text):
    assert len(ascii_digits(text)) == len(text)
    assert ascii_digits("०९௦௯۴４") == "090944"


@given(st.text(alphabet="0123456789", min_size=1, max_size=30), st.integers(0, 29), st.integers(1, 9))
def test_check_digits_catch_every_single_wrong_digit(digits, place, change):
    for check in (luhn, verhoeff):
        whole = with_check(digits, check)
        place %= len(whole)
        wrong = whole[:place] + str((int(whole[place]) + change) % 10) + whole[place + 1 :]
        assert check(whole)
        assert not check(wrong)


def test_overlapping_findings_are_settled_by_type_and_length():
    spans = [
        PersonalDataSpan(0, 10, "PHONE", 0.9),
        PersonalDataSpan(2, 14, "AADHAAR", 0.9),
        PersonalDataSpan(20, 25, "PERSON", 0.5),
        PersonalDataSpan(22, 30, "PERSON", 0.9),
    ]
    assert [(s.start, s.end, s.kind) for s in merged(spans)] == [(2, 14, "AADHAAR"), (20, 30, "PERSON")]


def curated(*rows):
    return curate_batch(table(*rows), CONFIG, load_wordlists(), {})


def test_every_text_of_a_row_is_redacted_and_names_spread_through_it():
    made = row(
        rating=5.0,
        question="My name is Asha Rao. How do I solve 3x = 21?",
        answer="Well, Asha, divide both sides by three, so that x is seven.",
        context="Notes of ASHA RAO, asha@example.com",
        system_prompt="The learner's phone is 98765 43210.",
        history=[{"role": "user", "content": "asha@example.com"}, {"role": "assistant", "content": "Thanks Asha!"}],
        reference_answer="9876543210",
        topic="equations",
    )
    kept = curated(made).kept.to_pylist()[0]
    assert kept["question"] == "My name is <PERSON>. How do I solve 3x = 21?"
    assert kept["answer"] == "Well, <PERSON>, divide both sides by three, so that x is seven."
    assert kept["context"] == "Notes of <PERSON>, <EMAIL>"
    assert kept["system_prompt"] == "The learner's phone is <PHONE>."
    assert kept["history"] == [
        {"role": "user", "content": "<EMAIL>"},
        {"role": "assistant", "content": "Thanks <PERSON>!"},
    ]
    assert kept["reference_answer"] == "9876543210"


@pytest.mark.parametrize(
    "metadata", ['{"student_name": "Meena"}', '{"user": {"name": "Meena"}}', '{"profile": {"first_name": "Meena"}}']
)
def test_names_that_the_metadata_knows_are_replaced(metadata):
    kept = curated(
        row(rating=5.0, answer="Yes, Meena, x is seven, because three times seven is twenty-one.", metadata=metadata)
    ).kept
    assert kept["answer"][0].as_py().startswith("Yes, <PERSON>, x is seven")


@pytest.mark.parametrize(
    "metadata", ['{"name": "Subtract"}', '{"user_name": 7}', "user_name: Subtract", '["user_name"]', None]
)
def test_metadata_that_names_nobody_changes_nothing(metadata):
    made = row(rating=5.0, metadata=metadata)
    assert curated(made).kept["answer"][0].as_py() == made["answer"]


def test_rows_without_an_intact_neighbour_are_not_touched():
    result = curated(row(1, rating=5.0, question="My name is Subtract. How do I solve it?"), row(2, rating=5.0))
    assert "Subtract five" in result.kept["answer"][1].as_py()
    assert result.pii == {"PERSON": 2}


SECRETS = ("asha@example.com", "9876543210", AADHAAR, "Asha", "राहुल", CARD)


def test_values_are_in_no_output_and_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    text = f"My name is Asha. Mail asha@example.com, call 9876543210, Aadhaar {AADHAAR}, card {CARD}. मेरा नाम राहुल है।"
    made = [
        row(1, rating=5.0, question=text),
        row(2, rating=1.0, question=text),
        row(3, rating=4.0, complaint_category="cultural", complaint_text=text),
        row(4, rating=5.0, language="hi", answer="तू मूर्ख है, यह सवाल इतना आसान था फिर भी नहीं हुआ। " + text),
        row(5, rating=5.0, context=text, history=[{"role": "user", "content": text}]),
    ]
    result = curated(*made)
    everything = repr((result.kept.to_pylist(), result.removed.to_pylist(), result.findings, result.pii, caplog.text))
    assert not [secret for secret in SECRETS if secret in everything]
    assert {"PERSON", "EMAIL", "PHONE", "AADHAAR", "CARD"} <= set(result.pii)
    assert len(result.findings) >= 3


def test_the_cheap_test_answers_for_each_type():
    flags = can_hold(pl.Series(["asha@example.com", "plain words", None]), CONFIG)
    assert flags["EMAIL"].to_list() == [True, False, False]
    assert not any(flags.row(1))
    assert all(re.fullmatch(r"[A-Z_]+", name) for name in flags.columns)
