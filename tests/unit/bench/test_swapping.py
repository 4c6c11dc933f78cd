from __future__ import annotations

from datetime import UTC, datetime

from memsvc.bench.conversations import Conversation, Message, Question
from memsvc.bench.swapping import asked_of_others

TIME = datetime(2026, 5, 7, tzinfo=UTC)


def talk(*questions: Question, speakers: tuple[str, ...] = ("Ann Lee", "Bo")) -> Conversation:
    turns = [Message(f"t{i}", "user", speaker, "Hi.", TIME) for i, speaker in enumerate(speakers)]
    return Conversation(id="c", language="en", sessions={"s": turns}, questions=list(questions))


def asked(text: str, *, answerable: bool = True) -> Question:
    return Question(text, ("t0",), "single", answer="a lute", answerable=answerable)


def test_a_question_about_one_speaker_is_asked_about_the_next() -> None:
    (swapped,) = asked_of_others(talk(asked("What does Ann play, and where is Ann Lee's lute?")))
    assert swapped.text == "What does Bo play, and where is Bo's lute?"
    assert (swapped.answerable, swapped.answer, swapped.evidence) == (False, "", ())
    (back,) = asked_of_others(talk(asked("What does Bo play?")))
    assert back.text == "What does Ann play?"


def test_what_names_nobody_or_both_or_has_no_answer_is_not_asked_again() -> None:
    questions = (asked("Who plays?"), asked("What do Ann and Bo play?"), asked("What has Bo?", answerable=False))
    assert list(asked_of_others(talk(*questions))) == []
    assert list(asked_of_others(talk(asked("What does Bo play?"), speakers=("Bo",)))) == []
