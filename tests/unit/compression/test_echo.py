"""What only repeats what was told before adds no memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.echo import echoes, told_before
from memsvc.types import Role
from support.compressing import readings

TOLD = (
    "Ines: I keep two donkeys behind the sawmill.",
    "Ines: My sister restores harpsichords in Antwerp.",
    "Ines: The loan from Triodos costs 4.2 percent.",
    "Ines: I am not allergic to walnuts or pecans.",
    "Ines: 我在苏州教钢琴,每周四晚上没空。",
    "Leo: Do you still play the bassoon in the fire brigade band?",
)


def repeated(content: str, role: Role = Role.ASSISTANT) -> list[str]:
    (reading,) = readings(("" if role is Role.ASSISTANT else "Ines", content, role))
    found = echoes(reading, told_before(TOLD))
    return [reading.text(piece) for piece in reading.pieces if piece in found]


@pytest.mark.parametrize(
    "content",
    [
        "You keep two donkeys behind the sawmill.",
        "As you mentioned earlier, you keep two donkeys behind the sawmill.",
        "I remember that your sister restores harpsichords in Antwerp!",
        "The loan from Triodos costs 4.2 percent, as far as I recall.",
        "You are not allergic to walnuts or pecans.",
        "你告诉过我:我在苏州教钢琴,每周四晚上没空。",
    ],
)
def test_an_assistant_that_says_again_what_was_told_is_an_echo(content: str) -> None:
    assert repeated(content) == [content]


@pytest.mark.parametrize(
    "content",
    [
        "The loan from Triodos costs 5.1 percent.",
        "You are allergic to walnuts or pecans.",
        "You don't keep two donkeys behind the sawmill.",
        "Do you keep two donkeys behind the sawmill?",
        "Two donkeys and a mule live in a stable near Ghent.",
        "Your sister restores pianos in Leipzig.",
        "Your sister restores harpsichords in Ghent.",
        "Cancelled: your sister restores harpsichords in Antwerp.",
        "You keep two donkeys and a mule behind the sawmill.",
        "Two donkeys.",
        "You still play the bassoon in the fire brigade band.",
    ],
    ids=[
        "number",
        "denies",
        "denied",
        "question",
        "else",
        "changed",
        "one word",
        "before",
        "more",
        "short",
        "asked before",
    ],
)
def test_what_says_something_else_is_none(content: str) -> None:
    assert repeated(content) == []


def test_only_the_sentences_that_repeat_are_echoes() -> None:
    assert repeated("You keep two donkeys behind the sawmill. Donkeys eat thistles and bramble leaves.") == [
        "You keep two donkeys behind the sawmill."
    ]


def test_who_says_something_again_themselves_means_it() -> None:
    assert repeated("I keep two donkeys behind the sawmill.", Role.USER) == []


@pytest.mark.parametrize(
    "content",
    [
        "From your memory: I keep two donkeys behind the sawmill.",
        "You told me this:\n- Ines: I keep two donkeys behind the sawmill.",
        "The assistant remembered that I keep two donkeys behind the sawmill.",
    ],
)
def test_what_memory_told_and_a_user_pastes_back_is_an_echo(content: str) -> None:
    assert any("donkeys" in piece for piece in repeated(content, Role.USER))


def test_of_very_many_sentences_alike_the_latest_are_known() -> None:
    told = told_before(f"Green apples grow on terrace {n}." for n in range(500))
    assert told.repeats("Green apples grow on terrace 499.")
    assert not told.repeats("Green apples grow on terrace 777.")


@given(st.permutations(["donkey", "sawmill", "harpsichord", "sister", "Antwerp", "loan"]))
def test_the_same_words_are_the_same_whatever_stands_before_them(words: list[str]) -> None:
    sentence = " ".join(words)
    told = told_before([sentence])
    assert told.repeats(f"As you said, {sentence}.")
    assert not told.repeats(f"As you said, {sentence} 9.")
    assert not told.repeats(f"It is not so that {sentence}.")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("Take the pills before breakfast with water.", "Take the pills after breakfast with water."),
        ("If the loan is approved I buy the yellow barge.", "The loan is approved, you buy the yellow barge."),
        ("Only Rita may enter the cold store.", "Rita may enter the cold store."),
        ("I used to take lithium every evening.", "You take lithium every evening."),
        ("Has the parcel arrived at the depot", "The parcel has arrived at the depot."),
        ("Lee was fired by Kim at the bakery.", "Lee fired Kim at the bakery."),
        ("Move the savings from Kim to Lee.", "Move the savings to Kim from Lee."),
    ],
)
def test_a_claim_that_differs_in_small_words_or_their_order_is_no_echo(told: str, said: str) -> None:
    (reading,) = readings(("", said, Role.ASSISTANT))
    assert not echoes(reading, told_before([f"Ines: {told}"]))


def test_what_a_user_takes_up_of_advice_is_their_own() -> None:
    told = told_before(["Assistant: You should take magnesium citrate every evening."])
    (reading,) = readings(("Ines", "You have convinced me. I take magnesium citrate every evening."))
    assert not echoes(reading, told)
