"""The whole compressor, with the real models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsvc.compression.entropy import GateSettings
from memsvc.compression.rules import RulesCompressor
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import (
    Compression,
    Disposition,
    MemoryState,
    PendingTurns,
    Role,
    Scope,
    SpaceKey,
    Turn,
)

SPACE = SpaceKey("acme", "default")
WHEN = datetime(2024, 3, 13, 10, tzinfo=UTC)
LONG_ANSWER = """## Baking bread

You need these things:

- 500 g of strong flour from the mill in Delft
- 10 g of salt
- 7 g of dried yeast, which keeps for a year in a dry cupboard

## Oven

Heat the oven to 230 degrees for at least forty minutes, with a heavy iron pot inside. Put the dough into the pot,
close the lid, and bake for thirty minutes. Take the lid off and bake for another fifteen until the crust is brown.
Let the loaf rest on a rack for an hour, because the crumb goes on setting while it cools.

```python
def hydration(water: int, flour: int) -> float:
    return water / flour
```
"""


@pytest.fixture
def compressor(analyzer: SpacyAnalyzer, embedder: SentenceTransformerEmbedder) -> RulesCompressor:
    return make(analyzer, embedder)


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(device="cpu")


def make(analyzer: SpacyAnalyzer, embedder: SentenceTransformerEmbedder, threshold: float = 0.35) -> RulesCompressor:
    return RulesCompressor(
        analyzer=analyzer,
        embedder=embedder,
        surprisal=WordFrequencySurprisal(),
        tokens=Cl100kCounter(),
        gate=GateSettings(threshold=threshold),
    )


def turn(number: int, content: str, speaker: str = "Ana", role: Role = Role.USER) -> Turn:
    return Turn(
        turn_id=f"t{number}",
        scope=Scope("u", "a", "s"),
        role=role,
        content=content,
        event_time=WHEN + timedelta(minutes=number),
        speaker=speaker,
    )


def talk(*lines: tuple[str, str]) -> PendingTurns:
    return PendingTurns((), tuple(turn(i, text, speaker) for i, (speaker, text) in enumerate(lines)), frozenset())


def active(compression: Compression) -> list[str]:
    return [memory.text for memory in compression.memories if memory.state is MemoryState.ACTIVE]


def outcomes(compression: Compression) -> dict[str, tuple[Disposition, str]]:
    return {outcome.ref.turn_id: (outcome.disposition, outcome.reason) for outcome in compression.outcomes}


async def test_a_statement_is_self_contained(compressor: RulesCompressor) -> None:
    result = await compressor.compress(SPACE, talk(("Ana", "Hi Ben!"), ("Ben", "I moved to Porto yesterday. Crazy!")))
    (memory,) = [m for m in result.memories if m.state is MemoryState.ACTIVE]
    assert memory.text.startswith("Ben moved to Porto on 12 March 2024.")
    assert memory.symbolic.people == ("Ben",)
    assert memory.symbolic.place == "Porto"
    assert (memory.valid_from, memory.valid_to) == (
        datetime(2024, 3, 12, tzinfo=UTC),
        datetime(2024, 3, 13, tzinfo=UTC),
    )
    assert "Ben" not in memory.dense_text
    assert "Wednesday 13 March 2024" in memory.lexical_text
    assert memory.token_count == Cl100kCounter().count(memory.text)
    assert memory.gate is not None
    assert memory.gate.kept


async def test_small_talk_is_left_out_with_its_reason_and_stays_reachable(compressor: RulesCompressor) -> None:
    result = await compressor.compress(
        SPACE, talk(("Ana", "Hey Ben!"), ("Ben", "Thanks so much!"), ("Ana", "How are you?"), ("Ben", "Okay."))
    )
    assert outcomes(result) == {
        "t0": (Disposition.LEFT_OUT, "GREETING"),
        "t1": (Disposition.LEFT_OUT, "THANKS"),
        "t2": (Disposition.LEFT_OUT, "EMPTY_QUESTION"),
        "t3": (Disposition.LEFT_OUT, "ACKNOWLEDGEMENT"),
    }
    assert [m.text for m in result.memories] == [
        "Ana: Hey Ben!",
        "Ben: Thanks so much!",
        "Ana: How are you?",
        "Ben: Okay.",
    ]
    assert {m.state for m in result.memories} == {MemoryState.LEFT_OUT}
    assert all(m.gate is not None and not m.gate.kept for m in result.memories)


async def test_cuts_are_recorded(compressor: RulesCompressor) -> None:
    result = await compressor.compress(SPACE, talk(("Ana", "Hi Ben! I planted forty tulips in Utrecht. How are you?")))
    (memory,) = result.memories
    assert memory.text == "Ana planted forty tulips in Utrecht."
    assert memory.gate is not None
    assert [(cut.text, cut.reason) for cut in memory.gate.cuts] == [
        ("Hi Ben!", "GREETING"),
        ("How are you?", "EMPTY_QUESTION"),
    ]


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Where did you buy it?", "In Lisbon.", 'Ana: "Where did you buy it?" Ben: "In Lisbon."'),
        ("Is this your own painting?", "Yes!", 'Ana: "Is this your own painting?" Ben: "Yes!"'),
        ("When do you leave?", "Next month.", 'Ana: "When do you leave?" Ben: "In April 2024."'),
    ],
)
async def test_a_short_answer_is_joined_to_its_question(
    compressor: RulesCompressor, question: str, answer: str, expected: str
) -> None:
    result = await compressor.compress(SPACE, talk(("Ana", question), ("Ben", answer)))
    (memory,) = [m for m in result.memories if m.state is MemoryState.ACTIVE]
    assert memory.text == expected
    assert [ref.turn_id for ref in memory.sources] == ["t0", "t1"]
    assert outcomes(result) == {"t0": (Disposition.MERGED, "ANSWERED"), "t1": (Disposition.KEPT, "INFORMATIVE")}


async def test_a_question_in_the_context_is_cited(compressor: RulesCompressor) -> None:
    turns = PendingTurns((turn(0, "Where did you buy it?"),), (turn(1, "In Lisbon.", "Ben"),), frozenset())
    result = await compressor.compress(SPACE, turns)
    assert [ref.turn_id for ref in result.memories[0].sources] == ["t0", "t1"]
    assert list(outcomes(result)) == ["t1"]


async def test_me_too_is_joined_to_the_statement(compressor: RulesCompressor) -> None:
    result = await compressor.compress(SPACE, talk(("Ana", "I collect old maps."), ("Ben", "Me too!")))
    assert 'Ana: "I collect old maps." Ben: "Me too!"' in active(result)


async def test_a_long_answer_becomes_several_units_and_code_stays_verbatim(compressor: RulesCompressor) -> None:
    pending = PendingTurns((), (turn(0, LONG_ANSWER, "", Role.ASSISTANT),), frozenset())
    result = await compressor.compress(SPACE, pending)
    assert len(result.memories) >= 2
    assert all(memory.token_count <= 140 for memory in result.memories)
    assert any("def hydration(water: int, flour: int) -> float:\n    return water / flour" in t for t in active(result))
    assert all("The assistant" in text for text in active(result))


async def test_roles(compressor: RulesCompressor) -> None:
    pending = (
        turn(0, "You are a helpful gardener.", "", Role.SYSTEM),
        turn(1, '{"temperature": 21, "city": "Ghent"}', "", Role.TOOL),
        turn(2, "I grow roses in Ghent.", "", Role.USER),
    )
    result = await compressor.compress(SPACE, PendingTurns((), pending, frozenset()))
    assert outcomes(result)["t0"] == (Disposition.LEFT_OUT, "SYSTEM")
    assert any('"temperature": 21' in text for text in active(result))
    assert "The user grows roses in Ghent." in active(result)


@pytest.mark.parametrize(
    "content",
    ["Ayer fui al mercado con mi hermana y compramos pan.", "私は東京に住んでいます。", "Вчера я был в Москве."],
)
async def test_other_languages_are_attributed_as_they_are(compressor: RulesCompressor, content: str) -> None:
    result = await compressor.compress(SPACE, talk(("Ana", content)))
    assert active(result) == [f"Ana: {content}"]
    assert result.memories[0].valid_from is None


async def test_nothing_of_a_huge_turn_is_lost(compressor: RulesCompressor) -> None:
    words = [f"w{i}q" for i in range(6000)]
    result = await compressor.compress(SPACE, talk(("Ana", " ".join(words))))
    said = " ".join(active(result))
    assert all(word in said for word in words[::97])
    assert words[-1] in said


async def test_a_window_that_says_nothing_new_is_left_out(
    analyzer: SpacyAnalyzer, embedder: SentenceTransformerEmbedder
) -> None:
    pending = talk(("Ana", "The kite flies."), ("Ben", "The kite glides."))
    kept = await make(analyzer, embedder, threshold=0.0).compress(SPACE, pending)
    assert len(active(kept)) == 2
    left_out = await make(analyzer, embedder, threshold=1.0).compress(SPACE, pending)
    assert {reason for _, reason in outcomes(left_out).values()} == {"LOW_ENTROPY"}


async def test_a_telling_turn_of_a_low_window_is_kept(
    analyzer: SpacyAnalyzer, embedder: SentenceTransformerEmbedder
) -> None:
    strict = make(analyzer, embedder, threshold=1.0)
    result = await strict.compress(SPACE, talk(("Ana", "The flight is on 3 May 2024."), ("Ben", "My knee hurts.")))
    assert {reason for _, reason in outcomes(result).values()} == {"INFORMATIVE_TURN"}


async def test_nothing_pending_is_nothing_to_do(compressor: RulesCompressor) -> None:
    assert await compressor.compress(SPACE, PendingTurns((turn(0, "Hi"),), (), frozenset())) == Compression((), ())


async def test_ids_depend_on_the_space_and_the_source_alone(compressor: RulesCompressor) -> None:
    one = await compressor.compress(SPACE, talk(("Ana", "I live in Rome."), ("Ben", "I live in Ghent.")))
    again = await compressor.compress(SPACE, talk(("Ana", "I live in Rome.")))
    elsewhere = await compressor.compress(SpaceKey("acme", "other"), talk(("Ana", "I live in Rome.")))
    assert again.memories[0].id == one.memories[0].id != elsewhere.memories[0].id


_SAID = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [
            "Hi!", "I moved to Porto yesterday.", "Where?", "In Lisbon.", "Me too", "", "  \n", "```x", "Thanks, Ben!",
            'You\'re "right"', "- a\n- b:\n", "# T\n\nText.", "Ich bin nicht da.", "\ud83d", "I'm I've me my we you?",
        ]
    ),
)  # fmt: skip
_LINE = st.tuples(st.sampled_from(["Ana", "Ben", "", "İ", "O'x.*["]), st.sampled_from(Role), _SAID)
_LINES = st.lists(_LINE, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=_LINES, split=st.integers(0, 8))
async def test_any_input_is_accounted_for(
    compressor: RulesCompressor, lines: list[tuple[str, Role, str]], split: int
) -> None:
    turns = tuple(turn(i, text, speaker, role) for i, (speaker, role, text) in enumerate(lines))
    pending = PendingTurns(turns[:split], turns[split:], frozenset())
    result = await compressor.compress(SPACE, pending)
    assert result == await compressor.compress(SPACE, pending)
    assert [o.ref for o in result.outcomes] == [t.ref for t in pending.pending]
    known = {t.ref for t in turns}
    cited = {ref for memory in result.memories for ref in memory.sources}
    assert {t.ref for t in pending.pending} <= cited <= known
    assert len({memory.id for memory in result.memories}) == len(result.memories)
    for memory in result.memories:
        assert memory.text.strip()
        assert memory.sources
        assert 0 <= memory.salience <= 1


async def test_what_is_cut_as_telling_little_is_searched_and_explained(compressor: RulesCompressor) -> None:
    said = "The room is a bit small. The kitchen has a marble worktop and a copper sink."
    (memory,) = (await compressor.compress(SPACE, PendingTurns((), (turn(0, said),), frozenset()))).memories
    assert "small" not in memory.text
    assert "small" in memory.dense_text
    assert "small" in memory.searched_text
    assert memory.gate is not None
    assert [(cut.text, cut.reason) for cut in memory.gate.cuts] == [("The room is a bit small.", "LOW_INFORMATION")]


async def test_a_turn_that_only_reacts_is_left_out_and_can_be_found(compressor: RulesCompressor) -> None:
    result = await compressor.compress(
        SPACE, talk(("Ana", "I bought beds for the cats."), ("Ben", "They look so cozy."))
    )
    assert active(result) == ["Ana bought beds for the cats."]
    assert outcomes(result)["t1"] == (Disposition.LEFT_OUT, "LOW_INFORMATION")
    assert result.memories[-1].state is MemoryState.LEFT_OUT
