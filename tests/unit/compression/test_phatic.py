"""What says nothing and may be left out, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.phatic import nothing_said, reacts
from memsvc.compression.phatic_words import ASSENTS, CONNECTING, GREETINGS, JUDGING, THANKS
from memsvc.compression.reasons import Reason

PRESENT = frozenset({"ben", "okafor"})


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Morning, Ben!", Reason.GREETING),
        ("Bonjour!", Reason.GREETING),
        ("See you later, Okafor.", Reason.THANKS),
        ("Thank you so much, really.", Reason.THANKS),
        ("Спасибо!", Reason.THANKS),
        ("ありがとう", Reason.THANKS),
        ("Have a lovely weekend!", Reason.THANKS),
        ("Ok, sounds good.", Reason.ACKNOWLEDGEMENT),
        ("Lol ok", Reason.ACKNOWLEDGEMENT),
        ("Haha, brilliant!", Reason.REACTION),
        ("So cute!", Reason.REACTION),
        ("👍", Reason.REACTION),
        ("!!!", Reason.REACTION),
        ("What about you?", Reason.EMPTY_QUESTION),
        ("And then?", Reason.EMPTY_QUESTION),
    ],
)
def test_greetings_thanks_and_reactions_say_nothing(sentence: str, reason: Reason) -> None:
    assert nothing_said(sentence, names=PRESENT, answering=False) is reason


# By what must not be left out, whatever window it stands in.
NEVER = {
    "negation": ["Not yet.", "Never again.", "Nobody came.", "Sorry, no.", "Nothing much.", "That's not it!", "Nein."],
    "first person": ["I quit.", "We won!", "I love it!", "Mine is red.", "It hurts me.", "Thanks, I sold it."],
    "others": ["She did it.", "They agreed.", "Great, he said yes!", "Ok, call him."],
    "correction": ["Actually, blue.", "Scratch that.", "Just kidding.", "Not me.", "I mean Tuesday."],
    "number": ["Ok, 4 then.", "Great, 12!", "Sure, at 9."],
    "name": ["Thanks, Priya!", "Great, Oslo it is.", "Wow, Ben, Kestrel!", "Good old Lidl."],
    "code": ["ok -> done", "See `x`", "great/fine", "Thanks @ops"],
    "question": ["Why not?", "Is he ok?", "Where is the key?", "How was the exam?"],
}


@pytest.mark.parametrize("sentence", [sentence for each in NEVER.values() for sentence in each])
@pytest.mark.parametrize("answering", [True, False])
def test_what_says_something_is_never_left_out(sentence: str, answering: bool) -> None:
    assert nothing_said(sentence, names=PRESENT, answering=answering) is None
    assert not reacts(sentence, names=PRESENT) or sentence in NEVER["number"]


@pytest.mark.parametrize(
    "answer",
    [
        "Yes!",
        "Sure.",
        "Sure, thanks!",
        "Well, thanks.",
        "Morning, thanks!",
        "Okay.",
        "Right.",
        "Later.",
        "Morning.",
        "Good.",
        "はい",
        "👍",
        "Fine.",
    ],
)
def test_an_answer_is_kept_that_would_be_left_out_elsewhere(answer: str) -> None:
    assert nothing_said(answer, names=PRESENT, answering=False) is not None
    assert nothing_said(answer, names=PRESENT, answering=True) is None


@pytest.mark.parametrize(
    "sentence",
    [
        *("Sure, at noon.", "Great, bring it over then.", "Oh good, keep it.", "Fine, take it.", "Ok at noon then."),
        *("So sorry it is cancelled.", "Oh good it's fixed now.", "Great that it works now."),
        "So happy it's really over.",
    ],
)
def test_what_asks_for_something_does_not_only_react(sentence: str) -> None:
    assert not reacts(sentence, names=PRESENT)


@pytest.mark.parametrize(
    "sentence", ["Congrats on the twins!", "So sorry for the divorce.", "Good luck with the appeal!"]
)
def test_what_is_wished_for_has_happened_or_will(sentence: str) -> None:
    assert not reacts(sentence, names=PRESENT)


@pytest.mark.parametrize("sentence", ["Hi Ben!", "Thanks!", "Hello there.", "Danke!"])
def test_greetings_and_thanks_answer_nothing(sentence: str) -> None:
    assert nothing_said(sentence, names=PRESENT, answering=True) is not None


@pytest.mark.parametrize("sentence", ["Enjoy your retirement!", "Enjoy the divorce!", "Have a chemo week."])
def test_what_a_wish_tells_is_kept(sentence: str) -> None:
    assert nothing_said(sentence, names=PRESENT, answering=False) is None


def test_a_negation_that_is_a_name_denies() -> None:
    assert nothing_said("Not good.", names=frozenset({"not", "a", "bot"}), answering=False) is None


def test_a_name_of_somebody_absent_is_something_to_say() -> None:
    assert nothing_said("Hello Ben!", names=PRESENT, answering=False) is Reason.GREETING
    assert nothing_said("Hello Imogen!", names=PRESENT, answering=False) is None


@pytest.mark.parametrize(
    "sentence", ["That's great news for the team.", "Wow, what a lovely view!", "Great stuff then."]
)
def test_mostly_reaction(sentence: str) -> None:
    assert reacts(sentence, names=PRESENT)


_PHATIC = sorted(word for word in GREETINGS | THANKS | ASSENTS | JUDGING | CONNECTING if word.isascii())
_TELLING = ["not", "never", "I", "she", "sold", "Tallinn", "17", "wasn't", "don't", "we", "mortgage"]


@given(st.lists(st.sampled_from(_PHATIC), max_size=6), st.sampled_from(_TELLING), st.integers(0, 6), st.booleans())
def test_one_word_that_tells_something_keeps_a_sentence(
    words: list[str], telling: str, place: int, answering: bool
) -> None:
    sentence = " ".join(["ok", *words[:place], telling, *words[place:]])
    assert nothing_said(sentence, names=PRESENT, answering=answering) is None


@given(st.text(max_size=60), st.booleans())
def test_any_text_gets_a_judgement(text: str, answering: bool) -> None:
    reason = nothing_said(text, names=PRESENT, answering=answering)
    assert reason is None or not any(character.isdigit() for character in text)
    assert reacts(text, names=PRESENT) in (True, False)
