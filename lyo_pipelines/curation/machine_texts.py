"""Texts of a machine in the place of an answer: messages of a failure, marks of a chat template, places left unfilled.

Each is found by what the text looks like, and is no finding where the question asks for such a thing (what HTTP 404 means,
a letter with places to fill in). What follows from a finding belongs to rules.py.
"""

from __future__ import annotations

import polars as pl

from lyo_pipelines.curation.wordlists import Wordlists

_MESSAGE = 400
"""Characters that a message of a failure has at most; a page of HTML and a traceback may be longer."""
_HTTP = (
    r"bad request|unauthori[sz]ed|payment required|forbidden|not found|method not allowed|request time-?out|conflict|payload too large"
    r"|unprocessable entity|too many requests|internal server error|not implemented|bad gateway|service (?:temporarily )?unavailable"
    r"|gateway time-?out|overloaded|server error|client error"
)
_STATUS = (
    rf"(?i)^\W*[45]\d\d\b[\s:,.–-]*(?:{_HTTP}|error)\b"
    rf"|^\W*(?:https?(?:/\d(?:\.\d)?)?|status|error|code|request failed with)(?:[\s:]|status|error|code)*[45]\d\d\b[\s:,.–-]*"
    rf"(?:{_HTTP}|[^.\n]{{0,40}}\b(?:errors?|failed|timed? ?out)\b)"
    r"|^\W*(?:error|request)\b[^\n]{0,60}\bstatus(?: code)?[\s:]*[45]\d\d\b"
)
_PAGE = rf"(?is)^\s*(?:<!doctype[^>]*>\s*)?<html\b.{{0,400}}<title>\s*(?:[45]\d\d\b|error\b|{_HTTP})"
_JSON = (
    r"(?is)^\s*\{\s*[\x22'](?:error|errors|fault|exception|status|status_?code|code|detail|message|object|type)[\x22']\s*:"
    r".{0,200}(?:error|exception|timed? ?out|failed|overloaded|quota|rate.?limit)"
)
_RAISED = (
    r"^\s*(?:Error:\s*)?(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?:\s*[:(]|\s*$)|^\s*(?:[a-z_]\w*\.)+[A-Z]\w+: "
    r"|^\s*Traceback \(most recent call last\):"
    r"|^\s*Exception in thread|^\s*panic:|^\s*Uncaught \w*Error"
)
_ABOUT_FAILURES = (
    r"(?i)\berrors?\b|exception|traceback|\bhttp|\bstatus\b|\b[45]\d\d\b|time-?out|timed out|rate limit|\bquota"
    r"|\bmessages?\b|\bjson\b|\bserver|\bapi\b"
    r"|\bhtml\b|त्रुटि|एरर|सर्वर|संदेश|பிழை|சேவையக|செய்தி|ত্রুটি|সার্ভার|లోపం|సర్వర్|ದೋಷ|ಸರ್ವರ್|പിശക്|സെർവർ"
)
_ABOUT_PROGRAMS = (
    r"(?i)python|\bjava|\bcode\b|program|script|\bprints?\b|output|\braise|\breturns?\b|\bruns?\b|what happens|`|\bc\+\+"
    r"|कोड|प्रोग्राम|पायथन|நிரல்|பைத்தான்"
)


def failure_messages(answers: pl.Series, questions: pl.Series, lists: Wordlists) -> pl.Series:
    """Whether each answer is what a program says when it fails (a status, an exception, "try again later") and no lesson about it."""
    answers, questions = answers.fill_null(""), questions.fill_null("")
    short = answers.str.len_chars() <= _MESSAGE
    found = short & (answers.str.contains(_STATUS) | answers.str.contains(_JSON))
    for pattern in lists.failures:
        found |= short & answers.str.contains(pattern)
    found |= answers.str.contains(_PAGE)
    raised = answers.str.contains(_RAISED)
    raised = _unless(raised, questions, _ABOUT_PROGRAMS)
    return _unless(found | raised, questions, _ABOUT_FAILURES)


_TOKEN = (
    r"<\|(?:im_start|im_end|im_sep|endoftext|end_of_text|eot_id|eom_id|start_header_id|end_header_id|begin_of_text|fim_\w+"
    r"|assistant|user|system|end|pad)\|>"
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
)
_HEADED = r"(?im)^#{2,3} ?(?:instruction|input|human|user)s?:?[ \t]*$"
_ROLES = (r"(?im)^[\s*_]*(?:human|user)[*_]*:", r"(?im)^[\s*_]*(?:assistant|ai|bot|chatbot|model)[*_]*:")
_ABOUT_TEMPLATES = (
    r"(?i)\btokens?\b|template|chat ?ml|\bprompts?\b|<\||\[/?INST|special|dialog|conversation|\bchat|script|role.?play|skit"
    r"|interview|संवाद|बातचीत|वार्तालाप"
    r"|உரையாடல்|সংলাপ|কথোপকথন|సంభాషణ"
)
_CODE = r"(?s)```.*?(?:```|$)|`[^`\n]*`"


def leaked_templates(answers: pl.Series, questions: pl.Series) -> pl.Series:
    """Whether each answer holds marks of a chat template, or goes on with turns of a conversation that nobody had."""
    answers = answers.fill_null("")
    found = answers.str.contains(_TOKEN) | answers.str.contains(_HEADED)
    found |= answers.str.contains(_ROLES[0]) & answers.str.contains(_ROLES[1])
    found = _unless(found, questions.fill_null(""), _ABOUT_TEMPLATES)
    rows = found.arg_true()
    if not len(rows):
        return found
    prose = answers.gather(rows).str.replace_all(_CODE, " ")
    return found.scatter(
        rows,
        prose.str.contains(_TOKEN)
        | prose.str.contains(_HEADED)
        | (prose.str.contains(_ROLES[0]) & prose.str.contains(_ROLES[1])),
    )


# a name in double braces: Jinja, Handlebars. In TeX the braces follow a command, ^ or _.
_BRACED = r"(?:^|[\s,.;:!?(>\"'“*₹$-])\{\{\s*[A-Za-z][\w.]{2,40}\s*\}\}"
_BRACKETED = (
    r"(?i)\[\s*(?:insert|enter|add|write|type|fill in|put|specify|your|student(?:'s)?|user(?:'s)?|learner(?:'s)?"
    r"|recipient(?:'s)?|teacher(?:'s)?|company|school)\b"
    r"[^\]\n]{0,50}\](?:[^(]|$)|(?:^|[\s,.:;>(])\[\s*(?:(?:name|topic|placeholder)(?: here)?|(?:answer|subject|date|link"
    r"|number|value|explanation|text) here)\s*\](?:[^(]|$)"
    r"|<\s*(?:insert|your|enter|student|user)[ _][a-z _]{2,30}>"
    r"|\[[^\]\n]{0,20}(?:यहाँ|यहां|डालें|लिखें|भरें|आपका नाम|छात्र का नाम|இங்கே|உங்கள் பெயர்)[^\]\n]{0,20}\]"
)
_FILLER = r"(?i)\blorem ipsum dolor\b"
_FORMS = (
    r"(?i)template|letter|application|e-?mail|format|\bform\b|invit|\bcard\b|notice|resume|\bcv\b|speech|\bblanks?\b"
    r"|fill in|gaps?\b|message|\bdraft|agreement"
    r"|certificate|essay|introduc|jinja|handlebars|mustache|vue|angular|django|flask|\bhtml\b|python|f-?string|variable"
    r"|lorem|dummy|placeholder|\bcode|program|script"
    r"|पत्र|आवेदन|निमंत्रण|प्रारूप|भाषण|सूचना|रिक्त|கடித|விண்ணப்ப|அழைப்ப|படிவ|চিঠি|আবেদন|लेख|अर्ज|లేఖ|దరఖాస్తు|ಪತ್ರ|ಅರ್ಜಿ"
    r"|കത്ത്|અરજી|પત્ર|ਪੱਤਰ|درخواست|خط"
    r"|\bchitthi\b|\bpatra\b|\[|\{\{|_{3}"
)


def unfilled_places(answers: pl.Series, questions: pl.Series) -> pl.Series:
    """Whether each answer holds a place that nobody filled in ("{{student_name}}", "[insert topic]") and no form was asked for."""
    answers = answers.fill_null("")
    patterns = (_BRACED, _BRACKETED, _FILLER)
    found = answers.str.contains(patterns[0]) | answers.str.contains(patterns[1]) | answers.str.contains(patterns[2])
    found = _unless(found, questions.fill_null(""), _FORMS)
    rows = found.arg_true()
    if not len(rows):
        return found
    prose = answers.gather(rows).str.replace_all(_CODE, " ")
    left = prose.str.contains(patterns[0]) | prose.str.contains(patterns[1]) | prose.str.contains(patterns[2])
    return found.scatter(rows, left)


def _unless(found: pl.Series, questions: pl.Series, asked: str) -> pl.Series:
    """The findings whose question does not ask for such a thing."""
    rows = found.arg_true()
    return found.scatter(rows, ~questions.gather(rows).str.contains(asked)) if len(rows) else found
