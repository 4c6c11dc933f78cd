"""Which sentences say nothing worth remembering: greetings, thanks, reactions, questions without a subject.

A sentence is judged by what it does not hold. It says nothing only if each of its words is on the lists below and one
of them greets, thanks, agrees or judges. Persons that something could be told of ("I", "she", "we"), negations, verbs of
doing, numbers and names are on no list, so a sentence with one of them is always kept.
"""

from __future__ import annotations

import re

from memsvc.compression.reasons import Reason
from memsvc.language.words import tokenize

_GREETINGS = frozenset(
    [
        "hi",
        "hey",
        "hello",
        "hiya",
        "howdy",
        "bye",
        "goodbye",
        "cheers",
        "welcome",
        "morning",
        "afternoon",
        "evening",
        "night",
        "goodnight",
        "goodbye",
        "ciao",
        "later",
        "soon",
        "hallo",
        "tschüss",
        "moin",
        "servus",
        "hola",
        "adiós",
        "buenas",
        "buenos",
        "días",
        "tardes",
        "noches",
        "bonjour",
        "bonsoir",
        "salut",
        "revoir",
        "olá",
        "oi",
        "tchau",
        "bom",
        "boa",
        "dia",
        "tarde",
        "noite",
        "hoi",
        "doei",
        "dag",
        "buongiorno",
        "buonasera",
        "arrivederci",
        "привет",
        "здравствуйте",
        "пока",
        "доброе",
        "утро",
        "добрый",
        "день",
        "вечер",
        "مرحبا",
        "أهلا",
        "السلام",
        "عليكم",
        "صباح",
        "الخير",
        "نمस्ते",
        "नमस्ते",
        "नमस्कार",
        "merhaba",
        "selam",
        "günaydın",
        "görüşürüz",
    ]
)
_THANKS = frozenset(
    [
        "thank",
        "thanks",
        "thx",
        "ty",
        "danke",
        "dankeschön",
        "gracias",
        "merci",
        "obrigado",
        "obrigada",
        "grazie",
        "bedankt",
        "dank",
        "спасибо",
        "благодарю",
        "شكرا",
        "धन्यवाद",
        "शुक्रिया",
        "teşekkürler",
        "teşekkür",
        "sağol",
    ]
)
_ASSENTS = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "yup",
        "yea",
        "ok",
        "okay",
        "okey",
        "sure",
        "right",
        "exactly",
        "definitely",
        "absolutely",
        "totally",
        "indeed",
        "agreed",
        "understood",
        "alright",
        "certainly",
        "gotcha",
        "noted",
        "roger",
        "ja",
        "genau",
        "klar",
        "sí",
        "claro",
        "vale",
        "oui",
        "bien",
        "d'accord",
        "sim",
        "certo",
        "sì",
        "да",
        "хорошо",
        "ладно",
        "نعم",
        "حسنا",
        "हाँ",
        "ठीक",
        "evet",
        "tamam",
    ]
)
_JUDGING = frozenset(
    [
        "awesome",
        "great",
        "cool",
        "nice",
        "amazing",
        "wonderful",
        "fantastic",
        "incredible",
        "lovely",
        "super",
        "wow",
        "woah",
        "whoa",
        "oh",
        "ah",
        "aw",
        "aww",
        "haha",
        "hahaha",
        "lol",
        "good",
        "perfect",
        "brilliant",
        "excellent",
        "fine",
        "glad",
        "happy",
        "fun",
        "congrats",
        "congratulations",
        "interesting",
        "impressive",
        "sweet",
        "beautiful",
        "gorgeous",
        "fascinating",
        "inspiring",
        "exciting",
        "adorable",
        "cute",
        "stunning",
        "yay",
        "ugh",
        "gosh",
        "omg",
        "phew",
        "hooray",
        "hmm",
        "hm",
        "well",
        "please",
        "sorry",
        "enjoy",
        "luck",
        "care",
        "sounds",
        "cheers",
        "bravo",
        "toll",
        "super",
        "schön",
        "prima",
        "genial",
        "qué",
        "bueno",
        "perfecto",
        "parfait",
        "super",
        "génial",
        "ottimo",
        "perfeito",
        "здорово",
        "отлично",
        "رائع",
        "बढ़िया",
        "harika",
        "güzel",
    ]
)
_CONNECTING = frozenset(
    [
        "that's",
        "that",
        "this",
        "it",
        "it's",
        "is",
        "are",
        "be",
        "so",
        "very",
        "really",
        "too",
        "just",
        "also",
        "much",
        "lot",
        "a",
        "an",
        "the",
        "of",
        "for",
        "to",
        "and",
        "with",
        "all",
        "you",
        "you're",
        "your",
        "yours",
        "here",
        "there",
        "now",
        "then",
        "again",
        "time",
        "day",
        "one",
        "what",
        "how",
        "look",
        "looks",
        "sound",
        "hear",
        "see",
        "know",
        "mean",
        "got",
        "let's",
        "have",
        "take",
        "keep",
        "up",
        "in",
        "on",
        "at",
        "my",
        "god",
        "goodness",
        "love",
        "bit",
        "such",
        "pretty",
        "quite",
        "truly",
        "my",
        "dear",
        "buddy",
        "friend",
        "pal",
        "man",
        "dude",
        "guys",
        "everyone",
        "again",
        "way",
        "go",
        "things",
        "thing",
        "stuff",
        "always",
        "day",
        "week",
        "weekend",
        "rest",
        "like",
        "plan",
        "job",
        "work",
        "es",
        "das",
        "ist",
        "sehr",
        "so",
        "und",
        "für",
        "der",
        "die",
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "es",
        "muy",
        "y",
        "por",
        "para",
        "c'est",
        "très",
        "et",
        "pour",
        "le",
        "les",
        "il",
        "è",
        "molto",
        "e",
        "per",
    ]
) - {"my", "love", "go", "got", "see", "have", "take", "keep"}
_POLITE_TAILS = frozenset({"see", "have", "take", "keep", "talk", "catch", "go"})
"""Of wishes and partings only: "see you soon", "take care", "have a great day"."""
_ASKING = frozenset(
    [
        "what",
        "how",
        "when",
        "why",
        "who",
        "where",
        "which",
        "about",
        "up",
        "is",
        "it",
        "it's",
        "that's",
        "you",
        "your",
        "are",
        "do",
        "did",
        "was",
        "think",
        "feel",
        "doing",
        "going",
        "been",
        "and",
        "new",
        "else",
        "so",
        "then",
        "ok",
        "really",
        "right",
        "was",
        "everything",
        "things",
        "today",
    ]
)
_CORE = _GREETINGS | _THANKS | _ASSENTS | _JUDGING
_ALL = _CORE | _CONNECTING

# Set phrases with a person or a negation in them that tell nothing of anybody.
_IDIOM = re.compile(
    r"\b(?:no worries|no problem|don't mention it|my pleasure|oh my (?:god|gosh)|thank god|"
    r"(?:i )?(?:really |truly |so )?appreciate (?:it|that|you|your (?:help|time|kindness|support))|"
    r"(?:i'm|i am) (?:so |really |very |truly )*(?:glad|happy|sorry|pleased|thrilled) (?:for you|to hear (?:that|it|this))|"
    r"nice to (?:meet|see|hear from) you|you(?:'re| are) (?:very |most )?welcome|"
    r"(?:talk|speak|see|catch up) (?:to |with )?(?:you |ya )?(?:soon|later|then|around|tomorrow)|take care(?: of yourself)?|"
    r"have a (?:\w+ )?(?:day|one|night|evening|weekend|week|time|trip)|enjoy (?:the|your) (?:\w+)|"
    r"well done|keep it up|keep up the (?:good|great) work)\b",
    re.IGNORECASE,
)
_IDIOM_CORE = "thanks"
_WHOLE = frozenset(["谢谢", "谢谢你", "谢谢您", "多谢", "你好", "您好", "再见", "好的", "好", "嗯", "哈哈", "太好了", "ありがとう", "ありがとうございます", "こんにちは", "おはよう", "おはようございます", "こんばんは", "はい", "うん", "なるほど", "すごい", "了解", "了解です", "いいね", "감사합니다", "안녕하세요", "네", "좋아요", "ขอบคุณ", "สวัสดี"])  # fmt: skip
_WORD_CHARACTERS = re.compile(r"[^\W_]+")
_QUESTION_MARK = re.compile(r"[?？؟]")


def nothing_said(sentence: str, *, names: frozenset[str], answering: bool) -> Reason | None:
    """Why a sentence may be left out; None when it says something, or may.

    `names` are the case-folded words of the names of those present: to call somebody is no news. `answering` says that
    the sentence may answer a question: then only what greets or thanks is left out.
    """
    core = _words(sentence, names, idioms=not answering)
    if core is None:
        return None
    if not core:
        return None if answering else Reason.REACTION
    if _QUESTION_MARK.search(sentence):
        return Reason.EMPTY_QUESTION if not answering and all(word in _ASKING for word in core) else None
    if not all(word in _ALL or word in _POLITE_TAILS for word in core) or _CORE.isdisjoint(core):
        return None
    if answering and not all(word in _GREETINGS | _THANKS | _CONNECTING for word in core):
        return None
    return _kind(core)


def reacts(sentence: str, *, names: frozenset[str]) -> bool:
    """Whether most of a sentence is reaction, and the rest are words that tell nothing of anybody in particular."""
    core = _words(sentence, names, idioms=True)
    if not core or _QUESTION_MARK.search(sentence) or _CORE.isdisjoint(core) or not _PERSONS.isdisjoint(core):
        return False
    telling = any(_NEGATION.fullmatch(word) for word in core) or _capitalised(sentence, names)
    return not telling and sum(word in _ALL for word in core) >= _REACTING * len(core)


def _capitalised(sentence: str, names: frozenset[str]) -> bool:
    """Whether a word after the first has a capital, and so may name something."""
    return any(word[:1].isupper() and word.casefold() not in names for word in _WORD_CHARACTERS.findall(sentence)[1:])


_REACTING = 0.6
"""Share of a sentence's words from which it is mostly reaction; a judgement."""
_PERSONS = frozenset(
    [
        "i",
        "me",
        "my",
        "mine",
        "myself",
        "we",
        "us",
        "our",
        "ours",
        "he",
        "him",
        "his",
        "she",
        "her",
        "hers",
        "they",
        "them",
        "their",
        "theirs",
        "said",
        "says",
    ]
)
_NEGATION = re.compile(r"not|no|never|none|nothing|nobody|without|cannot|nope|nah|\w+n't|(?:i|we|he|she|they)'\w+")


def _words(sentence: str, names: frozenset[str], *, idioms: bool) -> list[str] | None:
    """The words that decide, set phrases and the names of those present left out; None where a number or code is among them."""
    if any(character.isdigit() or character in "`@/\\=<>{}|#" for character in sentence):
        return None
    letters = "".join(_WORD_CHARACTERS.findall(sentence))
    if idioms and letters in _WHOLE:
        return [_IDIOM_CORE]
    plain = sentence.replace("’", "'")
    plain = _IDIOM.sub(f" {_IDIOM_CORE} ", plain) if idioms else plain
    return [word for word in tokenize(plain) if word not in names]


def _kind(words: list[str]) -> Reason:
    for reason, vocabulary in ((Reason.THANKS, _THANKS), (Reason.GREETING, _GREETINGS)):
        if any(word in vocabulary for word in words):
            return reason
    return Reason.ACKNOWLEDGEMENT if any(word in _ASSENTS for word in words) else Reason.REACTION
