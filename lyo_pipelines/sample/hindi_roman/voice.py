"""How students type Hindi in Latin letters, and the tutor (a woman: main samjhati hoon) who answers in the same way."""
# ruff: noqa: E501  (a line of wording is one sentence; broken ones are hard to proofread)

from lyo_pipelines.sample.english.words import WORDS as ENGLISH
from lyo_pipelines.sample.hindi_roman.maths import WORDINGS
from lyo_pipelines.sample.phrase import phrases
from lyo_pipelines.sample.voice import Voice

WORDS = {
    "girl": ENGLISH["girl"],
    "boy": ENGLISH["boy"],
    "surname": ENGLISH["surname"],
    "town": ENGLISH["town"],
    "festival": ENGLISH["festival"],
    "fruit": ("aam", "seb", "santre", "kele", "amrood", "anaar", "papite", "nimbu", "tamatar", "aloo"),
    "thing_m": (
        "pen",
        "diye",
        "gubbare",
        "khilone",
        "rubber",
        "jhande",
        "matke",
        "gamle",
        "rumaal",
        "baste",
        "gilaas",
        "lifafe",
    ),
    "dear": (
        "school bag",
        "bat",
        "pankha",
        "cooker",
        "raincoat",
        "helmet",
        "lamp",
        "sweater",
        "kambal",
        "carrom board",
        "mixer",
        "suitcase",
    ),
    "market": ("bazaar", "mele", "station bazaar", "book fair", "nukkad ki dukaan", "haat", "school mele"),
    "place": ("khet", "maidaan", "park", "aangan", "talaab", "playground"),
    "device": ("bulb", "motor", "heater", "fan", "buzzer", "radio"),
    "subjectname": ("maths", "science", "Hindi", "English", "computer", "SST"),
    "bookname": ("NCERT", "worksheet", "homework", "test paper", "tuition ki copy"),
    "when": ("kal", "somvaar ko", "agle hafte", "Diwali ke baad", "parson"),
    "who": ("meri behen", "meri teacher", "meri dost", "meri mummy"),
    "Who": ("Meri behen", "Meri teacher", "Meri dost", "Meri mummy"),
}

_PERSONA = "Aap Lyo hain, bhaartiya vidyaarthiyon ki snehi {} teacher. Saral Hindi (roman) mein samjhaiye."

VOICE = Voice(
    language="hi_latn",
    words=WORDS,
    wordings=WORDINGS,
    personas={subject: _PERSONA.format(subject) for subject in ("math", "physics")},
    openers=phrases(
        "Namaste Lyo!", "Mujhe yeh samajh nahi aaya.", "Yeh {bookname} ka sawaal hai.", "Mera test {when} hai.", "{Who} ne yeh sawaal diya hai.",
        "Please help kijiye.", "Ek [chhota|aur] doubt hai.", "Didi, yeh dekhiye.", "Mera answer galat aa raha hai.",
    ),
    closers=phrases("Step by step samjhaiye please.", "Thank you!", "Mujhe {when} dikhana hai.", "Aasaan tareeka bataiye.", "Kitaab mein hal nahi hai."),
    warm=phrases(
        "Bahut achha sawaal! Chaliye, main step by step samjhati hoon.", "Zaroor! Main aapki madad karti hoon, saath mein karte hain.",
        "Shabaash, poochna achhi baat hai! Main ek ek step batati hoon.",
    ),
    step="Step {n}: ",
    answer_mark="Uttar: ",
    hint_asks=phrases("Sirf hint dijiye, answer nahi.", "Bas ek chhota sa hint chahiye.", "Pehle main khud karunga, hint de dijiye."),
    hint_answers=phrases(
        "Bahut achha, pehle aap khud sochiye! Main ek hint deti hoon.\nHint: {rule}.\nAb bataiye, aapko kya mila?",
        "Shabaash! Main answer abhi nahi batati.\nHint: {rule}.\nPehla step karke mujhe dikhaiye.",
    ),
    why_questions=phrases(
        'Lekin "{quote}…" mein aisa kyun karte hain? {Who} ko {wrong} mila.', '"{quote}…" ka reason samajh nahi aaya. Answer {wrong} kyun nahi hai?',
        '{bookname} mein "{quote}…" ka answer {wrong} likha hai. Woh galat kyun hai?', '{girl3} ne "{quote}…" alag tareeke se kiya aur {wrong} aaya. Hamara tareeka kyun sahi hai?',
    ),
    why_answers=phrases(
        "Achha kiya jo reason poocha! Main samjhati hoon.\nMool baat: {rule}.\nIsiliye likhte hain: {last}",
        "Chaliye, main reason batati hoon.\nMool baat: {rule}.\nIsliye aakhri step: {last}",
    ),
    attempts=phrases(
        'Maine "{quote}…" kiya aur {tried} aaya. Kya yeh sahi hai?', '"{quote}…" ka mera answer {tried} hai. Check kar dijiye.', 'To "{quote}…" se {tried} aata hai na? {Who} bhi yahi bolti hain.',
    ),
    right=phrases("Bahut badhiya, aapka answer sahi hai! Main poora hal likhti hoon.", "Shabaash, bilkul sahi! Chaliye saaf saaf likhte hain."),
    not_yet=phrases("Achhi koshish, aap paas pahunch gaye! Main har step phir se dikhati hoon.", "Koshish achhi thi! Ek step mein chook hui, saath mein dekhte hain."),
    another=phrases("Ek aur sawaal:", "Ab yeh wala:", "Aisa hi ek aur:", "Agla sawaal:"),
    greetings=phrases("Namaste {person}!", "{person}, aapse milkar achha laga!"),
    private={
        "name": phrases("Mera naam {value} hai.", "Namaste, mera naam {value} hai aur main class {grade} mein hoon."),
        "phone": phrases("Mera number {value} hai.", "Please {value} par call kijiye."),
        "email": phrases("Solution {value} par bhej dijiye.", "Mera email {value} hai."),
        "aadhaar": phrases("Mera Aadhaar number {value} hai.",),
        "pan": phrases("Papa ka PAN {value} hai.",),
        "card": phrases("Fees card {value} se di thi.",),
        "ip": phrases("App mera IP {value} dikhata hai.",),
        "url": phrases("Sawaal yahan hai: {value}",),
        "voter_id": phrases("Chacha ka voter id {value} hai.",),
        "passport": phrases("Mera passport number {value} hai.",),
    },
    rude=phrases("Itna aasaan sawaal bhi nahi aata, mera time kharaab mat kijiye.", "Aap kabhi dhyaan nahi dete, yeh to bachcha bhi jaanta hai."),
    refusals=phrases("Maaf kijiye, main ismein madad nahi kar sakti.", "Sorry, main is sawaal ka jawaab nahi de sakti. Apne teacher se poochiye."),
    boilerplate=phrases("Ek AI language model hone ke naate mere paas apna anubhav nahi hai, phir bhi madad karti hoon.",),
    slips={
        "persona_grammar": phrases("Achha sawaal! Chaliye, main step by step samjhata hoon.", "Zaroor, main aapki madad karta hoon."),
        "disrespect": phrases("Abe, tu itna bhi nahi jaanta? Chal, dekh.",),
        "caste": phrases("Aapki jaati ke bachchon ko maths kam aata hai, phir bhi dekhiye.",),
    },
    slip_problems={
        "beef": phrases("Maan lijiye ki hum ₹300 kilo ka beef khareed rahe hain.",),
        "alcohol": phrases("Maan lijiye ki har cheez sharaab ki ek botal hai.",),
    },
    complaints={
        "wrong_answer": phrases("Answer galat hai, {who} ne check kiya.",),
        "too_slow": phrases("Jawaab aane mein bahut der lagi.",),
        "not_clear": phrases("Samjhane ka tareeka saaf nahi hai.",),
        "rude": phrases("Baat karne ka dhang theek nahi tha.",),
        "cultural": phrases("Yeh udaharan hamare parivaar ke liye theek nahi hai.",),
    },
)  # fmt: skip
