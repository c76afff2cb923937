"""The removal rules, one ordered list: each a small pure function with a name, on a prepared frame of rows.

A row goes by the first rule that applies to it, and keeps that rule's name. Preparing the frame, and what is done with
removed rows, belong to batch.py; rules over many rows of a segment belong to pool.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from lyo_pipelines.config.curation import CurationConfig
from lyo_pipelines.curation.contract import NO_SEGMENT
from lyo_pipelines.curation.culture import cultural_complaint
from lyo_pipelines.curation.cut_answers import ends_cut, said_cut
from lyo_pipelines.curation.image_rules import IMAGE_RULES, image_findings
from lyo_pipelines.curation.machine_texts import failure_messages, leaked_templates, unfilled_places
from lyo_pipelines.curation.quoted import without_quotations
from lyo_pipelines.curation.repairs import ABOUT_ENCODING
from lyo_pipelines.curation.repetition import repeated_texts
from lyo_pipelines.curation.review import DROP, PENDING
from lyo_pipelines.curation.wordlists import Wordlists

RULES_VERSION = 8
"""Raise it when a rule or a step changes what comes out: all days become stale."""

Test = Callable[[pl.DataFrame, CurationConfig, Wordlists], pl.Series]


@dataclass(frozen=True)
class Rule:
    """A named reason to leave a row out; `removes` gives True for each row that it applies to."""

    name: str
    description: str
    removes: Test


def _rated(frame: pl.DataFrame) -> pl.Series:
    return frame["rating"].is_not_null() & frame["rating"].is_not_nan()


def _unjudged(frame: pl.DataFrame) -> pl.Series:
    """Nobody said anything of the answer: it is not rated, and no person corrected it."""
    return ~_rated(frame) & frame["original_answer"].is_null()


def _filled(texts: pl.Series) -> pl.Series:
    return texts.fill_null("").str.strip_chars() != ""


def no_segment(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """Task or language names nothing usable, so the row belongs to no segment."""
    return frame["segment"] == NO_SEGMENT


def error(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """The application reported an error while answering (a field that says "none", "0" or "OK" reports none)."""
    return reported_errors(frame["error"])


_NO_ERROR = (
    r"(?i)^(?:\W|_)*(?:(?:status|code|error|err|msg|message|state)(?:\W|_)+)*(?:none|null|nil|nan|n/?a|false|no(?:(?:\W"
    r"|_)*errors?)?|0+(?:\.0+)?|ok(?:ay)?"
    r"|success(?:ful(?:ly)?)?|succeeded|200(?:\W*ok)?|unset|undefined|empty|completed?|0x0+)?(?:\W|_)*$"
)


def reported_errors(errors: pl.Series) -> pl.Series:
    """Whether the `error` field of each row reports an error."""
    told = errors.fill_null("")
    return (told != "") & ~told.str.contains(_NO_ERROR)


def empty_question(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """The question holds no letter and no digit."""
    return ~frame["question"].fill_null("").str.contains(r"[\p{L}\p{N}\p{S}]")


# a question about a sign may be answered by the sign; one that begins like this wants sentences, so "None" is no answer to it
_ABOUT_SIGNS = (
    r"(?i)\bsigns?\b|symbol|operator|punctuation|\bmarks?\b|character|\bemoji|चिह्न|चिन्ह|निशान|प्रतीक|குறி|சின்ன|চিহ্ন"
    r"|గుర్తు|ಚಿಹ್ನೆ|ചിഹ്ന|ચિહ્ન|ਚਿੰਨ੍ਹ|علامت"
)
_SIGN = r"^\s*[\p{P}\p{S}]{1,3}\s*$"
_WANTS_SENTENCES = (
    r"(?i)^\W*(?:(?:please|can you|could you|now|and|so|but|then)[\s,]+)*(?:why\b|explain|describe|discuss|tell me about"
    r"|how (?:do|does|did|is|are|was|were|can|could|would)\b)|क्यों|कैसे|समझाइए|समझाओ|वर्णन|व्याख्या|ஏன்|எப்படி|விளக்கு|কেন"
    r"|কীভাবে|ఎందుకు|ఎలా|ಏಕೆ|ಹೇಗೆ"
    r"|എന്തുകൊണ്ട്|എങ്ങനെ|કેમ|કેવી રીતે|ਕਿਉਂ|ਕਿਵੇਂ|کیوں|کیسے|\bkyu?n?\b|\bkaise\b|\beppadi\b"
)
_NOTHING = r"(?i)^\W*(?:none|null|nil|nan|undefined|n/a|unknown|empty|false|true)\W*$"
_NAMES_NOTHING = (
    r"(?i)\d|\b(?:solve|evaluate|calculate|simplify|say|said|write|written|call(?:ed)?|spell|spelt|spelled|represent|denote"
    r"|express|translate|print|return|show|mean|none|null|nil|nan|undefined|missing|true"
    r"|false|empty)|कहते|लिखते|बोलते|अनुवाद|சொல்|எழுது|বলে|লেখ"
)


def empty_answer(frame: pl.DataFrame, _: CurationConfig, lists: Wordlists) -> pl.Series:
    """The answer holds nothing to read, or is a placeholder such as "N/A".

    "None" and "undefined" may be the answer itself, but not of why or how; a sign is the answer where a sign was asked for.
    """
    answers, questions = frame["answer"].fill_null(""), frame["question"].fill_null("")
    # a pattern of stars over several lines is an answer, a row of dashes or dots is none
    empty = ~answers.str.contains(r"[\p{L}\p{N}\p{S}]|[#*@%&][ \t]*\n[ \t]*[#*@%&]")
    signs = (empty & answers.str.contains(_SIGN)).arg_true()
    if len(signs):
        empty = empty.scatter(signs, ~questions.gather(signs).str.contains(_ABOUT_SIGNS))
    nothing = answers.str.contains(_NOTHING).arg_true()
    if len(nothing):
        asked = questions.gather(nothing)
        empty = empty.scatter(nothing, asked.str.contains(_WANTS_SENTENCES) & ~asked.str.contains(_NAMES_NOTHING))
    return empty | answers.str.contains(lists.empty_answers) if lists.empty_answers else empty


def failure_message(frame: pl.DataFrame, _: CurationConfig, lists: Wordlists) -> pl.Series:
    """The answer is the message of a failure (HTTP status, exception, "try again later"), and the question is not about such."""
    return ~frame["structured"] & failure_messages(frame["answer"], frame["question"], lists)


def template_leak(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """The answer holds marks of a chat template (<|im_start|>, [INST]), or goes on with turns that nobody said."""
    return leaked_templates(frame["answer"], frame["question"])


def unfilled_place(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """A place of the answer was never filled in ({{name}}, [insert topic], lorem ipsum), and no letter or form was asked for."""
    return ~frame["structured"] & unfilled_places(frame["answer"], frame["question"])


def rated_low(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
    """Rated below the minimum: never an example, however long the answer."""
    return _rated(frame) & (frame["rating"].fill_nan(None).fill_null(5.0) < config.minimum_rating)


def unrated(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
    """Not rated at all, where only rated ones are wanted."""
    return _unjudged(frame) if not config.keep_unrated else pl.repeat(False, frame.height, eager=True)


def unrated_thumbs_down(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """Not rated, and the user's thumb is down."""
    return _unjudged(frame) & (frame["thumbs"].fill_null(0) < 0)


def unrated_retried(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """Not rated, and the user asked again."""
    return _unjudged(frame) & (frame["retries"].fill_null(0) > 0)


def unrated_complaint(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
    """Not rated, and the user complained; a cultural complaint goes to the reviewers instead, unless they are switched off."""
    complained = _filled(frame["complaint_category"]) | _filled(frame["complaint_text"])
    if config.cultural_review:
        complained &= ~cultural_complaint(frame["complaint_category"], config)
    return _unjudged(frame) & complained


def unrated_short(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
    """Not rated, and the answer is too short to count unseen; structured answers go by their schema instead."""
    short = frame["answer"].str.len_chars().fill_null(0) < config.unrated_minimum_characters
    return _unjudged(frame) & short & ~frame["structured"]


# three misread letters in a row; the first alone may be French
_LOST = "\ufffd|(?:[ÂÃâàá][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ][\u0080-\u00bf]?){3}"


def broken_text(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """Question or answer holds replacement characters, or misread letters that could not be mended (and are not its subject)."""
    columns = [pl.col(name).fill_null("") for name in ("question", "answer")]
    broken = frame.select(pl.any_horizontal(text.str.contains(_LOST) for text in columns)).to_series()
    if not broken.any():
        return broken
    about = (
        frame.filter(broken)
        .select(pl.any_horizontal(text.str.contains(ABOUT_ENCODING) for text in columns))
        .to_series()
    )
    return broken.scatter(broken.arg_true(), ~about)


def truncated_answer(frame: pl.DataFrame, config: CurationConfig, lists: Wordlists) -> pl.Series:
    """The model was cut off: it said so, or code, a formula, a list, a bracket or the last sentence stays open."""
    answers = frame["answer"].fill_null("")
    cut = said_cut(frame["finish_reason"], config.truncated_finish_reasons)
    # a structured answer that is cut does not fit its schema, which says more
    prose = frame.select(pl.when(~pl.col("structured")).then("answer")).to_series()
    cut |= ends_cut(prose, frame["question"], lists.dangling_words)
    if config.truncated_prose_minimum_characters:
        last_line = answers.str.extract(r"([^\n]*)$", 1).fill_null("")
        cut |= _cut_prose(answers, last_line, config.truncated_prose_minimum_characters)
    return cut


def _cut_prose(answers: pl.Series, last_line: pl.Series, minimum: int) -> pl.Series:
    """Long prose with closed sentences whose last one is open: it ends in a letter, four words or more after the last full stop."""
    long = answers.str.len_chars() >= minimum
    closed = answers.str.count_matches(r"[\p{L}\p{M}][.!?।]+(?:\s|$)") >= 2
    # no formula, code, list item or heading in the last line
    plain = ~last_line.str.contains(r"[=+*/^\\$`<>{}|#]|^\s*(?:[-•*]|\d+[.)])\s") & last_line.str.contains(
        r"[\p{L}\p{M}]$"
    )
    rest = last_line.str.extract(r"([^.!?।:]*)$", 1).fill_null("")
    open_end = (rest.str.count_matches(r"\p{L}[\p{L}\p{M}]*") >= 4) & ~rest.str.contains(r"\p{N}")
    sentence_before = last_line.str.contains(r"[\p{L}\p{M}][.!?।]+\s") | (last_line.str.len_chars() >= 60)
    return long & closed & plain & open_end & sentence_before


def invalid_answer(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """The answer does not fit its task: not one JSON object of its schema, or what the task needs or checks is not so."""
    return frame["invalid"].is_not_null()


def repeated_answer(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
    """The answer (or one text of a structured answer) says the same over and over, or only says the question again."""
    answers = frame["answer"].fill_null("")
    looping = repeated_texts(
        frame["spoken"],
        frame["structured"],
        minimum_words=config.repetition_minimum_words,
        maximum_share=config.repetition_maximum_share,
        maximum_same_lines=config.repetition_maximum_same_lines,
    )
    echo = (answers.str.to_lowercase() == frame["question"].fill_null("").str.to_lowercase()) & (
        answers.str.len_chars() >= 12
    )
    return looping | echo


def refusal(frame: pl.DataFrame, config: CurationConfig, lists: Wordlists) -> pl.Series:
    """The model declined to answer (a phrase of the lists near the answer's beginning, and no quotation)."""
    window = frame["spoken"].fill_null("").str.slice(0, config.refusal_window_characters)
    found = lists.refuses(window)
    rows = found.arg_true()
    # in most answers there is none, so quotations are looked for in the others only
    return found.scatter(rows, lists.refuses(without_quotations(window.gather(rows)))) if len(rows) else found


def wrong_language(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """The answer is written in another language than the declared one (romanised Hindi and Tamil have their own buckets)."""
    return frame["written"] != frame["bucket"]


def cultural_dropped(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """A reviewer decided to drop the row."""
    return frame["decision"].fill_null("") == DROP


def cultural_review_pending(frame: pl.DataFrame, _: CurationConfig, __: Wordlists) -> pl.Series:
    """A cultural finding waits for a reviewer; the row is held out, not deleted: decide it in review/cultural.csv."""
    return frame["decision"].fill_null("") == PENDING


def _image_rule(name: str, description: str) -> Rule:
    """One rule over the pictures of a row; what is against it was found once for all of them."""

    def removes(frame: pl.DataFrame, config: CurationConfig, _: Wordlists) -> pl.Series:
        found = frame["image_finding"] if "image_finding" in frame.columns else image_findings(frame, config)
        return found.eq(name).fill_null(False)

    return Rule(name, description, removes)


RULES: tuple[Rule, ...] = (
    *(Rule(test.__name__, (test.__doc__ or "").strip(), test) for test in (no_segment, error)),
    *(_image_rule(name, description) for name, description in IMAGE_RULES.items()),
    *(
        Rule(test.__name__, (test.__doc__ or "").strip(), test)
        for test in (
            empty_question,
            empty_answer,
            rated_low,
            unrated,
            unrated_thumbs_down,
            unrated_retried,
            unrated_complaint,
            unrated_short,
            broken_text,
            failure_message,
            template_leak,
            unfilled_place,
            truncated_answer,
            invalid_answer,
            repeated_answer,
            refusal,
            wrong_language,
            cultural_dropped,
            cultural_review_pending,
        )
    ),
)
"""All removal rules, in the order in which they are asked."""


def first_rule(frame: pl.DataFrame, config: CurationConfig, lists: Wordlists) -> pl.Series:
    """For each row the position in RULES of the rule that removes it, or -1 for a row that stays.

    frame: `question`, `answer` (cleaned), `rating`, `thumbs`, `retries`, `error`, `finish_reason`, `complaint_category`,
    `complaint_text`, `segment`, `written`, `bucket`, `decision`, and what taskanswers.read_answers adds. A rule only sees the rows
    that the earlier ones left.
    """
    verdicts = pl.repeat(-1, frame.height, dtype=pl.Int32, eager=True)
    standing = pl.int_range(frame.height, eager=True)
    for position, rule in enumerate(RULES):
        if not len(standing):
            break
        removed = rule.removes(frame, config, lists).fill_null(False)
        if removed.any():
            verdicts = verdicts.scatter(standing.filter(removed), position)
            frame = frame.filter(~removed)
            standing = standing.filter(~removed)
    return verdicts.alias("verdict")
