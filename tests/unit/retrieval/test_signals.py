from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from memsvc.retrieval.question import Asked, read_question
from memsvc.retrieval.signals import SIGNALS, ends_in_question, is_named, names_matched, own_signals
from memsvc.types import Interval, Memory, Symbolic, SymbolicQuery
from support.retrieval import make_memory

MAY_8 = datetime(2023, 5, 8, 12, tzinfo=UTC)
MAY = Interval(datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC))


def signals(memory: Memory, text: str, interval: Interval | None = None) -> dict[str, float]:
    question = read_question(text)
    return own_signals(memory, question, SymbolicQuery(people=question.names.people, interval=interval))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("When did Ann move?", Asked.TIME),
        ("What year did she move in?", Asked.TIME),
        ("Where does Ann live?", Asked.PLACE),
        ("Who helped her?", Asked.PERSON),
        ("How many cats are there?", Asked.NUMBER),
        ("¿Cuándo se mudó Ann?", Asked.TIME),
        ("Wo wohnt Ann?", Asked.PLACE),
        ("安什么时候搬家的？", Asked.TIME),
        ("アンはどこに住んでいますか？", Asked.PLACE),
        ("كم قطة عند آن؟", Asked.NUMBER),
    ],
)
def test_what_a_question_asks_for(text: str, asked: Asked) -> None:
    assert read_question(text).asks == {asked}


def test_a_question_for_anything_else_asks_for_nothing_special() -> None:
    assert not read_question("What does Ann like?").asks


def test_terms_leave_out_the_people_named_unless_nothing_else_is_left() -> None:
    assert read_question("does Ann run?").terms == {"run"}
    assert read_question("and Ann?").terms == {"ann"}


@pytest.mark.parametrize(
    ("signal", "question", "memory"),
    [
        ("states_time", "When did she move?", make_memory("Ann moved in 2023.")),
        ("states_time", "When did she move?", make_memory("Ann moved.", valid_from=MAY_8)),
        ("states_place", "Where is she?", make_memory("Ann is in Rome.", symbolic=Symbolic(place="Rome"))),
        ("states_person", "Who came?", make_memory("Bo came.", symbolic=Symbolic(people=("Bo",), speaker="Ann"))),
        ("states_number", "How many cats?", make_memory("Ann has two cats.")),
    ],
)
def test_a_memory_that_states_what_is_asked_for(signal: str, question: str, memory: Memory) -> None:
    assert signals(memory, question)[signal] == 1.0
    assert signals(memory, "What is it?")[signal] == 0.0
    assert signals(make_memory("It is nice."), question)[signal] == 0.0


def test_every_signal_has_its_name_and_stays_in_range() -> None:
    memory = make_memory("Ann has 3 cats?" * 99, token_count=9999, salience=1.0, symbolic=Symbolic(people=("Ann",)))
    values = signals(memory, "How many cats does Ann have?", MAY)
    assert set(values) < set(SIGNALS)
    assert all(0.0 <= value <= 1.0 for value in values.values())


def test_the_speaker_is_known_by_the_full_name_and_the_first() -> None:
    question = read_question("what does Ann like?")
    assert is_named("Ann", question)
    assert is_named("ann lee", question)
    assert not is_named("Anna", question)
    assert not is_named("Will", read_question("what will it cost?"))
    assert not is_named("Bo", read_question("where is the boat?"))
    assert not is_named("", question)


@pytest.mark.parametrize(
    ("speaker", "text"),
    [("マルタ", "マルタは何の仕事をしていますか？"), ("مارتا", "ماذا تعمل مارتا؟"), ("Ann Lee", "¿Ann corre?")],
)
def test_a_speaker_is_named_in_any_script(speaker: str, text: str) -> None:
    assert is_named(speaker, read_question(text))


def test_names_matched_is_the_share_of_the_questions_names() -> None:
    memory = make_memory("Ann flew to Rome.", symbolic=Symbolic(people=("Ann",), entities=("Rome",)))
    assert names_matched(memory, SymbolicQuery(people=("ANN",), entities=("rome",))) == 1.0
    assert names_matched(memory, SymbolicQuery(people=("Ann", "Bo"))) == 0.5
    assert names_matched(memory, SymbolicQuery()) == 0.0


def test_a_time_matches_the_event_or_a_closed_validity() -> None:
    june = datetime(2023, 6, 20, tzinfo=UTC)
    closed = make_memory("Ann is away.", day=june, valid_from=june - timedelta(days=30), valid_to=june)
    open_ended = make_memory("Ann is away.", day=june, valid_from=june - timedelta(days=30))
    assert signals(make_memory("Ann ran.", day=MAY_8), "", MAY)["time"] == 1.0
    assert signals(closed, "", MAY)["time"] == 1.0
    assert signals(open_ended, "", MAY)["time"] == 0.0
    assert signals(make_memory("Ann ran.", day=MAY.end), "", MAY)["time"] == 0.0


def test_a_quoted_question_is_a_question_too() -> None:
    assert ends_in_question('Ann asked: "Did it rain?"')
    assert ends_in_question("雨が降りましたか？")
    assert not ends_in_question("Did it rain? It did.")
