from __future__ import annotations

import pytest

from memsvc.retrieval.names import question_names, without_people
from memsvc.types import Analysis, EntitySpan, Token
from support.retrieval import plain_analysis


def tagged(text: str, tags: str, *entities: tuple[str, str]) -> Analysis:
    """An analysis with one `pos` per word of `text`."""
    tokens, position = [], 0
    for i, (word, pos) in enumerate(zip(text.split(), tags.split(), strict=True)):
        position = text.index(word, position)
        tokens.append(Token(word, word, pos, "", "", i, position, position + len(word)))
    spans = (EntitySpan(name, label, text.index(name), text.index(name) + len(name)) for name, label in entities)
    return Analysis(text, "en", tuple(tokens), ((0, len(tokens)),), tuple(spans))


def test_people_and_entities_are_told_apart_and_dates_are_neither() -> None:
    analysis = tagged(
        "Did Ann 's team visit Rome in May ?",
        "AUX PROPN PART NOUN VERB PROPN ADP PROPN PUNCT",
        ("Ann 's", "PERSON"),
        ("Rome", "GPE"),
        ("May", "DATE"),
    )
    names = question_names(analysis)
    assert (names.people, names.entities, names.all) == (("Ann",), ("Rome",), ("Ann", "Rome"))


def test_a_proper_noun_without_a_type_may_be_either() -> None:
    names = question_names(tagged("Where is Melanie ?", "SCONJ AUX PROPN PUNCT"))
    assert (names.people, names.entities, names.all) == (("Melanie",), ("Melanie",), ("Melanie",))


def test_without_tags_capitals_inside_a_sentence_count() -> None:
    names = question_names(plain_analysis("Was macht Jürgen in Köln?", "de"))
    assert names.all == ("Jürgen", "Köln")


def test_a_name_said_twice_counts_once() -> None:
    assert question_names(plain_analysis("did Ann or ANN call?")).all == ("Ann",)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("what did Ann buy for Bo?", "what did buy for ?"),
        ("what is Ann's job?", "what is job?"),
        ("Ann?", "Ann?"),
    ],
)
def test_people_leave_the_dense_text(text: str, left: str) -> None:
    assert without_people(text, question_names(plain_analysis(text))) == left
