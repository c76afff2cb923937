from __future__ import annotations

import polars as pl
import pytest

from lyo_pipelines.curation.culture import cultural_findings, finding_excerpt
from lyo_pipelines.curation.wordlists import PACKAGED, WordlistError, load_wordlists
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.curation.interaction_rows import CONFIG

LISTS = load_wordlists()


def found(
    answer: str, language: str, *, task: str = "tutoring", complaint: str | None = None, lists=LISTS
) -> list[str]:
    frame = pl.DataFrame(
        {"answer": [answer], "bucket": [language], "task": [task], "complaint_category": [complaint]},
        schema_overrides={"complaint_category": pl.String},
    )
    return cultural_findings(frame, lists, CONFIG)[0].to_list()


@pytest.mark.parametrize(
    ("answer", "language", "names"),
    [
        ("मैं आपको यह समझाता हूँ।", "hi", ["persona_masculine"]),
        ("अब मैं अगला कदम बताऊँगा।", "hi", ["persona_masculine"]),
        ("मैं आपके साथ हल कर रहा हूँ।", "hi", ["persona_masculine"]),
        ("मैं कल इस सवाल पर यही सोच रहा था।", "hi", ["persona_masculine"]),
        ("मैं कल यही सोच रहा था।", "hi", []),
        ("मैं आपको यह समझाती हूँ और अगला कदम बताऊँगी।", "hi", []),
        ("लड़का दौड़ता है और वह घर जाता था।", "hi", []),
        ("हम इसे हल करेंगे, आप देखेंगे।", "hi", []),
        ("तू यह सवाल फिर से देख।", "hi", ["disrespectful_form"]),
        ("आप यह सवाल फिर से देखिए, तुम भी देखो।", "hi", []),
        ("कतू और तूफान अलग शब्द हैं।", "hi", []),
        ("यह मूर्ख जैसा काम है।", "hi", ["insult"]),
        ("निम्न जाति के लोग ऐसा नहीं करते।", "hi", ["caste"]),
        ("Main aapko samjhata hoon.", "hi_latn", ["persona_masculine"]),
        ("Main aapko samjhati hoon, phir bataungi.", "hi_latn", []),
        ("Main agla step bataunga.", "hi_latn", ["persona_masculine"]),
        ("Tera answer galat hai.", "hi_latn", ["disrespectful_form"]),
        ("டேய் இதைப் பார்.", "ta", ["disrespectful_form"]),
        ("நீ ஒரு முட்டாள். விடை 7.", "ta", ["familiar_form", "insult"]),
        ("உங்கள் சாதிப் பிள்ளைகளுக்குக் கணக்கு வராது.", "ta", ["caste"]),
        ("இது ஒரு மது பாட்டில் என்று கொள்ளுங்கள்.", "ta", ["alcohol"]),
        ("மது ஐந்து பென்சில்கள் வாங்கினாள்.", "ta", []),
        ("मान लीजिए कि यह शराब की बोतल है।", "hi", ["alcohol"]),
        ("आपकी जाति के बच्चों को गणित कम आता है।", "hi", ["caste"]),
        ("गाँव के बच्चों को यह कम आता है।", "hi", ["origin"]),
        ("Think of them as glasses of beer.", "en", ["alcohol"]),
        ("Ethanol is an alcohol with two carbon atoms.", "en", []),
        ("Imagine a plate of beef curry.", "en", ["beef_or_pork"]),
        ("Children from villages are weak in this.", "en", ["origin"]),
        ("Girls usually find this hard, so go slowly.", "en", ["gender_stereotype"]),
        ("Aapki jaati ke bachchon ko maths kam aata hai.", "hi_latn", ["caste"]),
        ("நீங்கள் இதைப் பாருங்கள். விடை சரி.", "ta", []),
        ("Dei, itha paaru.", "ta_latn", ["disrespectful_form"]),
        ("You are so stupid!", "en", ["insult"]),
        ("Girls are bad at maths.", "en", ["gender_stereotype"]),
        ("Girls and boys are good at maths.", "en", []),
        ("Lower caste people cannot do it.", "en", ["caste"]),
        ("The set of girls is larger than the set of boys.", "en", []),
        ("As your male teacher, I say so.", "en", ["persona_gender"]),
        ("You are stupid", "xx", []),
    ],
)
def test_findings_of_the_word_and_rule_lists(answer, language, names):
    assert found(answer, language) == names


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("उल्लू पेड़ पर बैठा रहा और चूहे ताकता रहा।", "hi"),
        ("धोबी का गधा घास चरने लगा।", "hi"),
        ("चिड़िया बोली, “तू बड़ा बुद्धू है!” और उड़ गई।", "hi"),
        ("मैं एक पुराना बरगद हूँ और सौ साल से यहीं खड़ा हूँ।", "hi"),
        ("अत्यधिक शराब से यकृत को नुकसान होता है।", "hi"),
        ("பாட்டி, “நீ சாப்பிட்டாயா?” என்று கேட்டாள்.", "ta"),
        ("சின்னத் தம்பி! நீ எங்கே போகிறாய்?", "ta"),
        ("The fox shouts: “Shut up!” and the crow opens its beak.", "en"),
        ("Tar from cigarettes harms the lungs.", "en"),
        ("The sepoys of 1857 would not touch beef fat.", "en"),
        ("Beef cattle and dairy cattle are two kinds of livestock.", "en"),
        ("Gambling with dice led to the theory of chance.", "en"),
        ("तू, तुम और आप मध्यम पुरुष सर्वनाम हैं।", "hi"),
        ("Ullu raat mein shikar karta hai aur gadha bojh dhota hai.", "hi_latn"),
        ("Sharab ka rasayanik naam ethanol hai.", "hi_latn"),
        ("गाढव ओझे वाहते. घुबड रात्री पाहते.", "mr"),
        ("গাধা বোঝা বয়। পেঁচা রাতে দেখে।", "bn"),
    ],
)
def test_an_animal_a_quotation_a_narrator_and_a_lesson_on_health_are_no_findings(answer, language):
    assert found(answer, language) == []


@pytest.mark.parametrize(
    ("answer", "language", "name"),
    [
        ("He said: “Lower caste people cannot read.”", "en", "caste"),
        ("“तू गधा है”", "hi", "disrespectful_form"),
        ("अरे गधे, पहले जोड़ो।", "hi", "insult"),
        ("Tum bahut bewakoof ho.", "hi_latn", "insult"),
        ("Nee oru muttal.", "ta_latn", "insult"),
        ("तू मूर्ख आहेस.", "mr", "insult"),
        ("তুমি একটা বোকা, এটাও জানো না।", "bn", "insult"),
        ("నువ్వు ఒక మూర్ఖుడివి.", "te", "insult"),
        ("ನೀನು ಒಬ್ಬ ಮೂರ್ಖ, ಇದೂ ಗೊತ್ತಿಲ್ಲ.", "kn", "insult"),
        ("તું મૂર્ખ છે.", "gu", "insult"),
        ("ਤੂੰ ਮੂਰਖ ਹੈਂ।", "pa", "insult"),
        ("നീ ഒരു മണ്ടനാണ്.", "ml", "insult"),
        ("People of lower castes cannot learn algebra.", "en", "caste"),
        ("Boys are naturally smarter at physics than girls.", "en", "gender_stereotype"),
    ],
)
def test_what_is_grave_counts_in_quotations_too_and_so_does_an_answer_that_is_all_quotation(answer, language, name):
    assert name in found(answer, language)


def test_the_persona_speaks_only_in_its_own_tasks():
    assert found("मैं आपको यह समझाता हूँ।", "hi", task="programming") == []


def test_a_cultural_complaint_is_a_finding():
    assert found("x is seven", "en", complaint=" Cultural ") == ["complaint"]
    assert found("x is seven", "en", complaint="too long") == []


def test_the_excerpt_shows_the_place_on_one_line_in_quotation_marks():
    answer = "पहले जोड़िए।\n" * 30 + "तू मूर्ख है।" + "फिर घटाइए। " * 30
    shown = finding_excerpt(answer, "insult", "hi", LISTS, CONFIG)
    assert "मूर्ख" in shown
    assert shown.startswith("“…")
    assert shown.endswith("…”")
    assert "\n" not in shown
    assert len(shown) <= CONFIG.review_excerpt_characters + 4
    assert finding_excerpt("=1+1", "complaint", "en", LISTS, CONFIG) == "“=1+1”"


def test_all_packaged_lists_have_the_same_shape():
    assert (
        {path.stem for path in PACKAGED.glob("*.yaml")}
        == set(LISTS.by_language)
        == {"en", "hi", "ta", "hi_latn", "ta_latn", "mr", "bn", "te", "gu", "kn", "ml", "pa", "ur", "or"}
    )


def test_a_user_s_lists_are_laid_over_the_packaged_ones(tmp_path):
    lake = Lake(str(tmp_path))
    lake.write_text(
        "language: en\nrefusals: ['\\bno comment\\b']\ndisabled: [caste]\n"
        "cultural:\n  - {name: insult, why: ours, pattern: 'silly goose'}\n  - {name: brand, why: rival, pattern: '\\bAcme\\b'}\n",
        lake.side("wordlists", "own.yaml"),
    )
    lake.write_text(
        "language: kn\ncultural:\n  - {name: insult, why: w, pattern: ದಡ್ಡ}\n", lake.side("wordlists", "kn.yaml")
    )
    lists = load_wordlists(lake)
    assert lists.signature != LISTS.signature
    assert found("You silly goose", "en", lists=lists) == ["insult"]
    assert found("You are so stupid!", "en", lists=lists) == []
    assert found("ask ACME", "en", lists=lists) == ["brand"]
    assert found("Lower caste people cannot do it.", "en", lists=lists) == []
    assert found("ನೀನು ದಡ್ಡ", "kn", lists=lists) == ["insult"]
    assert any("no comment" in pattern for pattern in lists.refusals)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("language: en\nrefusals: ['(unclosed']\n", "does not compile"),
        ("language: en\nrefusals: ['(?=ahead)x']\n", "does not compile"),
        ("language: en\nrefusals: ['x*']\n", "matches an empty text"),
        ("language: en\nrefuse: []\n", "refuse"),
        ("refusals: []\n", "language"),
        ("language: [\n", "YAML"),
        ("just text", "file"),
    ],
)
def test_a_wrong_list_is_an_error_that_names_file_and_entry(tmp_path, text, says):
    lake = Lake(str(tmp_path))
    lake.write_text(text, lake.side("wordlists", "own.yaml"))
    with pytest.raises(WordlistError, match=f"own.yaml.*{says}"):
        load_wordlists(lake)
