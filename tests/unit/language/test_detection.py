from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.detection import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I went to the market with my sister.", "en"),
        ("Hi Ben!", "en"),
        ("", "en"),
        ("Je ne suis pas à la maison.", "fr"),
        ("Ich bin heute nicht zu Hause.", "de"),
        ("Ik ben niet naar het strand.", "nl"),
        ("Ayer no fui con mi hermana.", "es"),
        ("Eu não moro em Lisboa.", "pt"),
        ("Io non sono di Roma.", "it"),
        ("Я живу в Москве", "ru"),
        ("今日は寒い", "ja"),
        ("我住在北京", "zh"),
        ("안녕하세요", "ko"),
        ("ประเทศไทย", "th"),
    ],
)
def test_detects(text: str, language: str) -> None:
    assert detect(text) == language


@given(st.text())
def test_never_raises(text: str) -> None:
    assert detect(text)
