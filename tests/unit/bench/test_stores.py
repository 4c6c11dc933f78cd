"""Ways to keep less, the measures of a store, and whose answers serve as chance."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.bench.conversations import Conversation, Message, Question
from memsvc.bench.keeping import sentences, ways
from memsvc.bench.nulls import null_answers, null_key
from memsvc.bench.outcomes import Context, Outcome, gold, score
from memsvc.bench.stores import Store, measure
from memsvc.bench.units import turn_units
from memsvc.models.tokens import Cl100kCounter

TOKENS = Cl100kCounter()
BEGIN = datetime(2024, 3, 1, 9, tzinfo=UTC)
SAID = [
    "Hello hello. How are you?",
    "Hello! I am well. Otters nest under the jetty.",
    "How are you? You are well, I hope.",
    "Marguerite restores barometers.",
]


def talk(name: str, questions: list[Question]) -> Conversation:
    turns = [Message(f"t{i}", "user", "", text, BEGIN + timedelta(hours=i)) for i, text in enumerate(SAID)]
    return Conversation(name, {"s": turns}, questions)


UNITS = turn_units(talk("c", []))
WAYS = ways("en", TOKENS, seed=1)


@settings(max_examples=40)
@given(st.sampled_from(sorted(WAYS)), st.floats(0, 1))
def test_what_is_kept_fits_its_share(name: str, share: float) -> None:
    kept = WAYS[name](UNITS, share)
    raw = sum(TOKENS.count(unit.content) for unit in UNITS)
    # Sentences put together again can count a token more or less than apart.
    assert sum(TOKENS.count(unit.content) for unit in kept) <= share * raw + len(UNITS)
    assert [unit.sources for unit in kept] == sorted(unit.sources for unit in kept)


@pytest.mark.parametrize("name", sorted(WAYS))
def test_everything_is_kept_of_the_whole(name: str) -> None:
    assert [unit.sources for unit in WAYS[name](UNITS, 1.0)] == [unit.sources for unit in UNITS]


def test_rare_words_are_kept_first() -> None:
    assert [unit.sources for unit in WAYS["idf_turns"](UNITS, 0.35)][-1] == ("t3",)
    assert "Otters nest under the jetty." in [unit.content for unit in WAYS["idf_sentences"](UNITS, 0.5)]


def test_sentences() -> None:
    assert sentences("One. Two? 3.5 m!\nFour") == ["One.", "Two?", "3.5 m!", "Four"]


def test_the_measures_of_a_store() -> None:
    asked = [
        Question("What nests?", ("t1",), "single", "otters"),
        Question("Who?", ("t3", "t0"), "single", "Marguerite"),
    ]
    half = Context("- Otters nest under the jetty.", ("t1", "t0"), 9)
    nothing = Context("", (), 0)
    stores = [
        Store(talk("a", asked), 10, 40, half, [half, nothing]),
        Store(talk("b", [Question("Where?", (), "single", "jetty")]), 10, 40, nothing, [nothing]),
    ]
    assert measure(stores) == pytest.approx(
        {"stored": 0.25, "evidence": 0.75, "atr": 1 / 3, "atr_null": 1 / 3, "ev@500": 0.5, "atr@500": 1 / 3}
    )


def test_chance_is_another_answer_of_the_same_kind_when_there_is_one() -> None:
    alone = Question("When?", (), "temporal", "Monday")
    pair = [Question("Who?", (), "single", "Ida"), Question("What?", (), "single", "otters")]
    talks = [talk("a", [*pair, alone]), talk("b", [Question("How?", (), "temporal", "Tuesday")])]
    found = null_answers(talks, seed=0)
    assert found[null_key(talks[0], pair[0])] == "otters"
    assert found[null_key(talks[0], alone)] in {"Ida", "otters"}
    assert found[null_key(talks[1], talks[1].questions[0])] == "Monday"
    assert null_answers(talks[:1], seed=0) == null_answers(talks[:1], seed=0)


def test_scores_of_a_question() -> None:
    question = Question("What nests?", ("t1", "t3"), "single", "otters and terns")
    context = Context("- Otters and Marguerite", ("t1",), 6)
    found = score(gold(question, "Marguerite", "en"), Outcome({250: context}, context, ranking=("t1", "t0", "t3")))
    assert (found["ev@250"], found["atr@250"], found["atr_null@250"], found["con@250"]) == (0.5, 0.5, 1, 0)
    assert (found["tokens"], found["recall@1"], found["all@5"]) == (6, 0.5, 1)
    assert found["ev@500"] != found["ev@500"]
