from __future__ import annotations

import pytest

from memsvc.language.persons import is_about_listener


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("How was your trip?", "en", True),
        ("You\u2019ve earned it!", "en", True),
        ("I love your trip photos.", "en", False),
        ("We should go with you.", "en", False),
        ("The trip was long.", "en", False),
        ("Wie war deine Reise?", "de", True),
        ("Ich mag deine Reise.", "de", False),
        ("T'es rentr\u00e9 ?", "fr", True),
        ("J'aime ton jardin.", "fr", False),
        ("Jouw tuin is mooi.", "nl", True),
        ("Tu viaje fue largo.", "es", False),
    ],
)
def test_pronouns_tell_whom_a_text_is_about(text: str, language: str, expected: bool) -> None:
    assert is_about_listener(text, language) is expected
