"""In which language a text is written, or asks to be answered: by its letters first, then by its commonest words."""

from __future__ import annotations

import re

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("fa", re.compile("[پچژگ]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("bn", re.compile("[\u0980-\u09ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
)
"""A narrower script stands before the wider one it lies in: kana before Han, Ukrainian letters before Cyrillic."""

_LETTERS = {
    "vi": "ăơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
    "de": "ßäöü", "fr": "çœèîûëï", "es": "ñ¿¡", "pt": "ãõç", "pl": "ąęłńśźż", "tr": "ğışİ", "cs": "řěůčž", "sv": "å", "da": "øæ",
}  # fmt: skip

_WORDS = {
    "en": "the is are what how do you a of and to in for me my please with this that it on can tell write hello hi",
    "de": "der die das und ist nicht ich wie was ein eine mit auf für bitte sie du wir kannst schreibe über hallo",
    "fr": "le la les est et je tu vous un une des que pour dans avec quel quelle comment bonjour écris moi sur sont",
    "es": "el los las es y que un una por para con cómo qué hola dime escribe sobre como está del tú cuál",
    "pt": "os as é e que um uma por para com como olá você não em me escreva sobre qual do da isso está",
    "it": "il lo gli è e che un una per con come ciao non di mi scrivi sono della quale cosa sul perché",
    "nl": "de het een is en van ik je niet met voor hoe wat hallo schrijf over dat zijn kun welke",
    "pl": "jest i nie się na to co jak dla czy cześć napisz proszę jaki jaka w z do o mi",
    "tr": "bir ve bu ne nasıl için ile mi merhaba lütfen bana yaz var hakkında değil",
    "cs": "je a se na co jak pro ahoj napiš prosím není mi o jaký jaká že v to",
    "id": "yang dan di apa bagaimana untuk dengan ini itu saya kamu tolong halo tulis tentang adalah jelaskan tidak dari",
    "sv": "och är det att en ett hur vad jag du inte med för på hej skriv om kan den",
    "da": "og er det at en et hvordan hvad jeg du ikke med for på hej skriv om kan den af",
    "vi": "và là có không của cho tôi bạn một các xin chào viết hãy về như thế nào gì",
}
_COMMON = {language: frozenset(words.split()) for language, words in _WORDS.items()}

_ENGLISH_NAMES = {
    "vietnamese": "vi", "thai": "th", "chinese": "zh", "mandarin": "zh", "japanese": "ja", "korean": "ko", "russian": "ru",
    "ukrainian": "uk", "arabic": "ar", "persian": "fa", "farsi": "fa", "hebrew": "he", "greek": "el", "hindi": "hi", "bengali": "bn",
    "armenian": "hy", "german": "de", "french": "fr", "spanish": "es", "portuguese": "pt", "italian": "it", "dutch": "nl", "polish": "pl",
    "turkish": "tr", "czech": "cs", "indonesian": "id", "swedish": "sv", "danish": "da", "english": "en",
}  # fmt: skip
_ASKED = re.compile(rf"\b(?:in|into)\s+(?:simplified\s+|traditional\s+)?({'|'.join(_ENGLISH_NAMES)})\b", re.IGNORECASE)

_LOOKED_AT = 1000
"""Characters that are looked at: more do not make it clearer."""


def language_of(text: str) -> str:
    """The language to answer in, a key of `sentences.LANGUAGES`: one asked for by its English name ("… in Portuguese"), else
    that of the text, else "en"."""
    text = text[:_LOOKED_AT]
    asked = _ASKED.search(text)
    if asked:
        return _ENGLISH_NAMES[asked[1].casefold()]
    return (None if text.isascii() else _by_script(text)) or _by_words(text)


def _by_script(text: str) -> str | None:
    """A script is the text's when it has a fifth of the letters: a foreign name in a sentence is not its language."""
    letters = sum(map(str.isalpha, text))
    for language, script in _SCRIPTS:
        if script.search(text):
            wide = {"ja": "zh", "uk": "ru", "fa": "ar"}.get(language)
            found = len(script.findall(text)) + (len(dict(_SCRIPTS)[wide].findall(text)) if wide else 0)
            if found * 5 >= letters:
                return language
    return None


def _by_words(text: str) -> str:
    text = text.casefold()
    words = re.findall(r"[^\W\d_]+", text)
    scores = {language: sum(word in common for word in words) for language, common in _COMMON.items()}
    if not text.isascii():
        for language, letters in _LETTERS.items():
            scores[language] += 2 * len(set(text) & set(letters))
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > scores["en"] else "en"
