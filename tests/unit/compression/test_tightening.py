from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.sentences import apply
from memsvc.compression.tightening import captions
from memsvc.compression.utterances import Utterance, read
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.types import Role, Scope, Turn


async def _read(analyzer: SpacyAnalyzer, content: str) -> Utterance:
    turn = Turn(
        turn_id="1", scope=Scope("u", "", "s"), role=Role.USER, content=content,
        event_time=datetime(2024, 3, 4, tzinfo=UTC), speaker="Ana",
    )  # fmt: skip
    (utterance,) = read([turn], await analyzer.analyze([content]))
    return utterance


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("It was such a really tasty soup.", "It was a tasty soup."),
        ("I just started a pottery course.", "I started a pottery course."),
        ("The harbour brings my uncle so much joy.", "The harbour brings my uncle joy."),
        ("My cousin bought an accordion from Porto too!", "My cousin bought an accordion from Porto!"),
        ("Here's a photo of the old mill.", "Photo of the old mill."),
        ("Here is the recipe of the old mill.", None),
        ("I don't really like oysters.", None),  # the denial would grow
        ("The rope was so long that it reached the well.", None),  # a measure, not an emphasis
        ("That is a really old mill.", None),  # "a old mill"
    ],
)
async def test_only_words_without_content_go(analyzer: SpacyAnalyzer, said: str, told: str | None) -> None:
    (piece,) = (await _read(analyzer, said)).pieces
    assert piece.plain == said
    assert piece.told.plain == (told or said)
    assert (piece.tightened is None) == (told is None)


async def test_what_goes_is_told(analyzer: SpacyAnalyzer) -> None:
    (piece,) = (await _read(analyzer, "It was a really tasty soup.")).pieces
    assert piece.spared == "really"


async def test_other_languages_stay_as_they_are(analyzer: SpacyAnalyzer) -> None:
    said = "Gestern habe ich im Hafen wirklich sehr gute Suppe mit Brot gegessen."
    assert all(piece.tightened is None for piece in (await _read(analyzer, said)).pieces)


@pytest.mark.parametrize(
    ("caption", "shorter"),
    [
        ("[shares a picture of a photo of a goat in the snow]", "[picture: goat in snow]"),
        ("[shared photo: a goat]", "[picture: goat]"),
        ("[image of two goats]", "[picture: two goats]"),
        ("[shares a recipe]", "[shares a recipe]"),
        ("I took a picture of a goat.", "I took a picture of a goat."),
    ],
)
def test_captions(caption: str, shorter: str) -> None:
    assert apply(caption, 0, len(caption), captions(caption)) == shorter


@given(st.text(alphabet="[]ab :theshares picture of\n", max_size=80))
def test_captions_only_shorten_inside_brackets(text: str) -> None:
    for edit in captions(text):
        assert "[" in text[: edit.start + 1]
        assert 0 <= edit.start < edit.end <= len(text)
