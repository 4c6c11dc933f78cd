"""Answers stay with the questions without which they cannot be understood."""

from __future__ import annotations

import pytest

from memsvc.compression.questions import MOST_CHARACTERS, REACH, answered, open_question
from memsvc.types import Role
from support.compressing import Line, readings


def asked(*lines: Line) -> str | None:
    """The question that the last line is told with."""
    read = readings(*lines)
    question = answered(read, len(read) - 1)
    if question is None:
        return None
    content = read[question.index].turn.content
    return content[question.asked[0].start : question.asked[-1].end]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Do you smoke?", "No. I gave up in 2019."),
        ("Is the boiler safe?", "Not any more, the valve leaks."),
        ("Have you been to Malmö?", "Twice, for the film festival."),
        ("Did the parcel come?", "It did. The neighbour has it."),
        ("Who paints your sets?", "Wanda."),
        ("What was the deposit?", "450, and they kept half of it because of the scratches on the floor."),
        ("Can the twins swim?", "Both can, and they dive as well, in the river behind the mill."),
        ("Trinkst du Kaffee?", "Nein, seit der Operation nicht mehr, und ich vermisse ihn auch nicht."),
        ("你抽烟吗？", "不抽，五年前就戒了。"),
        ("Are you diabetic?", "My doctor says yes, and that I have been for years without knowing it."),
    ],
)
def test_an_answer_that_leans_on_its_question_has_it(question: str, answer: str) -> None:
    assert asked(("Leo", question), ("Kim", answer)) == question


def test_an_assistants_long_answer_has_its_question_only_behind_a_yes_or_no() -> None:
    text = "put the pots in a tray with wet gravel, away from the window and the stove. " * 12
    question = "May the ferns stand in the sun?"
    assert asked(("Leo", question), ("", f"Sure! First {text}", Role.ASSISTANT)) is None
    assert asked(("Leo", question), ("", f"No. First {text}", Role.ASSISTANT)) == question
    assert asked(("Leo", question), ("Kim", f"Sure! First {text}")) == question


@pytest.mark.parametrize(
    ("proposal", "assent"),
    [
        ("Let's meet at the mill.", "OK."),
        ("I could let you have the loom for 450.", "Deal!"),
        ("We should sell the boat.", "Sure."),
        ("Lass uns den Zug nehmen.", "Gut, ja."),
    ],
)
def test_who_agrees_agrees_to_something(proposal: str, assent: str) -> None:
    assert asked(("Leo", proposal), ("Kim", assent)) == proposal
    assert asked(("Leo", proposal), ("Leo", assent)) is None
    assert asked(("Leo", proposal), ("Eva", "OK"), ("Kim", assent)) == proposal
    assert asked(("Leo", proposal), ("Eva", "The tram is late."), ("Kim", assent)) != proposal
    assert asked(("Leo", proposal), ("Kim", "There isn't.")) is None
    assert asked(("Leo", "Who sells it?"), ("Eva", "I can't, mine is broken."), ("Kim", "Me.")) == "Who sells it?"


def test_a_statement_that_stands_alone_has_no_question() -> None:
    reply = "My uncle restored the harmonium of the chapel over three winters. It sounds like a barn door."
    assert asked(("Leo", "What does your uncle do?"), ("Kim", reply)) is None


def test_without_a_question_nothing_is_denied() -> None:
    assert asked(("Leo", "The ferry is late."), ("Kim", "No.")) is None
    assert asked(("Leo", "The ferry is late."), ("Kim", "Good.")) is None


def test_who_confirms_confirms_what_was_said() -> None:
    assert asked(("Leo", "So the dose is 20 mg."), ("Kim", "Exactly.")) == "So the dose is 20 mg."
    assert asked(("Leo", "Where is it?"), ("Kim", "In Ghent. I am there."), ("Leo", "OK")) is None
    long = "put the pots in a tray with wet gravel, away from the window and the stove. " * 12
    assert asked(("", f"First {long}", Role.ASSISTANT), ("Kim", "ok")) is None


def test_all_questions_of_a_run_are_told_with_their_answers() -> None:
    questions = "Do you smoke? Do you drink? Do you have allergies? Are you pregnant?"
    assert asked(("Leo", questions), ("Kim", "No. Yes. Nuts. No.")) == questions


def test_a_question_before_a_few_sentences_is_still_open() -> None:
    text = "Are you over 18? Everyone is asked. It is the law. I'll store the answer."
    assert asked(("Leo", text), ("Kim", "No.")) == "Are you over 18?"
    assert asked(("Kim", "Yes.")) is None


def test_nobody_answers_themselves() -> None:
    assert asked(("Kim", "Do I need a visa?"), ("Kim", "No.")) is None


def test_questions_right_before_one_another_are_asked_together() -> None:
    assert asked(("Leo", "I fly on Friday. Is it cold there? Do I need boots?"), ("Kim", "Yes.")) == (
        "Is it cold there? Do I need boots?"
    )


def test_a_bare_question_has_the_sentence_before_it() -> None:
    assert asked(("Leo", "There are two trains to Bergen. Which one?"), ("Kim", "The early one.")) == (
        "There are two trains to Bergen. Which one?"
    )


def test_what_stands_right_behind_a_question_belongs_to_it() -> None:
    assert asked(("", "Drop the table orders? [y/N]", Role.ASSISTANT), ("Kim", "y")) == "Drop the table orders? [y/N]"


def test_a_question_without_its_mark_is_one() -> None:
    assert asked(("Leo", "do you still keep bees"), ("Kim", "no, they died")) == "do you still keep bees"


def test_a_long_text_before_a_question_is_not_part_of_it() -> None:
    long = "Was it " + "really " * (MOST_CHARACTERS // 7) + "so?"
    assert asked(("Leo", f"{long} And the dog, is it yours?"), ("Kim", "Yes.")) == "And the dog, is it yours?"


def test_others_may_speak_before_the_answer() -> None:
    assert asked(("Leo", "Is the hall booked?"), ("Mia", "I wonder too."), ("Kim", "No, they are full.")) == (
        "Is the hall booked?"
    )


def test_a_question_further_back_is_not_looked_for() -> None:
    between = [("Mia", f"The choir sings song {n}.") for n in range(REACH)]
    assert asked(("Leo", "Is the hall booked?"), *between, ("Kim", "No.")) is None


def test_output_of_tools_stands_between_a_question_and_its_answer() -> None:
    tools: list[Line] = [("", f'{{"row": {n}}}', Role.TOOL) for n in range(REACH + 2)]
    assert asked(("Leo", "Is order 81 paid?"), *tools, ("", "No.", Role.ASSISTANT)) == "Is order 81 paid?"


def test_who_put_the_question_off_answers_it_later() -> None:
    assert asked(("Leo", "Do you have the keys?"), ("Kim", "One second, the door."), ("Kim", "No.")) == (
        "Do you have the keys?"
    )


def test_who_has_answered_does_not_answer_again() -> None:
    assert asked(("Leo", "Do you have the keys?"), ("Kim", "Yes, I do."), ("Kim", "The blue ones.")) is None


def test_who_has_answered_in_a_few_words_answers_what_was_said_since() -> None:
    lines: list[Line] = [
        ("Leo", "Which file is it?"),
        ("Kim", "The parser."),
        ("Leo", "Then take out the comma behind the list."),
    ]
    assert asked(*lines, ("Kim", "Works. Now the tests hang.")) is None
    put_off: list[Line] = [("Leo", "Do you have the keys?"), ("Kim", "One second."), ("Leo", "Sure.")]
    assert asked(*put_off, ("Kim", "No.")) == "Do you have the keys?"


def test_the_last_question_is_the_one_that_is_answered() -> None:
    lines: list[Line] = [("Leo", "Do you ski?"), ("Mia", "Do you skate?"), ("Kim", "No.")]
    assert asked(*lines) == "Do you skate?"


def test_who_is_asked_by_name_answers() -> None:
    here: Line = ("Mia", "I am here.")
    assert asked(here, ("Leo", "Mia, do you skate?"), ("Kim", "No.")) is None
    assert asked(here, ("Leo", "Do you skate, Mia?"), ("Kim", "No.")) is None
    assert asked(here, ("Leo", "Mia, do you skate?"), ("Kim", "No."), ("Mia", "Yes.")) == "Mia, do you skate?"
    assert asked(("Leo", "Kim, do you skate?"), ("Kim", "No.")) == "Kim, do you skate?"


def test_a_name_in_a_sentence_of_its_own_is_whom_the_turn_asks() -> None:
    here: Line = ("Mia", "I am here.")
    assert asked(here, ("Leo", "Mia! Do you skate?"), ("Kim", "No.")) is None
    assert asked(here, ("Leo", "And you, Mia?"), ("Kim", "No.")) is None
    assert asked(here, ("Leo", "Mia, Kim, do you skate?"), ("Kim", "No.")) == "Mia, Kim, do you skate?"


def test_each_answers_the_question_of_a_turn_that_is_asked_of_them() -> None:
    lines: list[Line] = [("Mia", "I am here."), ("Leo", "Kim, do you ski? Mia, do you skate?")]
    assert asked(*lines, ("Kim", "No.")) == "Kim, do you ski?"


def test_who_is_asked_about_may_answer() -> None:
    lines: list[Line] = [("Mia", "I am here."), ("Leo", "Mia, does Kim skate?")]
    assert asked(*lines, ("Kim", "No.")) == "Mia, does Kim skate?"


def test_a_name_that_is_asked_for_or_told_of_calls_nobody() -> None:
    here: Line = ("Mia", "I am here.")
    assert asked(here, ("Leo", "Who skates?"), ("Kim", "Mia, of course.")) == "Who skates?"
    assert asked(here, ("Leo", "Did you see Mia?"), ("Kim", "No.")) == "Did you see Mia?"
    assert asked(here, ("Leo", "Where were you?"), ("Kim", "Out with Mia.")) == "Where were you?"


def test_who_is_called_and_has_not_spoken_has_asked_nothing() -> None:
    assert asked(("Leo", "Do you ski?"), ("Kim", "@Mia no, the blue one")) is None


@pytest.mark.parametrize(
    "answer", ["@Leo no", "Leo, no.", "hey Leo, no", "no @Leo", "No Leo!", "No, Leo.", "At noon, Leo."]
)
def test_who_answers_by_name_answers_the_one_who_asked(answer: str) -> None:
    assert asked(("Leo", "Do you ski?"), ("Mia", "Do you skate?"), ("Kim", answer)) == "Do you ski?"


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.TOOL])
def test_tools_and_instructions_answer_nothing(role: Role) -> None:
    assert asked(("Leo", "Is it on?"), ("", "Yes.", role)) is None


def test_instructions_ask_nothing() -> None:
    read = readings(("", "Is the user polite?", Role.SYSTEM), ("Kim", "No."))
    assert open_question(read, 1) is None
