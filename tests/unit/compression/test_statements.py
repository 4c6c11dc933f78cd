"""How pieces become the text of a unit."""

from __future__ import annotations

import pytest

from memsvc.compression.frames import Voices
from memsvc.compression.questions import Exchange
from memsvc.compression.statements import state, state_exchange
from memsvc.compression.utterances import Piece

VOICES = Voices("Ben", "Ana")


def told(text: str) -> Piece:
    return Piece(0, len(text), text, text)


def unsure(text: str, *, question: bool = False) -> Piece:
    return Piece(0, len(text), text, None, is_question=question)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([told("Ben skis.")], "Ben skis."),
        ([told("It snows.")], "Ben: It snows."),
        ([told("It snows."), told("Ben skis.")], "Ben: It snows. Ben skis."),
        ([told("The hut is full."), told("Ben skis.")], "The hut is full. Ben skis."),
        ([told("Ana's hut is full.")], "Ben: Ana's hut is full."),
        ([told("The banana benefit is on.")], "Ben: The banana benefit is on."),
        ([unsure("I ski.")], 'Ben said: "I ski."'),
        ([unsure("I ski."), unsure("We rest.")], 'Ben said: "I ski. We rest."'),
        ([unsure("Do you ski?", question=True)], 'Ben asked Ana: "Do you ski?"'),
        ([unsure("Is it cold?", question=True)], 'Ben asked: "Is it cold?"'),
        ([unsure("I ski."), unsure("Do you?", question=True)], 'Ben told Ana: "I ski. Do you?"'),
        ([unsure('We say "hi".')], "Ben said: \"We say 'hi'.\""),
        ([told("But Ben skis.")], "Ben skis."),
        ([told("Ben skis."), told("and Ben rests.")], "Ben skis. Ben rests."),
        ([told("Ben skis."), told("And Ben rests.")], "Ben skis. And Ben rests."),
        ([told("Ben packs:"), told("- skis"), told("- boots")], "Ben packs:\n- skis\n- boots"),
    ],
)
def test_state(pieces: list[Piece], expected: str) -> None:
    assert state(pieces, VOICES) == expected


def test_an_unknown_addressee_is_not_named() -> None:
    assert state([unsure("Do you ski?", question=True)], Voices("Ben")) == 'Ben asked: "Do you ski?"'


def test_roles_are_written_small_within_a_sentence() -> None:
    pieces = [unsure("Do you ski?", question=True)]
    assert state(pieces, Voices("The user", "The assistant")) == 'The user asked the assistant: "Do you ski?"'


def test_state_exchange() -> None:
    assert state_exchange(Exchange("Where?", "Here."), "Ana", "Ben") == 'Ana: "Where?" Ben: "Here."'
