"""Sentences of an analysis, and edits of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.sentences import Edit, apply, split
from memsvc.models.analyzer import SpacyAnalyzer


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("I ski. I skate.", ["I ski.", "I skate."]),
        ("First line\nsecond line", ["First line", "second line"]),
        ("  Spaces around.  ", ["Spaces around."]),
        ("Wow! Look at that!", ["Wow!", "Look at that!"]),
        ("My son's ok and that was a relief.", ["My son's ok and that was a relief."]),
        ("", []),
        (" \n ", []),
    ],
)
async def test_split(analyzer: SpacyAnalyzer, content: str, expected: list[str]) -> None:
    (analysis,) = await analyzer.analyze([content])
    assert [sentence.text for sentence in split(analysis)] == expected


@pytest.mark.parametrize(
    ("content", "question"), [("Where is it?", True), ('"Where?"', True), ("Here (or there?)", True), ("Here.", False)]
)
async def test_is_question(analyzer: SpacyAnalyzer, content: str, question: bool) -> None:
    (analysis,) = await analyzer.analyze([content])
    assert split(analysis)[-1].is_question is question


async def test_tokens_of_a_trimmed_sentence_leave_out_what_was_trimmed(analyzer: SpacyAnalyzer) -> None:
    (analysis,) = await analyzer.analyze(["Well, I ski."])
    (sentence,) = split(analysis)
    trimmed = type(sentence)(analysis, sentence.first, sentence.last, 6, sentence.end)
    assert [token.text for token in trimmed.tokens] == ["I", "ski", "."]
    assert trimmed.edited([Edit(0, 4, "never"), Edit(6, 7, "Ben")]) == "Ben ski."


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], "one two"),
        ([Edit(0, 3, "1")], "1 two"),
        ([Edit(4, 7, "2"), Edit(0, 3, "1")], "1 2"),
        ([Edit(0, 5, "x"), Edit(4, 7, "y")], "xwo"),
        ([Edit(0, 3, "a"), Edit(0, 7, "longer")], "longer"),
        ([Edit(5, 20, "beyond")], "one two"),
    ],
)
def test_apply(edits: list[Edit], expected: str) -> None:
    assert apply("one two three", 0, 7, edits) == expected


@given(st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5))
def test_edits_that_delete_leave_only_characters_of_the_text(content: str, spans: list[tuple[int, int]]) -> None:
    edited = apply(content, 0, len(content), [Edit(min(s), max(s), "") for s in spans])
    characters = iter(content)
    assert all(character in characters for character in edited)
