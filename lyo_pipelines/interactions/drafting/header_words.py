"""What the words of a column's header say where the whole of it is no known name: "Reply given by Bot", "Student's question".

Headers are small phrases. In a compound the last noun is the head ("ask_ai_output"), before a preposition the first ("Answer to the
question"). Words of several languages; those of five letters and more are also known at the end of a compound ("Schülerfrage").
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_BRACKETS = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0dff\u200c\u200d])+")
"""Letters and digits, and the vowel signs of Indian scripts."""
_PARTING = re.compile(r"\.(?=[^\s.])")
_COMPOUND = 5
"""Letters from which a word is also known at the end of a longer one."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


QUESTION = _set(
    "question questions doubt doubts query queries prompt ask asks asked asking utterance request input incoming said message problem "
    "frage eingabe pregunta pergunta domanda demande soru pertanyaan vopros вопрос prashna sawal shanka सवाल सवालात प्रश्न प्रश्नः शंका "
    "கேள்வி வினா ஐயம் సందేహం ప్రశ్న ಪ್ರಶ್ನೆ ചോദ്യം প্রশ্ন પ્રશ્ન ਸਵਾਲ سوال 问题 提问 質問 질문 سؤال"
)
ANSWER = _set(
    "answer answers reply replies response responses completion output outgoing solution explanation explained answered replied "
    "generated suggestion antwort ausgabe respuesta resposta risposta reponse cevap yanit jawaban otvet ответ jawab uttar जवाब उत्तर "
    "பதில் விடை సమాధానం జవాబు ಉತ್ತರ ഉത്തരം উত্তর જવાબ ਜਵਾਬ جواب 回答 答案 応答 답변"
)
ASKER = _set(
    "user student students pupil learner child kid human customer visitor enduser client member caller parent requester "
    "schuler schueler alumno eleve aluno siswa usuario utilisateur utente nutzer benutzer छात्र विद्यार्थी மாணவர் 用户"
)
ANSWERER = _set(
    "bot ai gpt llm model assistant tutor teacher agent chatbot system machine lyo ki ia tuteur profesor lehrer शिक्षक ஆசிரியர்"
)
_PREPOSITIONS = _set(
    "of to from by for on about with given shown sent in de du des la le del da do zu von auf a al di der en"
)
WISHED = _set("expected reference gold golden ideal target correct true right ground")
"""The answer that should have been given, not the one that was."""
_EITHER = _set("message said input problem utterance")
"""Words for what either side says: beside them who speaks decides."""
JUDGE = _set(
    "judge judged auto automatic llm eval evaluator evaluation grader predicted confidence probability relevance toxicity similarity"
)
"""A score with one of these is a program's, and no user's rating."""

FIELD_WORDS: dict[str, frozenset[str]] = {
    "rating": _set(
        "rating rated rate ratings star stars helpful useful helpfulness satisfaction satisfied csat overall quality feedback score "
        "survey note bewertung sterne puntuacion calificacion nota avaliacao अंक रेटिंग मूल्यांकन மதிப்பீடு மதிப்பெண்"
    ),
    "thumbs": _set(
        "thumb thumbs helpful useful helped satisfied satisfaction happy like liked likes vote reaction mood feedback survey "
        "good solved sirvio utile util hilfreich resolved smiley emoji"
    ),
    "user_id": ASKER
    | _set("email mail phone mobile account roll distinct pseudo whatsapp requestor correo courriel asker ईमेल फ़ोन"),
    "conversation_id": _set("session chat conversation thread dialog dialogue call sitzung gesprach"),
    "interaction_id": _set(
        "ticket doubt question query request message event record log row entry interaction ask response trace क्रमांक"
    ),
    "occurred_at": _set(
        "time timestamp date datetime at when on utc started start created submitted received sent asked logged day zeit "
        "uhrzeit datum fecha hora marca horodateur horodatage data दिनांक तारीख समय தேதி நேரம் తేదీ ದಿನಾಂಕ তারিখ"
    ),
    "response_time_ms": _set(
        "latency elapsed took taken duration seconds secs sec ms millis milliseconds dauer solved resp responded waited wait"
    ),
    "grade": _set(
        "class std standard grade level klasse klassenstufe jahrgang classe niveau grado curso kaksha कक्षा வகுப்பு తరగతి শ্রেণী"
    ),
    "subject": _set("subject paper course fach materia matiere विषय பாடம் విషయం বিষয়"),
    "topic": _set("topic chapter unit thema अध्याय அத்தியாயம்"),
    "language": _set("language lang locale medium sprache langue idioma भाषा மொழி భాష ভাষা"),
    "model": _set("model modelname engine"),
    "team": _set("school team tenant organisation organization institute branch विद्यालय பள்ளி"),
    "complaint_category": _set("complaint issue grievance reported शिकायत புகார்"),
}
"""Field -> words of which one in a header makes it likely, where kind and values of the column fit as well."""
ID_WORDS = _set("id ids no nr num number key hash uid uuid code ref")


def names_of(path: str) -> list[str]:
    """The names on a path, outermost first; a full stop at the end or before a space ("Std.", "Roll No. of pupil") parts none."""
    return _PARTING.split(path)


def header_words(name: str) -> list[str]:
    """The words of a header in lower case, without accents of Latin letters and without what stands in brackets."""
    bare = _BRACKETS.sub(" ", name) if _BRACKETS.sub("", name).strip() else name
    spaced = _CAMEL.sub(" ", bare)
    return [_without_accents(word.lower()) for word in _WORD.findall(spaced)]


def _without_accents(word: str) -> str:
    if not any(unicodedata.name(letter, "").startswith("LATIN") for letter in word):
        return unicodedata.normalize("NFC", word)
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))


def in_brackets(name: str) -> str:
    """What stands in brackets in a header: "Asked on (IST)" -> "IST"."""
    return " ".join(found[1:-1].strip() for found in _BRACKETS.findall(name))


def has_word(words: list[str], known: frozenset[str]) -> bool:
    """Whether one of these words is known, or ends in a longer known one."""
    return any(_is(word, known) for word in words)


def _is(word: str, known: frozenset[str]) -> bool:
    return word in known or (
        len(word) > _COMPOUND and any(len(other) >= _COMPOUND and word.endswith(other) for other in known)
    )


def speaker_of_text(path: str) -> Literal["question", "answer"] | None:
    """Whether a column of texts holds what was asked or what was answered, by its header, innermost name first; None where it does not
    say or speaks of the answer that was wished for."""
    for name in (names_of(path)[-1], path):
        words = header_words(name)
        if has_word(words, WISHED):
            return None
        if (found := _by_nouns(words) or _by_speaker(words)) is not None:
            return found
    return None


def _by_nouns(words: list[str]) -> Literal["question", "answer"] | None:
    """The head among the nouns for questions and answers: the last one, or the last before a preposition."""
    head: Literal["question", "answer"] | None = None
    for word in words:
        if head is not None and word in _PREPOSITIONS:
            return head
        if _is(word, ANSWER):
            head = "answer"
        elif _is(word, QUESTION) and word not in _EITHER:
            head = "question"
    return head


def _by_speaker(words: list[str]) -> Literal["question", "answer"] | None:
    """Who speaks, for names such as "bot_text", "Customer message" and "Incoming message"."""
    asks, answers = has_word(words, ASKER), has_word(words, ANSWERER)
    if asks != answers:
        return "question" if asks else "answer"
    return "question" if not answers and has_word(words, frozenset({"input", "incoming"})) else None
