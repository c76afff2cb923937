"""Which languages a text names ("say it in Hindi", "अंग्रेज़ी में"), and whether it asks for a translation. Vectorised."""

from __future__ import annotations

import polars as pl

_NAMES = {
    "en": r"english|angrezi|angreji|अंग्रेज़ी|अंग्रेजी|अँग्रेज़ी|इंग्रजी|इंग्लिश|ஆங்கில|ఇంగ్లీష్|ఆంగ్ల|ইংরেজি|ಇಂಗ್ಲಿಷ್|ഇംഗ്ലീഷ|અંગ્રેજી"
    r"|ਅੰਗਰੇਜ਼ੀ|انگریزی",
    "hi": r"hindi|हिन्दी|हिंदी|இந்தி|ஹிந்தி|హిందీ|হিন্দি|ಹಿಂದಿ|ഹിന്ദി|હિન્દી|ਹਿੰਦੀ|ہندی",
    "ta": r"tamil|thamizh|तमिल|தமிழ|తమిళ|তামিল|ತಮಿಳ|തമിഴ",
    "te": r"telugu|तेलुगु|तेलुगू|தெலுங்க|తెలుగు|তেলুগু|ತೆಲುಗು|തെലുങ്ക",
    "mr": r"marathi|मराठी|மராத்தி|మరాఠీ|মারাঠি",
    "bn": r"bengali|bangla|बंगाली|बांग्ला|வங்காள|বাংলা|బెంగాలీ",
    "sa": r"sanskrit|संस्कृत|சமஸ்கிருத|সংস্কৃত|సంస్కృత",
    "ur": r"urdu|उर्दू|உருது|اردو",
    "gu": r"gujarati|गुजराती|ગુજરાતી",
    "pa": r"punjabi|panjabi|पंजाबी|ਪੰਜਾਬੀ",
    "kn": r"kannada|कन्नड़|ಕನ್ನಡ",
    "ml": r"malayalam|मलयालम|മലയാള",
    "or": r"odia|oriya|ଓଡ଼ିଆ|ओड़िया",
    "ne": r"nepali|नेपाली",
    "fr": r"french|फ़्रेंच|फ्रेंच|பிரெஞ்சு",
    "de": r"german|जर्मन|ஜெர்மன்",
    "es": r"spanish|स्पेनिश",
    "la": r"\blatin\b",
    "el": r"greek|ग्रीक",
    "ru": r"russian|रूसी",
    "ja": r"japanese|जापानी",
    "zh": r"chinese|चीनी",
    "ar": r"arabic|अरबी",
}
_TRANSLATION = (
    r"(?i)translat|anuvaad|anuvad|mozhipeyar|अनुवाद|भाषांतर|उल्था|மொழிபெயர்|అనువద|అనువాద|অনুবাদ|ಅನುವಾದ"
    r"|ഭാഷാന്തര|തർജ്ജമ|വിവർത്തന|અનુવાદ|ਅਨੁਵਾਦ|ترجمہ"
)
ROMANISED = {"hi_latn": "hi", "ta_latn": "ta"}
"""Codes of languages in Latin letters, which share their name with the language."""


def names_language(texts: pl.Series, languages: pl.Series) -> pl.Series:
    """Whether each text (null: no) names the language whose code stands beside it."""
    texts = texts.fill_null("")
    found = pl.repeat(False, len(texts), eager=True)
    for code in languages.drop_nulls().unique().to_list():
        pattern = _NAMES.get(ROMANISED.get(str(code), str(code)))
        if pattern:
            found |= (languages == code).fill_null(False) & texts.str.contains(f"(?i)(?:{pattern})")
    return found


def asks_translation(texts: pl.Series) -> pl.Series:
    """Whether each text (null: no) speaks of translating."""
    return texts.fill_null("").str.contains(_TRANSLATION)
