"""Names in Chinese, Japanese and Korean: listed ones, surnames with what may follow them, and honorifics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from memsvc.language import gazetteer
from memsvc.language.word_frequency import zipf
from memsvc.types import NameKind

Span = tuple[int, int, NameKind]
_HAN, _KANA, _HANGUL = "\u3400-\u9fff々", "\u3040-\u30ff", "\uac00-\ud7af"
_RUN = re.compile(rf"[{_HAN}{_KANA}]+")
_HANGUL_WORD = re.compile(rf"[{_HANGUL}]+")
_JAPANESE = re.compile(rf"[{_KANA}]")
_MAX_UNLISTED = 3
_LISTED_ZIPF = 5.0
_WORD_ZIPF = 3.8
"""From here on two characters are rather a word of the language than surname and given name."""

_OF_A_PLACE = frozenset("語语人製制円酒文菜")
"""Behind a place: its language, its people, what is made there."""
_PLACE_ZIPF = 3.6
"""Below it two characters of a list of places are rather something else."""

# Chinese: what stands before and behind a name of a surname and one or two more characters.
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫"
    "馬鄭謝許韓馮鄧葉蘇魏呂盧鍾譚陸賈韋鄒薛閻龍賀顧龔萬錢嚴湯"
)
_BEFORE = frozenset("和跟与與同叫给給对對找问問请請让讓欠帮幫见見到是认認识識爱愛为為向由被于")
_BEHIND = frozenset(
    "和跟与與在去来來说說是的把给給也昨今明住从從有要会會想喜告问問让讓很不了没沒带帶负負去将將已正做买買教打写寫一"
)
_GRAMMAR = frozenset("和跟与與在去来來说說是的把给給也要了没沒很不一今昨从從有会會问問让讓带帶买買打做人年月日上下大")
_CHINESE_TITLES = (
    "先生", "女士", "小姐", "老师", "老師", "医生", "醫生", "律师", "律師", "教授", "经理", "經理", "同学", "同學",
    "阿姨", "叔叔", "博士", "主任", "总统", "總統", "总理", "主席", "师傅", "護士", "护士", "警官", "老板",
)  # fmt: skip
_CHINESE_ENTITIES = (
    "淘宝", "京东", "微信", "支付宝", "阿里巴巴", "腾讯", "百度", "华为", "小米", "抖音", "谷歌", "苹果公司",
    "微软", "亚马逊", "滴滴", "美团", "拼多多", "三星", "索尼", "联想", "特斯拉", "清华大学", "北京大学",
    "复旦大学", "ソニー", "トヨタ", "ホンダ", "グーグル", "アップル", "アマゾン", "任天堂", "パナソニック", "楽天",
    "日産", "ユニクロ", "東京大学", "京都大学", "ツイッター", "フェイスブック", "マイクロソフト",
    "ネットフリックス", "ヤフー", "삼성", "네이버", "카카오",
)  # fmt: skip
_ENTITY = re.compile("|".join(map(re.escape, sorted(_CHINESE_ENTITIES, key=len, reverse=True))))
_DOTTED = re.compile(rf"[{_HAN}]{{1,6}}(?:[·•][{_HAN}]{{1,6}})+")

_HONORIFIC = re.compile(
    rf"([{_HAN}]{{1,5}}|[\u30a1-\u30fc]{{2,10}}|[\u3041-\u3096]{{2,4}})"
    r"(?=さん|ちゃん|くん|さま|様|君(?!主)|氏(?!名)|先生|弁護士|部長|課長|社長|教授|先輩|選手|医師|首相|大統領)"
)
_NOT_HONOURED = frozenset(
    [
        "皆",
        "みな",
        "みんな",
        "お客",
        "客",
        "お母",
        "お父",
        "お兄",
        "お姉",
        "お医者",
        "医者",
        "母",
        "父",
        "兄",
        "姉",
        "弟",
        "妹",
        "おじ",
        "おば",
        "おじい",
        "おばあ",
        "担当",
        "神",
        "奥",
        "娘",
        "息子",
        "赤",
        "王",
        "同",
        "旦那",
        "主",
        "店員",
        "店長",
        "業者",
        "大家",
        "隣",
        "相手",
        "患者",
        "看護婦",
        "看護師",
        "運転手",
        "駅員",
        "奥様",
        "の先",
        "担任",
        "担当の",
        "新",
        "副",
        "元",
    ]
)
_PARTICLES = "はがをにとものへ、でや。？！? \n"
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}")
_KANJI = re.compile(rf"[{_HAN}]{{2,6}}")

_KOREAN_HONORIFICS = ("씨", "님", "선생님", "박사님", "교수님")
_KOREAN_PARTICLES = re.compile(
    "(?:이가|이는|이를|이랑|이와|에서|에게|한테|으로|부터|까지|하고|이|가|은|는|을|를|의|에|로|와|과|도|야|아|랑|씨|님)$"
)
_KOREAN_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민나진지엄채원천방공현함변염추"
    "도소석선설마길연위표명기반왕금옥육인맹제모탁국여어은편용"
)


def cjk_spans(text: str, language: str) -> Iterator[Span]:
    """Spans of names in Han, kana and Hangul."""
    for match in _ENTITY.finditer(text):
        yield match.start(), match.end(), NameKind.ENTITY
    japanese = language == "ja" or (language != "zh" and bool(_JAPANESE.search(text)))
    for match in _RUN.finditer(text):
        yield from _places(text, match.start(), match.end())
        if not japanese:
            yield from _chinese(text, match.start(), match.end())
    if japanese:
        yield from _japanese(text)
    else:
        for match in _DOTTED.finditer(text):
            yield match.start(), match.end(), NameKind.PERSON
    yield from _korean(text)


@cache
def _place_lengths() -> dict[str, list[int]]:
    """Lengths of the listed places by their first two characters, the longest first."""
    return _lengths(gazetteer.places())


@cache
def _given_lengths() -> dict[str, list[int]]:
    """Lengths of the listed given names of two or more characters by their first two, the longest first."""
    return _lengths(gazetteer.given_names())


def _lengths(names: frozenset[str]) -> dict[str, list[int]]:
    lengths: dict[str, set[int]] = {}
    for name in names:
        if len(name) > 1 and _RUN.match(name):
            lengths.setdefault(name[:2], set()).add(len(name))
    return {pair: sorted(found, reverse=True) for pair, found in lengths.items()}


def _places(text: str, start: int, end: int) -> Iterator[Span]:
    places, lengths = gazetteer.places(), _place_lengths()
    i = start
    while i < end - 1:
        fitting = lengths.get(text[i : i + 2], ())
        length = next((n for n in fitting if i + n <= end and text[i : i + n] in places), 0)
        if length and text[i + length : i + length + 1] not in _OF_A_PLACE and _is_whole(text, i, i + length):
            yield i, i + length, NameKind.PLACE
        i += length or 1


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a listed place is not a part of a longer katakana word, nor two characters of a rarely meant place."""
    if _KATAKANA.fullmatch(text, start, end):
        around = text[start - 1 : start] + text[end : end + 1]
        return not any("\u30a1" <= character <= "\u30fc" for character in around)
    return end - start > 2 or zipf(text[start:end], "zh") >= _PLACE_ZIPF or zipf(text[start:end], "ja") >= _PLACE_ZIPF


@cache
def _given_characters() -> frozenset[str]:
    """Characters that Chinese given names are made of."""
    names = (name for name in gazetteer.given_names() if 1 <= len(name) <= 2 and "\u3400" <= name[0] <= "\u9fff")
    return frozenset("".join(names)) - _GRAMMAR


def _chinese(text: str, start: int, end: int) -> Iterator[Span]:
    i = start
    while i < end:
        length = _chinese_length(text, i, start, end)
        if length:
            yield i, i + length, NameKind.PERSON
        i += length or 1


def _chinese_length(text: str, i: int, start: int, end: int) -> int:
    """Length of the Chinese name that begins at `i`; 0 for none."""
    for length in _given_lengths().get(text[i : i + 2], ()):
        if i + length <= end and text[i : i + length] in gazetteer.given_names():
            rare = length > 2 or zipf(text[i : i + 2], "zh") < _LISTED_ZIPF
            return length if rare and _is_bounded(text, i, start, i + length, end) else 0
    if text[i] not in _SURNAMES:
        return 0
    for length in (1, 3, 2):
        stop = i + length
        titled = text.startswith(_CHINESE_TITLES, stop)
        if stop <= end and _is_chinese_name(text[i:stop]) and (titled or _is_bounded(text, i, start, stop, end)):
            if length == 1 and not titled:
                continue
            return length
    return 0


def _is_chinese_name(name: str) -> bool:
    rest = name[1:]
    if not all(character in _given_characters() for character in rest):
        return False
    return len(name) == 1 or (
        zipf(name[:2], "zh") < _WORD_ZIPF and (len(rest) < 2 or zipf(rest, "zh") < _WORD_ZIPF + 1)
    )


def _is_bounded(text: str, i: int, start: int, stop: int, end: int) -> bool:
    before = i == start or text[i - 1] in _BEFORE
    behind = stop == end or text[stop] in _BEHIND or text.startswith(_CHINESE_TITLES, stop)
    return before and behind


def _japanese(text: str) -> Iterator[Span]:
    for match in _HONORIFIC.finditer(text):
        name = _honoured(match.group())
        if name:
            yield match.end() - len(name), match.end(), NameKind.PERSON
    for match in _KATAKANA.finditer(text):
        if match.group() in gazetteer.given_names():
            yield match.start(), match.end(), NameKind.PERSON
    for match in _KANJI.finditer(text):
        word = match.group()
        behind = text[match.end() : match.end() + 1]
        if (not behind or behind in _PARTICLES) and _is_japanese_name(word):
            yield match.start(), match.end(), NameKind.PERSON


def _honoured(run: str) -> str:
    """The name at the end of what stands before an honorific: the longest that is listed, or a short run as a whole."""
    if not "\u3400" <= run[-1] <= "\u9fff":
        return "" if run in _NOT_HONOURED else run
    listed = (run[i:] for i in range(len(run)) if _is_listed_in_japanese(run[i:]))
    name = next(listed, run if len(run) <= _MAX_UNLISTED else "")
    return "" if name in _NOT_HONOURED else name


def _is_listed_in_japanese(word: str) -> bool:
    given, surnames = gazetteer.given_names(), gazetteer.surnames()
    return word in given or word in surnames or any(word[:n] in surnames and word[n:] in given for n in (1, 2, 3))


def _is_japanese_name(word: str) -> bool:
    given, surnames = gazetteer.given_names(), gazetteer.surnames()
    if any(word[:n] in surnames and word[n:] in given for n in range(1, len(word))):
        return word not in gazetteer.places()
    return (word in given or word in surnames) and word not in gazetteer.places() and zipf(word, "ja") < _WORD_ZIPF + 1


def _korean(text: str) -> Iterator[Span]:
    for match in _HANGUL_WORD.finditer(text):
        word, start = match.group(), match.start()
        honoured = text[match.end() : match.end() + 4].lstrip(" ").startswith(_KOREAN_HONORIFICS)
        name = word if honoured else _KOREAN_PARTICLES.sub("", word)
        if name in gazetteer.places() and len(name) > 1:
            yield start, start + len(name), NameKind.PLACE
        elif _is_korean_name(name, honoured=honoured):
            yield start, start + len(name), NameKind.PERSON
        elif word != name and _is_korean_name(word, honoured=False):
            yield start, start + len(word), NameKind.PERSON


def _is_korean_name(name: str, *, honoured: bool) -> bool:
    given = gazetteer.given_names()
    full = len(name) == 3 and name[0] in _KOREAN_SURNAMES
    if honoured:
        return name in given or full or (len(name) == 1 and name in _KOREAN_SURNAMES)
    return (full and name[1:] in given and zipf(name, "ko") < _WORD_ZIPF) or (
        len(name) == 2 and name in given and zipf(name, "ko") < _WORD_ZIPF
    )
