"""The whole compressor, without a model: what becomes of turns, and what their memories say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from memsvc.compression.entropy import GateSettings
from memsvc.compression.judging import Density
from memsvc.compression.rules import RulesCompressor
from memsvc.ports import Surprisal
from memsvc.types import (
    AdditionKind,
    Compression,
    Disposition,
    MemoryState,
    PendingTurns,
    Role,
    SpaceKey,
)
from support.compressing import (
    SPACE,
    TOKENS,
    FlatEmbedder,
    active,
    compress,
    outcomes,
    rules,
    say,
    talk,
    without_additions,
)

RECIPE = """## Baking rye

You need these things:

- 500 g of dark flour from the mill in Delft
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


async def test_a_memory_and_its_views() -> None:
    result = await compress(("Ida", "Hi there! I moved to Porto yesterday. Wow!"))
    (memory,) = result.memories
    assert memory.text == "Ida: I moved to Porto yesterday [6 May 2026]."
    assert without_additions(memory) == "I moved to Porto yesterday."
    assert memory.state is MemoryState.ACTIVE
    assert (memory.role, memory.part_count, memory.compressor) == (Role.USER, 1, "rules/2")
    assert memory.symbolic.speaker == "Ida"
    assert memory.symbolic.place == "Porto"
    assert (memory.valid_from, memory.valid_to) == (
        datetime(2026, 5, 6, tzinfo=UTC),
        datetime(2026, 5, 7, tzinfo=UTC),
    )
    assert memory.dense_text == "Hi there! I moved to Porto yesterday. Wow!"
    assert memory.lexical_text.split("\n") == [memory.text, "Hi there!", "Wow!", "Ida, Thursday 7 May 2026"]
    assert memory.token_count == TOKENS.count(memory.text)
    assert memory.gate is not None
    assert memory.gate.kept
    assert [(cut.text, cut.reason) for cut in memory.gate.cuts] == [("Hi there!", "GREETING"), ("Wow!", "REACTION")]


async def test_small_talk_is_left_out_with_its_reason_and_stays_reachable() -> None:
    result = await compress(("Ida", "Hey Leo!"), ("Leo", "Thanks so much!"), ("Ida", "How are you?"), ("Ida", "Okay."))
    assert outcomes(result) == {
        "t0": (Disposition.LEFT_OUT, "GREETING"),
        "t1": (Disposition.LEFT_OUT, "THANKS"),
        "t2": (Disposition.LEFT_OUT, "EMPTY_QUESTION"),
        "t3": (Disposition.LEFT_OUT, "ACKNOWLEDGEMENT"),
    }
    assert [memory.text for memory in result.memories] == [
        "Ida: Hey Leo!",
        "Leo: Thanks so much!",
        "Ida: How are you?",
        "Ida: Okay.",
    ]
    assert {memory.state for memory in result.memories} == {MemoryState.LEFT_OUT}
    assert all(memory.gate is not None and not memory.gate.kept and not memory.gate.cuts for memory in result.memories)


async def test_a_question_is_merged_into_its_answer() -> None:
    result = await compress(("Leo", "Are you allergic to anything?"), ("Ida", "No. Cats make me sneeze, that's all."))
    (memory,) = result.memories
    assert memory.text == "Leo: Are you allergic to anything?\nIda: No. Cats make me sneeze, that's all."
    assert [ref.turn_id for ref in memory.sources] == ["t1", "t0"]
    assert set(memory.symbolic.people) == {"Leo", "Ida"}
    assert memory.symbolic.speaker == "Ida"
    assert memory.dense_text == "Are you allergic to anything? No. Cats make me sneeze, that's all."
    assert outcomes(result) == {"t0": (Disposition.MERGED, "ANSWERED"), "t1": (Disposition.KEPT, "INFORMATIVE")}


async def test_what_an_assistant_is_asked_stands_beside_its_long_answer() -> None:
    asked = "How do I keep my ferns alive? I go to Oslo for three weeks in June."
    answer = "Of course! " + "Put the pots in a tray with wet gravel, away from the window and the stove. " * 12
    result = await compress(("Ida", asked), ("", answer, Role.ASSISTANT))
    own, *others = result.memories
    assert own.text == f"Ida: {asked}"
    assert [ref.turn_id for ref in own.sources] == ["t0"]
    assert outcomes(result)["t0"] == (Disposition.KEPT, "INFORMATIVE")
    assert all(memory.role is Role.ASSISTANT for memory in others)


async def test_a_question_of_the_context_is_told_and_has_no_outcome() -> None:
    turns = talk(("Leo", "Where did you buy the loom?"), ("Ida", "In Leiden."))
    result = await rules().compress(SPACE, PendingTurns(turns[:1], turns[1:], frozenset()))
    assert active(result) == ["Leo: Where did you buy the loom?\nIda: In Leiden."]
    assert list(outcomes(result)) == ["t1"]


async def test_only_the_first_memory_of_a_long_answer_has_the_question() -> None:
    answer = "Yes. " + "The old tram to the quarry stops at the brewery on market days. " * 20
    result = await compress(("Leo", "Is there a tram?"), ("Ida", answer))
    first, *others = result.memories
    assert first.text.startswith("Leo: Is there a tram?\nIda: Yes. The old tram")
    assert others
    assert all("Leo" not in memory.text for memory in others)
    assert [len(memory.sources) for memory in result.memories] == [2, *[1] * len(others)]
    assert {memory.part_count for memory in result.memories} == {len(result.memories)}


async def test_a_long_answer_is_cut_at_its_joints_and_stays_as_it_was_typed() -> None:
    result = await compress(("", RECIPE, Role.ASSISTANT))
    texts = active(result)
    assert len(texts) >= 2
    assert all(text.startswith("Assistant: ") for text in texts)
    assert any("def hydration(water: int, flour: int) -> float:\n    return water / flour" in text for text in texts)
    oven = next(text for text in texts if "crumb goes on" in text)
    assert "## Oven\n" in oven


async def test_roles() -> None:
    result = await compress(
        ("", "You are a helpful gardener.", Role.SYSTEM),
        ("", '{"temperature": 21, "city": "Ghent"}', Role.TOOL),
        ("", "I grow roses in Ghent.", Role.USER),
        ("", "You could prune them in March.", Role.ASSISTANT),
    )
    assert outcomes(result)["t0"] == (Disposition.LEFT_OUT, "SYSTEM")
    assert active(result) == [
        'Tool: {"temperature": 21, "city": "Ghent"}',
        "User: I grow roses in Ghent.",
        "Assistant: You could prune them in March.",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "Ayer fui al mercado con mi hermana y compramos pan.",
        "私は東京に住んでいます。",
        "Я живу в Казани с 2019 года.",
        "أسكن في القاهرة.",
    ],
)
async def test_every_language_is_told_in_its_own_words(content: str) -> None:
    (memory,) = (await compress(("Ana", content))).memories
    assert without_additions(memory) == content
    assert memory.text.startswith("Ana: ")


async def test_nothing_of_a_huge_turn_is_lost() -> None:
    words = [f"w{i}q" for i in range(6000)]
    said = " ".join(active(await compress(("Ana", " ".join(words)))))
    assert all(word in said for word in words)


async def test_an_echo_is_left_out() -> None:
    told = ["Ana: I keep two donkeys behind the sawmill."]
    result = await compress(("", "You keep two donkeys behind the sawmill.", Role.ASSISTANT), told=told)
    assert outcomes(result) == {"t0": (Disposition.LEFT_OUT, "ECHO")}


async def test_a_window_that_says_nothing_new_loses_its_reactions_alone() -> None:
    lines = [("Ana", "My knee hurts."), ("Ben", "That's great news for the choir.")]
    strict = await compress(*lines, threshold=1.01)  # type: ignore[arg-type]
    assert outcomes(strict)["t1"] == (Disposition.LEFT_OUT, "LOW_ENTROPY")
    assert active(strict) == ["Ana: My knee hurts."]
    assert len(active(await compress(*lines, threshold=0.0))) == 2  # type: ignore[arg-type]


async def test_nothing_pending_is_nothing_to_do() -> None:
    assert await rules().compress(SPACE, PendingTurns((say("Hi"),), (), frozenset())) == Compression((), ())


async def test_a_blank_turn_has_an_outcome_and_no_memory() -> None:
    result = await compress(("Ana", " \n"))
    assert (result.memories, outcomes(result)) == ((), {"t0": (Disposition.LEFT_OUT, "EMPTY")})


async def test_ids_depend_on_the_space_and_the_sources_alone() -> None:
    one = await compress(("Ana", "I live in Rome."), ("Ben", "I live in Ghent."))
    again = await compress(("Ana", "I live in Rome."))
    pending = PendingTurns((), talk(("Ana", "I live in Rome.")), frozenset())
    elsewhere = await rules().compress(SpaceKey("acme", "other"), pending)
    assert again.memories[0].id == one.memories[0].id != elsewhere.memories[0].id


SAID = (
    ("Ana", "My uncle repairs accordions in a workshop in Porto."),
    ("Ana", "My uncle repairs accordions in Porto."),
    ("Ana", "It was good to see all of them there again. The harbour smelled of tar and fried sardines."),
    ("Ana", "We had a good time there with everybody. Thanks!"),
)


async def test_terse_tells_each_thing_once_and_leaves_out_the_rest_with_its_reason() -> None:
    found = await compress(*SAID, density=Density.TERSE)
    text = " ".join(active(found))
    assert text.count("accordions") == 1
    assert "sardines" in text
    assert "good" not in text
    left_out = {
        id_: reason for id_, (disposition, reason) in outcomes(found).items() if disposition is Disposition.LEFT_OUT
    }
    assert "LOW_INFORMATION" in left_out.values()
    left = [memory for memory in found.memories if memory.state is MemoryState.LEFT_OUT]
    assert [memory.sources[0].turn_id for memory in left] == list(left_out)
    cuts = [cut.text for memory in found.memories if memory.gate for cut in memory.gate.cuts]
    assert "It was good to see all of them there again." in cuts


async def test_densities_nest() -> None:
    sizes = {density: sum(map(len, active(await compress(*SAID, density=density)))) for density in Density}
    assert sizes[Density.FULL] > sizes[Density.BALANCED] > sizes[Density.TERSE] > 0
    assert "Thanks!" in active(await compress(*SAID, density=Density.FULL))[-1]


@pytest.mark.parametrize(
    "said", ["Gestern waren wir im Hafen und haben Sardinen mit Brot gegessen.", "昨日、港で鰯を食べました。"]
)
async def test_terse_tells_all_of_other_languages(said: str) -> None:
    (memory,) = (await compress(("Ana", said), density=Density.TERSE)).memories
    assert without_additions(memory) == said
    assert memory.state is MemoryState.ACTIVE


async def test_additions_say_what_they_are() -> None:
    result = await compress(("Leo", "When do you leave?"), ("Ida", "Tomorrow. Thanks! From pier 4."))
    (memory,) = result.memories
    assert memory.text == "Leo: When do you leave?\nIda: Tomorrow [8 May 2026]. … From pier 4."
    assert [each.kind for each in memory.additions] == [
        AdditionKind.LABEL,
        AdditionKind.LABEL,
        AdditionKind.DATE,
        AdditionKind.ELLIPSIS,
    ]


class Bits:
    """The same bits for every word; within a text, what `texts` gives it."""

    def __init__(self, value: float, texts: Mapping[str, float]) -> None:
        self.value = value
        self.texts = texts

    def bits(self, word: str, language: str) -> float:
        return self.value

    async def within(self, texts: Sequence[str]) -> Sequence[Surprisal]:
        return [Bits(self.texts[text], {}) for text in texts]


async def test_each_turn_is_measured_by_its_own_words() -> None:
    contents = ("I planted tulips beside the shed.", "I painted the kitchen yellow.")
    surprisal = Bits(1.0, dict(zip(contents, (5.0, 9.0), strict=True)))
    compressor = RulesCompressor(embedder=FlatEmbedder(), surprisal=surprisal, tokens=TOKENS, gate=GateSettings())
    pending = PendingTurns((), talk(*(("Ana", content) for content in contents)), frozenset())
    result = await compressor.compress(SPACE, pending)
    assert [memory.gate.surprisal for memory in result.memories if memory.gate] == [5.0, 9.0]
