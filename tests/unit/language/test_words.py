import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.words import STOP_WORDS, characters, stem, stems, stop_words, tokenize, word_count


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("... !? --", []),
        ("Hello, World", ["hello", "world"]),
        ("Melanie's and the kids' dogs", ["melanie", "and", "the", "kids", "dogs"]),
        ("Melanie\u2019s", ["melanie"]),
        ("don't O\u2019Brien's", ["don't", "o'brien"]),
        ("snake_case state-of-the-art 3.5", ["snake", "case", "state", "of", "the", "art", "3", "5"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ＦＵＬＬ ﬁne", ["full", "fine"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("Привет, мир", ["привет", "мир"]),
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("猫", ["猫"]),
        ("iPhone手机很好v2", ["iphone", "手机", "机很", "很好", "v2"]),
        ("ไทย", ["ไท", "ทย"]),
        ("한국어를 말해요", ["한국", "국어", "어를", "말해", "해요"]),
    ],
)
def test_tokenize(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


@given(st.text(st.sampled_from("abZ019'_-. \n\u2019"), max_size=20) | st.text(st.characters(max_codepoint=127)))
def test_plain_ascii_is_split_as_it_is_beside_other_scripts(text: str) -> None:
    assert [*tokenize(text), "猫"] == tokenize(f"{text} 猫")


@given(st.text())
def test_tokens_are_folded_and_hold_no_separators(text: str) -> None:
    for word in tokenize(text):
        assert word
        assert word == word.casefold()
        assert not any(
            character.isspace() or unicodedata.category(character) == "Po" for character in word.replace("'", "")
        )


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True)))
def test_plain_words_come_back_in_order(words: list[str]) -> None:
    assert tokenize(" ".join(words)) == words


def test_stems_leave_out_stop_words_and_keep_order_and_repeats() -> None:
    assert stems("The cats were running after the other cat") == ["cat", "run", "cat"]


def test_names_of_months_and_people_are_content() -> None:
    assert stems("Will arrives on 7 May") == ["will", "arriv", "7", "may"]


def test_stems_of_other_languages() -> None:
    assert stems("las casas", "es") == ["cas"]
    assert stems("Wir wohnten in den Wohnungen", "de") == ["wohnt", "wohnung"]
    assert stems("the houses", "xx") == ["the", "houses"]


@pytest.mark.parametrize(
    ("language", "forms"),
    {
        "ar": "المكتبة مكتبة", "hy": "քաղաքներում քաղաքներ", "eu": "etxeak etxeetan", "ca": "germans germanes",
        "cs": "domy domů",
        "da": "husene huse", "nl": "woningen woning", "en": "houses house", "eo": "domoj domo", "et": "majad majade",
        "fi": "talossa talo", "fr": "maisons maison", "de": "wohnungen wohnung", "el": "σπίτια σπίτι",
        "hi": "लड़के लड़का", "hu": "házak házat", "id": "membaca bacaan", "ga": "bhád bád", "it": "gatti gatto",
        "lt": "namai namas", "ne": "किताबहरू किताब", "no": "husene huset", "fa": "کتابها کتاب", "pl": "domami domach",
        "pt": "casas casa", "ro": "casele casă", "ru": "квартирами квартира", "sr": "кућама кућа", "hr": "kućama kuća",
        "st": "batho motho", "es": "gatos gato", "sv": "husen huset", "ta": "வீடுகள் வீடு", "tr": "evler ev",
        "yi": "הײַזער הויז",
    }.items(),
)  # fmt: skip
def test_every_stemmer_is_reachable(language: str, forms: str) -> None:
    some, other = forms.split()
    assert stem(some, language) == stem(other, language) or stem(some, language) != some


def test_what_is_too_long_for_a_word_stays_whole() -> None:
    assert stem("running" * 10_000, "en") == "running" * 10_000


@pytest.mark.parametrize("language", ["de", "es", "fr", "ru", "ar", "hi", "tr", "no", "sr", "fa"])
def test_stop_words_of_other_languages_are_words(language: str) -> None:
    words = stop_words(language)
    assert 60 <= len(words) <= 100
    assert all(tokenize(word) == [word] for word in words)


def test_a_language_without_a_list_has_no_stop_words() -> None:
    assert stop_words("xx") == stop_words("th") == frozenset()


def test_ideographs_and_syllables_are_words_of_one_character() -> None:
    assert characters("猫 and 개, ไทย, ひらがな") == ["猫", "개"]
    assert characters("plain") == []


def test_stop_words_have_the_form_of_tokens() -> None:
    assert [word for word in STOP_WORDS if tokenize(word) != [word]] == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("The blue one.", 3),
        ("はい", 1),
        ("9番。明日電話してみる。", 4),
        ("我在银行工作。", 3),
        ("Tomás と", 2),
    ],
)
def test_words_are_counted_in_scripts_without_blanks_too(text: str, count: int) -> None:
    assert word_count(text) == count
