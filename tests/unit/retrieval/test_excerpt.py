"""Excerpts: a run of a long memory's sentences, with its label, and with what must not be parted from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.composing import compose
from memsvc.compression.reading import Reading
from memsvc.models.tokens import Cl100kCounter
from memsvc.retrieval.excerpt import EXCERPT_TOKENS, LONG_TOKENS, Excerpts
from memsvc.retrieval.question import read_question
from memsvc.types import Memory
from support.compressing import readings
from support.retrieval import make_memory

TOKENS = Cl100kCounter()
OTHERS = [make_memory("Ann left."), make_memory("Bo cooked soup."), make_memory("Cleo wrote a letter to Ann.")]

GARDEN = (
    "The garden behind the workshop has been a ruin for years and nobody ever had the time for it.",
    "We cleared the brambles in March with borrowed tools and filled three containers with them.",
    "Under them we found an old well with a cast iron lid that weighs as much as a piano.",
    "The surveyor measured it and it is eleven metres deep with clean water at the bottom.",
    "My neighbour keeps telling everyone that the monks dug it, which nobody can prove.",
    "Now the children want a pond, and the cat wants whatever will live in the pond.",
)


def memory_of(reading: Reading, asker: Reading | None = None) -> Memory:
    """A memory that tells all of a turn, after the question that it answers."""
    question = (asker.turn, asker.pieces, asker.times) if asker else None
    composed = compose(reading.turn, reading.pieces, reading.times, question=question)
    return make_memory(composed.text, spans=composed.spans, additions=composed.additions)


def said(text: str, speaker: str = "Ann Lee") -> Memory:
    return memory_of(*readings((speaker, text)))


def excerpt(asked: str, memory: Memory) -> str:
    return Excerpts(read_question(asked), [memory, *OTHERS], TOKENS).of(memory).text


def test_the_sentences_around_the_one_with_the_words_of_the_question_are_told() -> None:
    told = excerpt("How deep is the well that the surveyor measured?", said(" ".join(GARDEN)))
    assert told.startswith("Ann Lee: … ")
    assert told.endswith(" …")
    run = told.removeprefix("Ann Lee: … ").removesuffix(" …")
    assert GARDEN[3] in run
    assert run in " ".join(GARDEN)
    assert TOKENS.count(run) <= EXCERPT_TOKENS


def test_an_excerpt_from_an_end_has_one_ellipsis() -> None:
    memory = said(" ".join(GARDEN))
    assert excerpt("Since when is the garden behind the workshop a ruin?", memory).startswith(f"Ann Lee: {GARDEN[0]}")
    assert excerpt("Do the children want a pond for the cat?", memory).endswith(GARDEN[-1])


def test_a_number_is_preferred_where_a_number_is_asked_for() -> None:
    filler = "Nobody at the club talks of anything else these days, and I do not blame them for it at all."
    text = f"I run races often with the club. {filler} {filler} I ran 12 races in spring with the club."
    assert "I ran 12 races" in excerpt("How many races does the club run?", said(text))


def test_a_question_tells_less_than_a_statement() -> None:
    filler = "The rest of the street is made of brick and of people who like brick and talk about it all day long."
    text = f"Do you like the garden of the museum? {filler} {filler} I like the garden of the museum."
    assert "I like the garden" in excerpt("Who likes the garden of the museum?", said(text))


def test_a_short_memory_is_told_whole() -> None:
    memory = said("It was loud. The concert by the lake was worth it.")
    assert Excerpts(read_question("Was it worth it?"), [memory], TOKENS).of(memory) is memory


def test_a_correction_stays_with_what_it_corrects() -> None:
    told = "The dentist is on the fourteenth at the practice by the harbour, behind the old customs house."
    for correction in (
        "No wait, the fifteenth.",
        "Scratch that, the fifteenth.",
        "Actually it moved to the fifteenth.",
    ):
        text = " ".join([*GARDEN[:3], told, correction, *GARDEN[4:]])
        assert f"{told} {correction}" in excerpt("When is the dentist at the practice by the harbour?", said(text))


def test_what_is_corrected_stays_before_its_correction() -> None:
    text = " ".join([*GARDEN[:3], "We take the ferry.", "No, the night train to Trondheim.", *GARDEN[4:]])
    assert "We take the ferry. No, the night train" in excerpt("Who takes the night train to Trondheim?", said(text))


def test_what_leads_in_to_a_quotation_stays_before_it() -> None:
    text = " ".join([*GARDEN[:3], "My landlord wrote to all of us:", '"The boiler will be replaced."', *GARDEN[3:]])
    told = excerpt("Will the boiler be replaced?", said(text))
    assert 'My landlord wrote to all of us: "The boiler will be replaced."' in told


def test_the_question_that_a_long_answer_answers_stays_with_it() -> None:
    asker, reply = readings(("Leo", "Is the well safe for the children?"), ("Kim", " ".join(("No.", *GARDEN))))
    told = excerpt("What does the cat want in the pond?", memory_of(reply, asker))
    assert told.startswith("Leo: Is the well safe for the children?\nKim: … ")
    assert told.endswith(GARDEN[-1])


def test_the_heading_of_a_long_piece_stays_over_it() -> None:
    (reading,) = readings(("Ann Lee", "# The well\n\n" + " ".join(GARDEN)))
    composed = compose(reading.turn, reading.pieces[1:], reading.times)
    memory = make_memory(composed.text, spans=composed.spans, additions=composed.additions)
    assert excerpt("What does the cat want in the pond?", memory).startswith("Ann Lee: # The well\n… ")


SENTENCE = st.text(st.sampled_from("aB .!?:\n。é漢"), min_size=1, max_size=40).filter(str.strip)


@given(st.lists(st.one_of(SENTENCE, st.sampled_from(GARDEN)), min_size=1, max_size=9), st.text(max_size=20))
def test_an_excerpt_is_a_run_of_its_memory(parts: list[str], asked: str) -> None:
    text = " ".join(parts)
    memory = make_memory(text)
    told = Excerpts(read_question(asked), [memory, *OTHERS], TOKENS).of(memory).text
    assert told == text or told.removeprefix("… ").removesuffix(" …") in text
    assert told == text or TOKENS.count(text) > LONG_TOKENS
