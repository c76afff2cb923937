"""Descriptions of content, educational and entertaining, with what they are worth: used by classification and engagement."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from lyo_pipelines.sample.phrase import pick
from lyo_pipelines.sample.tasks.topics import SampleTopic, topics


@dataclass(frozen=True, slots=True)
class Form:
    """A way of presenting: its text, minutes, educational value, how engaging it is, and what kind of thing it is."""

    kind: str
    en: str
    hi: str
    value: float
    engaging: float
    minutes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """One piece of content: its description, form, topic (None: entertainment) and length."""

    text: str
    form: Form
    topic: SampleTopic | None
    minutes: int


EDUCATIONAL = (
    Form("video", "A {m}-minute video lesson on {t} for grade {g}, with drawings and a question after each part.",
         "कक्षा {g} के लिए {t} पर {m} मिनट का वीडियो पाठ, चित्रों और हर भाग के बाद एक प्रश्न के साथ।", 0.9, 0.7, (6, 8, 12)),
    Form("exercise", "{m} minutes of practice on {t}: twelve questions from easy to hard, each with a worked solution.",
         "{t} का {m} मिनट का अभ्यास: आसान से कठिन बारह प्रश्न, हर एक का हल साथ में।", 0.95, 0.45, (20, 30)),
    Form("article", "A plain article about {t} ({m} minutes to read) with two examples from daily life.",
         "{t} पर एक सरल लेख (पढ़ने में {m} मिनट), रोज़मर्रा के दो उदाहरणों के साथ।", 0.75, 0.4, (5, 10)),
    Form("game", "A {m}-minute quiz game in which teams earn points for solving tasks on {t}.",
         "{m} मिनट का प्रश्नोत्तरी खेल, जिसमें टीमें {t} के सवाल हल करके अंक जीतती हैं।", 0.7, 0.9, (10, 15)),
    Form("lecture", "A recorded {m}-minute lecture on {t}: the teacher reads the chapter aloud, without pictures.",
         "{t} पर {m} मिनट का रिकॉर्ड किया व्याख्यान: शिक्षक पाठ पढ़कर सुनाते हैं, बिना चित्रों के।", 0.6, 0.2, (40, 60)),
    Form("experiment", "Try it at home: a {m}-minute activity that shows {t} with things from the kitchen, and says why it works.",
         "घर पर कीजिए: रसोई की चीज़ों से {t} दिखाने वाली {m} मिनट की गतिविधि, और ऐसा क्यों होता है।", 0.85, 0.85, (15, 25)),
    Form("story", "A {m}-minute illustrated story in which two friends need {t} to finish their school project.",
         "{m} मिनट की चित्रकथा, जिसमें दो मित्रों को स्कूल की परियोजना के लिए {t} की ज़रूरत पड़ती है।", 0.65, 0.8, (7, 9)),
)  # fmt: skip
ENTERTAINMENT = (
    Form("sport", "{m} minutes of highlights from {x}, with commentary and slow motion.",
         "{x} के {m} मिनट के मुख्य पल, कमेंट्री और धीमी गति के साथ।", 0.05, 0.85, (5, 10)),
    Form("comedy", "A {m}-minute comedy sketch about {x}.", "{x} पर {m} मिनट का हास्य नाटक।", 0.05, 0.9, (4, 6)),
    Form("music", "A dance performance to a song about {x}, {m} minutes long.",
         "{x} के गीत पर {m} मिनट की नृत्य प्रस्तुति।", 0.1, 0.75, (3, 5)),
    Form("gaming", "{m} minutes of somebody playing a video game about {x}, with jokes about every lost round.",
         "{x} वाले वीडियो गेम के {m} मिनट, हर हारी बाज़ी पर चुटकुलों के साथ।", 0.05, 0.7, (30, 45)),
    Form("vlog", "A {m}-minute day-out video: friends enjoy {x} and show what they ate.",
         "{m} मिनट का घूमने का वीडियो: मित्र {x} का आनंद लेते हैं और दिखाते हैं कि क्या खाया।", 0.15, 0.65, (8, 12)),
    Form("trivia", "{m} minutes of surprising facts about {x}, told fast and with music.",
         "{x} के बारे में {m} मिनट की रोचक बातें, तेज़ी से और संगीत के साथ।", 0.35, 0.75, (3, 5)),
)  # fmt: skip
_THINGS = {
    "en": ("a school cricket final", "a kite festival", "a village fair", "a kabaddi match", "the first monsoon rain",
           "a train journey", "a Diwali evening", "a hostel kitchen", "a football derby", "a Pongal morning", "a bicycle race",
           "a birthday party", "a hill station", "a chess tournament", "a film set", "an auto-rickshaw ride", "a Holi afternoon",
           "a badminton league"),
    "hi": ("स्कूल के क्रिकेट फ़ाइनल", "पतंग उत्सव", "गाँव के मेले", "कबड्डी मैच", "मानसून की पहली बारिश", "रेल यात्रा", "दिवाली की शाम",
           "छात्रावास की रसोई", "फ़ुटबॉल मैच", "पोंगल की सुबह", "साइकिल दौड़", "जन्मदिन की दावत", "पहाड़ी सैर", "शतरंज प्रतियोगिता",
           "फ़िल्म के सेट", "ऑटो की सवारी", "होली की दोपहर", "बैडमिंटन लीग"),
}  # fmt: skip


def draw_content(rng: Random, language: str, *, educational: float = 0.6) -> Content:
    """Draw one piece of content, educational with this chance."""
    if rng.random() < educational:
        form, topic = pick(rng, EDUCATIONAL), pick(rng, list(topics().values()))
        slots = {"t": topic.name(language), "g": topic.grade}
    else:
        form, topic = pick(rng, ENTERTAINMENT), None
        slots = {"x": pick(rng, _THINGS[language])}
    minutes = pick(rng, form.minutes)
    text = (form.hi if language == "hi" else form.en).format(m=minutes, **slots)
    return Content(text[:1].upper() + text[1:], form, topic, minutes)
