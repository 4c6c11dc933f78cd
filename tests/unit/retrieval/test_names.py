from __future__ import annotations

import pytest

from memsvc.language.names import find_names
from memsvc.retrieval.names import Names, question_names, without_people


def named(text: str, language: str = "en") -> Names:
    return question_names(find_names(text, language))


def test_people_and_entities_are_told_apart_and_dates_are_neither() -> None:
    names = named("Did Ann's team visit Rome in May?")
    assert (names.people, names.entities, names.all) == (("Ann",), ("Rome",), ("Ann", "Rome"))


def test_a_name_of_unknown_kind_may_be_either() -> None:
    names = named("When did I buy the Zorbix?")
    assert (names.people, names.entities, names.all) == (("Zorbix",), ("Zorbix",), ("Zorbix",))


def test_names_are_found_in_other_languages() -> None:
    assert named("Was macht Jürgen in Köln?", "de").all == ("Jürgen", "Köln")


def test_a_name_said_twice_counts_once() -> None:
    assert named("did Ann or ANN call?").all == ("Ann",)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("what did Ann buy for Bo?", "what did buy for ?"),
        ("what is Ann's job?", "what is job?"),
        ("Ann?", "Ann?"),
    ],
)
def test_people_leave_the_dense_text(text: str, left: str) -> None:
    assert without_people(text, named(text)) == left
