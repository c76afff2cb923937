"""What a machine says instead of an answer goes; the same words in a lesson about them stay."""

from __future__ import annotations

import pytest

from lyo_pipelines_tests.curation.test_rules import curated, fate, row


@pytest.mark.parametrize(
    ("language", "answer"),
    [
        ("en", "429 Too Many Requests"),
        ("en", "HTTP 502: Bad Gateway"),
        ("en", "<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head><body></body></html>"),
        ("en", '{"error": {"message": "Rate limit reached", "type": "requests"}}'),
        ("en", '{"object": "error", "message": "the engine is overloaded"}'),
        ("en", "Error 503: upstream failed"),
        ("en", 'Traceback (most recent call last):\n  File "chat.py", line 9\nTimeoutError: no reply'),
        ("en", "httpx.ReadTimeout: timed out\nrequests.exceptions.ConnectionError: no route"),
        ("en", "An unexpected error occurred while processing your request."),
        ("en", "Our servers are under heavy load at the moment."),
        ("en", "The model is overloaded right now."),
        ("en", "We see high traffic at the moment. Please try again in a few minutes."),
        ("en", "Sorry, I could not generate a response."),
        ("hi", "सर्वर में तकनीकी समस्या है। कृपया थोड़ी देर बाद प्रयास करें।"),
        ("hi", "कुछ गलत हो गया। कृपया दोबारा कोशिश करें।"),
        ("ta", "ஏதோ தவறு நடந்தது. பிறகு முயற்சிக்கவும்."),
        ("hi_latn", "Server mein problem hai, baad mein try karein."),
    ],
)
def test_a_message_of_a_failure_is_no_answer(language: str, answer: str):
    assert fate(rating=5.0, language=language, question="How do rivers begin?", answer=answer) == "failure_message"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What does status 503 tell a browser?", "503 Service Unavailable: the server cannot answer now."),
        ("What does Python say to 4 / 0?", "ZeroDivisionError: division by zero"),
        ("Is my working right?", "Something went wrong in line 2: the sign of 7 must change. Try again from there."),
        ("Why did the bread not rise?", "The water was too hot. Use cooler water and try again."),
        ("Of 1,000 pupils 55 % passed. How many did not?", "450 students failed, as 1,000 - 550 = 450."),
        ("How many mistakes has one book?", "504 errors in 12 books make 42 in each."),
        ("How do errors enter a measurement?", "Error is what lies between a measured and a true value."),
    ],
)
def test_a_lesson_about_failures_stays(question: str, answer: str):
    assert fate(rating=5.0, question=question, answer=answer) == "kept"


@pytest.mark.parametrize(
    ("rule", "question", "answer"),
    [
        ("template_leak", "What is a gear?", "A wheel with teeth.<|im_end|>\n<|im_start|>user\nAnd a belt?"),
        ("template_leak", "What is a gear?", "[INST] What is a gear? [/INST] A wheel with teeth."),
        ("template_leak", "What is a gear?", "A wheel with teeth.\nUser: And a belt?\nAssistant: A loop of leather."),
        ("template_leak", "What is a gear?", "### Instruction:\nSay what a gear is.\nA wheel with teeth."),
        ("kept", "Write a chat of a user and an assistant.", "User: Hello.\nAssistant: Good morning to you."),
        ("kept", "Which token ends a message?", "The token <|im_end|> ends it, in that template."),
        ("unfilled_place", "How did I do?", "Well done, {{ learner.name }}: you have {{points}} points."),
        ("unfilled_place", "What is a gear?", "A gear is [insert definition of gear] in machines."),
        ("unfilled_place", "What is a gear?", "Lorem ipsum dolor sit amet, consectetur."),
        ("kept", "Draft a letter of leave.", "Dear Madam, I ask for leave on [your date].\n[Your name]"),
        ("kept", "What is the mean of 2 and 4?", "$\\bar{x} = \\frac{{2+4}}{{2}} = 3$, as $x^{{mean}}$ shows."),
        ("kept", "How do I show a list?", "Write a link as [name](address), and a cell as a[name] in words."),
    ],
)
def test_marks_of_templates_and_unfilled_places(rule: str, question: str, answer: str):
    assert fate(rating=5.0, question=question, answer=answer) == rule


@pytest.mark.parametrize(
    "answer", ["A wheel with teeth.<|im_end|>", "Assistant: A wheel with teeth.", "A wheel with teeth.</s>"]
)
def test_marks_around_an_answer_are_cut_off(answer: str):
    kept = curated(row(rating=5.0, question="What is a gear?", answer=answer)).kept
    assert kept["answer"].to_pylist() == ["A wheel with teeth."]


@pytest.mark.parametrize(
    ("question", "answer", "wanted"),
    [
        ("Why do leaves turn red?", "None", "empty_answer"),
        ("पत्ते लाल क्यों होते हैं?", "null", "empty_answer"),
        ("How many of 8, 9 and 10 are prime?", "None", "kept"),
        ("How do you say zero in German?", "Null", "kept"),
        ("Which sign ends a question?", "?", "kept"),
        ("How do leaves turn red?", "?", "empty_answer"),
        ("How do leaves turn red?", "TODO", "empty_answer"),
    ],
)
def test_a_word_for_nothing_and_a_bare_sign_answer_only_what_asks_for_them(question: str, answer: str, wanted: str):
    assert fate(rating=5.0, question=question, answer=answer) == wanted


def test_loops_of_short_indic_words_and_of_one_word_are_repeated():
    assert fate(rating=5.0, language="hi", answer="पानी है। " * 15) == "repeated_answer"
    assert fate(rating=5.0, answer="Snow is " + "cold " * 12) == "repeated_answer"
    assert fate(rating=5.0, answer="Merrily, merrily, merrily, merrily, life is but a dream.") == "kept"


def test_a_refusal_in_urdu_and_a_teaching_sentence():
    assert fate(rating=5.0, language="ur", answer="معذرت، میں اس کا جواب نہیں دے سکتی۔") == "refusal"
    assert (
        fate(rating=5.0, language="ur", answer="صفر سے تقسیم نہیں کر سکتے، کیونکہ اس کا کوئی مطلب نہیں ہوتا۔") == "kept"
    )
