from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.splitting import sentences
from memsvc.retrieval.excerpt import Excerpts
from memsvc.retrieval.names import Names
from memsvc.retrieval.question import Asked, Question


def question(text: str, *asks: Asked) -> Question:
    return Question(text=text, language="en", names=Names((), (), ()), asks=frozenset(asks), terms=frozenset())


def excerpt(asked: Question, text: str) -> str:
    others = ["Ann left.", "Bo cooked soup.", "Cleo wrote a letter to Ann."]
    return Excerpts(asked, [text, *others]).of(text)


def test_the_sentence_with_the_words_of_the_question_is_told() -> None:
    text = "Ann has been busy. Ann adopted a greyhound named Pip. It rained all day."
    assert excerpt(question("Which greyhound did Ann adopt?"), text) == "Ann adopted a greyhound named Pip."


def test_a_number_is_preferred_where_a_number_is_asked_for() -> None:
    text = "Ann runs races often. Ann ran 12 races in spring."
    assert excerpt(question("How many races?", Asked.NUMBER), text) == "Ann ran 12 races in spring."


def test_a_question_tells_less_than_a_statement() -> None:
    text = 'Ann asked: "Does Bo like the garden?" Bo likes the garden.'
    assert excerpt(question("Does Bo like the garden?"), text) == "Bo likes the garden."


def test_a_later_sentence_keeps_the_name_of_its_speaker() -> None:
    text = "Ann Lee: It was loud. The concert by the lake was worth it."
    assert excerpt(question("Was the concert worth it?"), text) == "Ann Lee: The concert by the lake was worth it."


def test_one_sentence_stays_as_it_is() -> None:
    assert excerpt(question("Who left?"), "Ann left.") == "Ann left."


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert sentences("Dr. Lee met J. Doe at 5 p.m. on Monday. They talked!") == (
        "Dr. Lee met J. Doe at 5 p.m. on Monday.",
        "They talked!",
    )
    assert sentences("他来了。他走了！") == ("他来了。", "他走了！")
    assert sentences('Bo said: "Stop. Look." Ann left.') == ('Bo said: "Stop. Look."', "Ann left.")


@given(st.text(st.sampled_from('aB .!?\n"“”[]。é漢'), max_size=60))
def test_splitting_keeps_every_character_but_blanks(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@given(st.text(st.sampled_from('aB .!?:\n"。'), min_size=1, max_size=60).filter(str.strip), st.text(max_size=20))
def test_an_excerpt_is_never_longer_than_its_text_and_its_label(text: str, asked: str) -> None:
    told = excerpt(question(asked), text)
    assert told == text or len(told) <= len(text)
