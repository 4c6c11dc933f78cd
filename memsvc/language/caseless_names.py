"""Names in scripts without capitals, by lists and cues: Arabic and Devanagari; Han, kana and Hangul in `cjk_names`.

A word that no list knows is a name only behind a title or "my name is"; a name that is a word of the language too, only
behind a cue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from memsvc.language import gazetteer
from memsvc.language.cjk_names import cjk_spans
from memsvc.language.word_frequency import zipf
from memsvc.types import NameKind

Span = tuple[int, int, NameKind]
_CASELESS = re.compile(r"[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_RARE_ZIPF = 4.5
"""Below it a word behind a title is a name that the lists lack."""
_FREQUENT_ZIPF = 5.6
"""From here on a listed name is rather another word."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Script:
    """The words of a language that tell its names."""

    language: str
    word: re.Pattern[str]
    titles: frozenset[str]
    """Before anybody's name: "Dr.", "my name is"."""
    relatives: frozenset[str]
    """Who a person is: before a listed name."""
    honorifics: frozenset[str] = frozenset()
    """Behind a name."""
    organisations: frozenset[str] = frozenset()
    """Kinds of organisations, before their names."""
    settlements: frozenset[str] = frozenset()
    """Kinds of places, before their names."""
    ambiguous: frozenset[str] = frozenset()
    """Names that are ordinary words too."""
    inside: frozenset[str] = frozenset()
    """Small words within a name, and first parts of names."""
    proclitics: str = ""
    """Letters that are written together with the word behind them."""
    entities: frozenset[str] = field(default=frozenset())
    """Well-known organisations."""


_ARABIC = _Script(
    language="ar",
    word=re.compile(r"[\u0621-\u063a\u0640-\u0652\u0670-\u06d3\u06d5]+"),
    titles=_words(
        """
        السيد السيدة الآنسة الدكتور الدكتورة دكتور دكتورة الأستاذ الأستاذة أستاذ المهندس المهندسة المحامي المحامية
        الحاج الحاجة الشيخ الأمير الملك القاضي المعلم المعلمة اسمي اسمه اسمها يدعى تدعى اسمك
        """
    ),
    relatives=_words(
        """
        أخي أختي صديقي صديقتي زوجي زوجتي ابني ابنتي عمي عمتي خالي خالتي أمي أبي جاري جارتي زميلي زميلتي مديري مديرتي
        طبيبي أخوه أخته صديقه صديقها أخوها أختها ابنه ابنها ابنته ابنتها زوجها زوجته مع قال قالت يا
        """
    ),
    organisations=_words("شركة جامعة مستشفى بنك مصرف مؤسسة منظمة مطعم فندق"),
    settlements=_words("مدينة قرية دولة جزيرة"),
    ambiguous=_words(
        """
        سعيد جميل كريم أمل نور هدى إيمان سلام حلم نجاح فرح وفاء صباح عادل صالح حسن مبارك شريف عزيز أمين خير بدر سيف
        جهاد ربيع هلال حياة هبة رحمة نعمة بركة دعاء رجاء وعد شمس قمر وردة زهرة ملاك صادق ناجح ماهر كامل سالم ماجد منى
        سماح سهام رغد شهد ندى رضا فضل عيد سعد سرور عبد مجد عز نصر فتح وسام حنان حنين شوق أشواق سعاد عفاف إخلاص إسلام
        إحسان انتصار ابتسام جنة جنى ضياء علاء بهاء صفاء سناء هناء ثناء شفاء غفران بيان بشرى ذكرى سلوى تقوى نجوى شكرى
        لقاء وئام سند ليث فهد أسد صقر نمر غزال ريم مها لؤلؤة ياقوت جوهرة فضة ذهب ماسة الله محمد بن ابن طلال عام مساء
        ليل يوم سامي نادر خالد
        """
    )
    - {"محمد", "خالد", "سعاد", "طلال", "فهد", "ريم", "ابتسام", "علاء", "سلوى", "سامي", "ليث"},
    inside=_words("بن ابن بنت أبو آل عبد ال"),
    proclitics="وفبلك",
    entities=_words(
        """
        أرامكو جوجل غوغل فيسبوك تويتر أمازون آبل مايكروسوفت سامسونج واتساب يوتيوب الجزيرة اليونيسف الناتو نتفليكس
        """
    ),
)
_HINDI = _Script(
    language="hi",
    word=re.compile(r"[\u0900-\u0963\u0971-\u097f\u200c\u200d]+"),
    titles=_words("श्री श्रीमती सुश्री डॉक्टर डॉ प्रोफेसर वकील मिस्टर मिस मैडम नाम पंडित इंस्पेक्टर"),
    relatives=_words(
        """
        भाई बहन दोस्त पति पत्नी बेटा बेटी बेटे चाचा चाची मामा मामी मौसी दादा दादी नाना नानी पड़ोसी सहेली मित्र बॉस टीचर और
        कल
        """
    ),
    honorifics=_words("जी साहब साहिब भाई दीदी ने"),
    organisations=_words("कंपनी विश्वविद्यालय बैंक अस्पताल होटल"),
    settlements=_words("शहर गाँव गांव राज्य"),
    ambiguous=_words(
        """
        आशा प्रेम सत्य राज दीप सुमन शांति प्रकाश विकास ज्ञान आनंद संतोष मंगल सोम शनि गुरु देव दया क्षमा श्रद्धा भक्ति शक्ति
        लक्ष्य जीवन अमर वीर बल धन सुख मन तन जय कमल चाँद तारा सूरज चंद्र वर्षा ऋतु संध्या उषा रात दिन एक दो तीन चंदा मुन्ना
        राजा रानी सागर पर्वत नदी गंगा काम नाम शुभ लाभ निधि संगीत गीत कला कल्पना भावना कविता सीमा यश हर्ष उदय अंत आदि सोना
        मोती हीरा कुमार सिंह मान शान जान माया छाया तेज पवन धरती आकाश किरण हरि दर्शन
        """
    ),
    entities=_words("गूगल फेसबुक अमेज़न टाटा रिलायंस इंफोसिस फ्लिपकार्ट व्हाट्सऐप यूट्यूब"),
)
_DIACRITICS = re.compile(r"[\u0640\u064b-\u0652\u0670]")


def caseless_spans(text: str, language: str) -> Iterator[Span]:
    """Spans of names in those parts of a text that are in scripts without capitals."""
    if text.isascii() or not _CASELESS.search(text):
        return
    for script in (_ARABIC, _HINDI):
        yield from _Reader(text, script).spans()
    yield from cjk_spans(text, language)


class _Reader:
    """Reads the words of one script in one text."""

    def __init__(self, text: str, script: _Script) -> None:
        self._script = script
        self._words = [(match.start(), match.end(), match.group()) for match in script.word.finditer(text)]
        self._text = text

    def spans(self) -> Iterator[Span]:
        i = 0
        while i < len(self._words):
            found = self._name(i)
            if found is None:
                i += 1
                continue
            start, last, kind = found
            yield start, self._words[last][1], kind
            i = last + 1

    def _name(self, i: int) -> tuple[int, int, NameKind] | None:
        """Where the name that begins with a word starts, its last word, and its kind."""
        start, _, word = self._words[i]
        titled, related = self._is_behind(i, self._script.titles), self._is_behind(i, self._script.relatives)
        for skipped in self._prefixes(word):
            bare = _DIACRITICS.sub("", word[skipped:])
            last = self._last_of_place(i, bare)
            if last is not None:
                return start + skipped, last, NameKind.PLACE
            if bare in self._script.entities:
                return start + skipped, i, NameKind.ENTITY
            if self._is_person(i, bare, cued=titled or related) or (bare == "عبد" and self._joined(i)):
                return start + skipped, self._last_of_person(i), NameKind.PERSON
        return self._cued(i, titled=titled)

    def _prefixes(self, word: str) -> tuple[int, ...]:
        clitic = word[0] in self._script.proclitics and len(word) > 3
        if not clitic or (word[0] != "و" and zipf(word, self._script.language) >= _RARE_ZIPF):
            return (0,)
        return (0, 1)

    def _is_behind(self, i: int, cues: frozenset[str]) -> bool:
        return bool(i) and self._joined(i - 1) and self._words[i - 1][2] in cues

    def _joined(self, i: int) -> bool:
        """Whether one blank stands between a word and the next."""
        return i + 1 < len(self._words) and self._text[self._words[i][1] : self._words[i + 1][0]] == " "

    def _is_person(self, i: int, bare: str, *, cued: bool) -> bool:
        if bare not in gazetteer.given_names():
            return cued and bare in gazetteer.surnames() and bare not in self._script.ambiguous
        if cued:
            return True
        if self._joined(i) and self._words[i + 1][2] in self._script.honorifics:
            return True
        return bare in _FREQUENT_NAMES or (
            bare not in self._script.ambiguous and zipf(bare, self._script.language) < _FREQUENT_ZIPF
        )

    def _last_of_person(self, i: int) -> int:
        while self._joined(i):
            word = _DIACRITICS.sub("", self._words[i + 1][2])
            behind = self._words[i][2] in self._script.inside
            listed = word in gazetteer.surnames() or word in gazetteer.given_names()
            if not (behind or word in self._script.inside or (listed and word not in self._script.ambiguous)):
                break
            if zipf(word, self._script.language) >= _FREQUENT_ZIPF and not behind and word not in self._script.inside:
                break
            i += 1
        return i

    def _last_of_place(self, i: int, bare: str) -> int | None:
        if self._joined(i) and f"{bare} {self._words[i + 1][2]}" in gazetteer.places():
            return i + 1
        frequent = zipf(bare, self._script.language) >= _FREQUENT_ZIPF and bare not in _FREQUENT_NAMES
        return i if bare in gazetteer.places() and not frequent and bare not in self._script.ambiguous else None

    def _cued(self, i: int, *, titled: bool) -> tuple[int, int, NameKind] | None:
        start, _, word = self._words[i]
        if len(word) < 3 or zipf(word, self._script.language) >= _RARE_ZIPF:
            return None
        if titled:
            return start, self._last_of_person(i), NameKind.PERSON
        if word.startswith("ال"):
            return None
        if self._is_behind(i, self._script.organisations):
            return start, i, NameKind.ENTITY
        return (start, i, NameKind.PLACE) if self._is_behind(i, self._script.settlements) else None


_FREQUENT_NAMES = _words(
    """
    محمد أحمد محمود إبراهيم يوسف नरेंद्र राहुल مصر السعودية العراق سوريا लंदन
    दिल्ली भारत المغرب الأردن لبنان فلسطين أمريكا تونس الجزائر قطر मुंबई पाकिस्तान अमेरिका
    """
)
"""Names that are said as often as ordinary words."""
