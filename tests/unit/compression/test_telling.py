from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsvc.compression.telling import only_reacts, telling, tells_of_us
from memsvc.compression.utterances import Utterance, read
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.types import Role, Scope, Turn

SURPRISAL = WordFrequencySurprisal()


async def utterance(analyzer: SpacyAnalyzer, content: str, role: Role = Role.USER) -> Utterance:
    turn = Turn(
        turn_id="t",
        scope=Scope("u"),
        role=role,
        content=content,
        event_time=datetime(2024, 3, 13, tzinfo=UTC),
        speaker="Ana",
    )
    return read([turn], await analyzer.analyze([content]))[0]


async def told(analyzer: SpacyAnalyzer, content: str, role: Role = Role.USER) -> list[str]:
    read_turn = await utterance(analyzer, content, role)
    return [piece.plain for piece in telling(read_turn, read_turn.pieces, SURPRISAL)]


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (
            "The room is a bit small. The kitchen has a marble worktop and a copper sink.",
            ["The kitchen has a marble worktop and a copper sink."],
        ),
        ("The room is small. It costs 900 a month.", ["It costs 900 a month."]),
        ("The room is a bit small. Rafael painted them.", ["Rafael painted them."]),
        ("The room is a bit small. I quit cigarettes.", ["I quit cigarettes."]),
        ("The room is small.", ["The room is small."]),
    ],
)
async def test_sentences_that_tell_little_beside_others_are_not_returned(
    analyzer: SpacyAnalyzer, content: str, kept: list[str]
) -> None:
    assert await told(analyzer, content) == kept


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("I adore marble worktops. Your marble worktops are gorgeous.", ["I adore marble worktops."]),
        ("I adore marble worktops. Are marble worktops gorgeous?", ["I adore marble worktops."]),
        ("I adore marble worktops. Marble is lovely.", ["I adore marble worktops."]),
    ],
)
async def test_more_is_asked_of_what_is_not_about_the_speaker(
    analyzer: SpacyAnalyzer, content: str, kept: list[str]
) -> None:
    assert await told(analyzer, content) == kept


async def test_what_an_assistant_tells_its_user_is_its_content(analyzer: SpacyAnalyzer) -> None:
    content = "I adore marble. Your oven needs a mild cleaner."
    assert await told(analyzer, content, Role.ASSISTANT) == [
        "I adore marble.",
        "Your oven needs a mild cleaner.",
    ]


async def test_of_the_one_spoken_to_only_much_is_told(analyzer: SpacyAnalyzer) -> None:
    assert await told(analyzer, "I adore marble. Your oven needs a mild cleaner.") == ["I adore marble."]


async def test_texts_in_other_languages_are_kept_whole(analyzer: SpacyAnalyzer) -> None:
    content = "La habitación es pequeña. La cocina tiene un fregadero de cobre."
    assert " ".join(await told(analyzer, content)) == content


@pytest.mark.parametrize(
    ("content", "tells"), [("We visited an old temple.", True), ("We should visit it.", False), ("It rained.", False)]
)
async def test_what_a_speaker_did_with_others_is_a_fact(analyzer: SpacyAnalyzer, content: str, tells: bool) -> None:
    assert tells_of_us(await utterance(analyzer, content)) is tells


async def reacts(
    analyzer: SpacyAnalyzer, before: str, content: str, speaker: str, role: Role, first: Role = Role.USER
) -> bool:
    time = datetime(2024, 3, 13, tzinfo=UTC)
    turns = [
        Turn(turn_id="1", scope=Scope("u"), role=first, content=before, event_time=time, speaker="Ben"),
        Turn(turn_id="2", scope=Scope("u"), role=role, content=content, event_time=time, speaker=speaker),
    ]
    earlier, later = read(turns, await analyzer.analyze([before, content]))
    return only_reacts(later, earlier, SURPRISAL)


@pytest.mark.parametrize(
    ("content", "only"),
    [
        ("They look so cozy in there.", True),
        ("It must feel great to have such a team.", True),
        ("Your dedication paid off.", True),
        ("I slept in one.", False),  # of oneself
        ("The door is red.", False),  # of a thing
        ("Feed the cats.", False),  # an instruction about one
        ("They cost 90.", False),  # a number
        ("It was Rafael.", False),  # a name
        ("Sono molto comodi.", False),  # not judged
    ],
)
async def test_a_turn_that_only_reacts_tells_nothing(analyzer: SpacyAnalyzer, content: str, only: bool) -> None:
    assert await reacts(analyzer, "We bought beds for the cats.", content, "Ana", Role.USER) is only


async def test_what_answers_or_goes_on_is_no_reaction(analyzer: SpacyAnalyzer) -> None:
    said = "They look so cozy in there."
    assert not await reacts(analyzer, "What do you think of the beds?", said, "Ana", Role.USER)
    assert not await reacts(analyzer, "We bought beds for the cats.", said, "Ben", Role.USER)


async def test_an_assistant_who_speaks_of_what_is_its_user_s_tells_it(analyzer: SpacyAnalyzer) -> None:
    assert not await reacts(analyzer, "My oven smells.", "Your filter is old.", "Assistant", Role.ASSISTANT)
    assert await reacts(analyzer, "My oven smells.", "Your filter is old.", "Ana", Role.USER)


async def test_a_tool_s_output_and_what_follows_a_system_turn_are_no_reactions(analyzer: SpacyAnalyzer) -> None:
    said = "They look so cozy in there."
    assert not await reacts(analyzer, "We bought beds for the cats.", said, "camera", Role.TOOL)
    assert not await reacts(analyzer, "You are a helpful assistant.", said, "Ana", Role.USER, Role.SYSTEM)
    assert await reacts(analyzer, "We bought beds for the cats.", said, "Ana", Role.ASSISTANT)
