"""The checks see what they are for: each is given a memory that passes and one that does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cases.checking import Figure, checks
from cases.reading import Case
from cases.serving import Outcome
from memsvc_client.models import Addition, Memory, SearchHit, SearchResult, Source, Span

CASE = Case.model_validate(
    {
        "id": "answers-1",
        "kind": "answers",
        "register": "chat",
        "turns": [
            {"role": "user", "name": "Leo", "content": "Do you own a boat?"},
            {"role": "user", "name": "Kim", "content": "No. I sold it on Monday. Ahoy!"},
            {"role": "assistant", "content": "You sold the boat."},
        ],
        "told": [{"turn": 1, "keeps": ["No.", "I sold it on Monday."]}],
        "with": [{"turn": 1, "also": 0, "holds": "own a boat?"}],
        "echoes": [2],
        "never": ["Kim sold"],
        "dated": [{"expression": "on Monday", "date": "4 May 2026"}],
        "undated": ["boat?"],
        "said_by": [{"quote": "I sold it on Monday.", "label": "Kim"}],
        "ask": [
            {"question": "Does Kim own a boat?", "has": ["No.", "sold it on Monday."], "cites_first": 1},
            {"question": "zzz", "empty": True},
        ],
    }
)
RIGHT = "Leo: Do you own a boat?\nKim: No. I sold it on Monday [4 May 2026]. Ahoy!"


def memory(text: str = RIGHT, sources: tuple[str, ...] = ("0", "1")) -> Memory:
    return Memory(id="m", memory=text, sources=tuple(Source(turn) for turn in sources))


def spanned(text: str = RIGHT) -> Memory:
    """The memory with what it is made of: two labels and a date beside three spans."""
    spans = (Span(Source("0"), 0, 18, 5), Span(Source("1"), 0, 23, 29), Span(Source("1"), 23, 30, 65))
    additions = (Addition("label", 0, 5), Addition("label", 23, 29), Addition("date", 52, 65))
    plain = memory(text)
    return Memory(id="m", memory=text, sources=plain.sources, spans=spans, additions=additions)


def found(*memories: Memory, context: str | None = None, tokens: int = 0) -> dict[Figure, bool]:
    """Whether all checks of each figure hold."""
    texts = "\n".join(item.memory for item in memories) if context is None else context
    hits = tuple(SearchHit(id=m.id, memory=m.memory, sources=m.sources, score=1.0) for m in memories)
    answer = SearchResult(hits=hits, context=texts, token_count=tokens, complexity=0.0, depth=1, max_tokens=9, views=())
    held: dict[Figure, bool] = {}
    for check in checks(Outcome(CASE, memories, (answer, answer))):
        held[check.figure] = held.get(check.figure, True) and check.holds
    return held


def test_all_holds_of_a_memory_as_it_should_be() -> None:
    assert all(found(spanned()).values())


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure.FACTS, RIGHT.replace("No. ", "")),
        (Figure.FACTS, RIGHT.replace("Do you own a boat?", "…")),
        (Figure.NEVER, RIGHT.replace("I sold", "Kim sold")),
        (Figure.DATES_GIVEN, RIGHT.replace(" [4 May 2026]", "")),
        (Figure.DATES_RIGHT, RIGHT.replace("4 May", "11 May")),
        (Figure.DATES_RIGHT, RIGHT.replace("boat?", "boat? [7 May 2026]")),
        (Figure.ATTRIBUTION, RIGHT.replace(" [4 May 2026]", "").replace("Kim: ", "")),
        (Figure.DECIDES, RIGHT.replace("No. ", "")),
    ],
)
def test_a_memory_with_something_wrong_fails(figure: Figure, text: str) -> None:
    assert not found(memory(text))[figure]


def test_an_altered_byte_is_seen_wherever_it_is() -> None:
    right = spanned()
    assert found(right)[Figure.BYTES]
    assert not found(replace(right, memory=RIGHT.replace("boat", "Boat")))[Figure.BYTES]
    assert not found(replace(right, memory=RIGHT + " Yes."))[Figure.BYTES]
    assert not found(replace(right, additions=right.additions[1:]))[Figure.BYTES]


def test_a_label_that_is_not_the_last_one_before_the_quote_is_the_wrong_one() -> None:
    right = spanned()
    assert not found(replace(right, additions=(right.additions[0], right.additions[2])))[Figure.ATTRIBUTION]


def test_an_echo_may_stand_beside_what_is_new_but_not_alone() -> None:
    assert found(memory(), memory("You sold the boat. Yes.", ("1", "2")))[Figure.ECHOES]
    assert not found(memory(), memory("You sold the boat.", ("2",)))[Figure.ECHOES]


def test_an_answer_to_nothing_may_be_short_and_no_longer() -> None:
    assert found(memory(), tokens=40)[Figure.NOTHING]
    assert not found(memory(), tokens=41)[Figure.NOTHING]


def test_the_best_result_is_the_one_that_counts() -> None:
    assert found(memory())[Figure.DECIDES]
    assert not found(memory("Leo: Hm.", ("0",)), memory())[Figure.DECIDES]
