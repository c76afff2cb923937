"""Search queries as learners type them, what they are after, the query said well, and where to go on."""

from __future__ import annotations

from random import Random

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.made import Made, TaskSample, sentence
from lyo_pipelines.sample.tasks.topics import topics

# intent -> (queries, enhanced query, its suggestion)
_WAYS: dict[str, dict[str, tuple[tuple[str, ...], str, str]]] = {
    "en": {
        "explanation": (
            ("{t} explain pls", "how does {t} work", "i dont get {t}", "{t} made easy class {g}", "help me understand {t} simply"),
            "simple explanation of {t} for grade {g}",
            "{t} explained step by step",
        ),
        "practice": (
            ("{t} questions", "{t} worksheet class {g}", "practice sums on {t}", "more exercises {t} with answers", "test me on {t}"),
            "practice questions on {t} with answers for grade {g}",
            "practice questions on {t}",
        ),
        "worked_example": (
            ("{t} solved example", "show me one sum of {t} done", "how to solve {t} problem stepwise", "{t} examples with solution"),
            "worked examples of {t} with every step, grade {g}",
            "worked examples of {t}",
        ),
        "video": (
            ("{t} video", "short video for {t} class {g}", "watch {t} animation", "{t} lecture clip"),
            "short video lesson on {t} for grade {g}",
            "video lesson on {t}",
        ),
        "notes": (
            ("{t} notes", "{t} short notes pdf", "revision notes {t} grade {g}", "one page summary of {t}"),
            "revision notes on {t} for grade {g}",
            "one-page notes on {t}",
        ),
        "exam_papers": (
            ("{t} previous year questions", "{t} board exam paper", "important questions {t} class {g} exam", "{t} old papers"),
            "previous board exam questions on {t} for grade {g}",
            "exam questions on {t} from earlier years",
        ),
        "definition": (
            ("what is {t}", "meaning of {t}", "define {t}", "{t} definition class {g}"),
            "definition of {t} with an example",
            "what {t} means, with an example",
        ),
        "comparison": (
            ("{t} vs {o}", "difference between {t} and {o}", "{t} or {o} what is the difference", "compare {t} with {o}"),
            "comparison of {t} and {o} with examples",
            "how {t} and {o} differ",
        ),
    },
    "hi": {
        "explanation": (
            ("{t} समझाओ", "{t} समझ नहीं आया", "{t} कैसे काम करता है", "कक्षा {g} {t} आसान भाषा में"),
            "कक्षा {g} के लिए {t} की सरल व्याख्या",
            "{t} चरण दर चरण समझिए",
        ),
        "practice": (
            ("{t} के सवाल", "{t} अभ्यास प्रश्न कक्षा {g}", "{t} के और सवाल उत्तर सहित", "{t} की वर्कशीट"),
            "कक्षा {g} के लिए {t} के अभ्यास प्रश्न उत्तर सहित",
            "{t} के अभ्यास प्रश्न",
        ),
        "worked_example": (
            ("{t} हल किया हुआ उदाहरण", "{t} का सवाल हल करके दिखाओ", "{t} उदाहरण हल सहित"),
            "{t} के हल किए हुए उदाहरण, हर चरण के साथ",
            "{t} के हल किए हुए उदाहरण",
        ),
        "video": (
            ("{t} वीडियो", "{t} का छोटा वीडियो कक्षा {g}", "{t} एनिमेशन देखना है"),
            "कक्षा {g} के लिए {t} पर छोटा वीडियो पाठ",
            "{t} का वीडियो पाठ",
        ),
        "notes": (
            ("{t} नोट्स", "{t} के छोटे नोट्स", "{t} का सारांश एक पेज में", "कक्षा {g} {t} दोहराने के नोट्स"),
            "कक्षा {g} के लिए {t} के दोहराने वाले नोट्स",
            "{t} के एक पृष्ठ के नोट्स",
        ),
        "exam_papers": (
            ("{t} पिछले साल के प्रश्न", "{t} बोर्ड परीक्षा के सवाल", "{t} महत्वपूर्ण प्रश्न कक्षा {g}"),
            "{t} पर पिछले वर्षों की परीक्षा के प्रश्न, कक्षा {g}",
            "{t} पर पिछले वर्षों के प्रश्न",
        ),
        "definition": (
            ("{t} क्या है", "{t} का अर्थ", "{t} की परिभाषा", "{t} किसे कहते हैं"),
            "{t} की परिभाषा उदाहरण सहित",
            "{t} का अर्थ उदाहरण के साथ",
        ),
        "comparison": (
            ("{t} और {o} में अंतर", "{t} और {o} की तुलना", "{t} या {o} फर्क क्या है"),
            "{t} और {o} की तुलना उदाहरण सहित",
            "{t} और {o} में अंतर",
        ),
    },
}  # fmt: skip
INTENTS = tuple(_WAYS["en"])
# what somebody with an intent wants next, best first
_NEXT = {
    "explanation": ("worked_example", "video", "practice"),
    "practice": ("worked_example", "exam_papers", "notes"),
    "worked_example": ("practice", "explanation", "video"),
    "video": ("notes", "practice", "explanation"),
    "notes": ("exam_papers", "practice", "definition"),
    "exam_papers": ("practice", "notes", "worked_example"),
    "definition": ("explanation", "comparison", "notes"),
    "comparison": ("definition", "notes", "practice"),
}


def make(rng: Random, language: str) -> Made:
    """Make one query; the other topic of a comparison is of the same subject."""
    ways = _WAYS[language]
    topic = pick(rng, list(topics().values()))
    near = [other for other in topics().values() if other.subject == topic.subject and other is not topic]
    intent, other = pick(rng, INTENTS), pick(rng, near)
    slots = {"t": topic.name(language), "o": other.name(language), "g": topic.grade}
    queries, enhanced, _ = ways[intent]
    return Made(
        question=pick(rng, queries).format(**slots),
        answer={
            "intent": intent,
            "enhanced_query": enhanced.format(**slots),
            "suggestions": [sentence(ways[name][2].format(**slots)) for name in _NEXT[intent]],
        },
        topic=topic.en,
        subject=topic.subject,
        grade=topic.grade,
        bad={"intent": "shopping", "enhanced_query": slots["t"], "suggestions": [slots["t"]]},
    )


SAMPLE = TaskSample(("en", "hi"), make)
