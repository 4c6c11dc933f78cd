from __future__ import annotations

import math

import pytest

from memsvc.models.surprisal import RAREST, WordFrequencySurprisal

SURPRISAL = WordFrequencySurprisal()


def test_rare_words_carry_more_bits() -> None:
    assert SURPRISAL.bits("the", "en") < SURPRISAL.bits("garden", "en") < SURPRISAL.bits("bassoon", "en")


def test_case_does_not_matter() -> None:
    assert SURPRISAL.bits("Garden", "en") == SURPRISAL.bits("garden", "en")


@pytest.mark.parametrize(("word", "language"), [("qqxzzvk", "en"), ("", "en"), ("garden", "und"), ("猫", "zh")])
def test_unseen_words_and_languages_have_the_floor(word: str, language: str) -> None:
    assert SURPRISAL.bits(word, language) == -math.log2(RAREST)


def test_other_languages_have_their_own_frequencies() -> None:
    assert SURPRISAL.bits("und", "de") < SURPRISAL.bits("und", "en")
