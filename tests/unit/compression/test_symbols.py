"""People, entities, place, topic, validity and salience of a unit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsvc.compression.symbols import mean_bits, named, salience, symbols, telling_bits, times_in, validity
from memsvc.compression.utterances import Utterance, read
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.types import Interval, Role, Scope, Symbolic, Turn

WHEN = datetime(2024, 3, 13, 10, tzinfo=UTC)
SURPRISAL = WordFrequencySurprisal()


async def said(analyzer: SpacyAnalyzer, content: str) -> Utterance:
    turn = Turn(turn_id="t", scope=Scope("u"), role=Role.USER, content=content, event_time=WHEN, speaker="Ben")
    (utterance,) = read([turn], await analyzer.analyze([content]))
    return utterance


async def test_symbols(analyzer: SpacyAnalyzer) -> None:
    utterance = await said(analyzer, "I met Maria Lopez in Lisbon, and Microsoft hired her for a wooden telescope.")
    found = symbols(utterance, utterance.pieces, "Ben met Maria Lopez in Lisbon.", SURPRISAL)
    assert found.people == ("Maria Lopez", "Ben")
    assert set(found.entities) == {"Lisbon", "Microsoft"}
    assert found.place == "Lisbon"
    assert found.topic == "wooden telescope"


async def test_only_what_lies_in_the_pieces_counts(analyzer: SpacyAnalyzer) -> None:
    utterance = await said(analyzer, "I flew to Lisbon yesterday. I drove to Madrid on 2 March 2024.")
    second = utterance.pieces[1:]
    assert symbols(utterance, second, "Ben drove to Madrid.", SURPRISAL).place == "Madrid"
    assert [mention.text for mention in times_in(utterance, second)] == ["on 2 March 2024"]


async def test_named_leaves_the_speaker_out(analyzer: SpacyAnalyzer) -> None:
    assert named(await said(analyzer, "Maria and Ben live in Lisbon.")) == {"maria", "lisbon"}


async def test_roles_are_no_people(analyzer: SpacyAnalyzer) -> None:
    turn = Turn(turn_id="t", scope=Scope("u"), role=Role.USER, content="I ski.", event_time=WHEN)
    (utterance,) = read([turn], await analyzer.analyze(["I ski."]))
    assert symbols(utterance, utterance.pieces, "The user skis.", SURPRISAL).people == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("I ski.", None),
        ("I ski today.", Interval(datetime(2024, 3, 13, tzinfo=UTC), datetime(2024, 3, 14, tzinfo=UTC))),
        ("I skied yesterday and ski today.", None),
    ],
)
async def test_validity(analyzer: SpacyAnalyzer, content: str, expected: Interval | None) -> None:
    assert validity((await said(analyzer, content)).times) == expected


def test_bits() -> None:
    assert mean_bits("", "en", SURPRISAL) == telling_bits("the of and", "en", SURPRISAL) == 0.0
    assert mean_bits("the house", "en", SURPRISAL) < mean_bits("theodolite", "en", SURPRISAL)
    assert telling_bits("kraken kraken", "en", SURPRISAL) == telling_bits("kraken", "en", SURPRISAL) > 0


def test_salience_rises_with_what_is_told() -> None:
    plain = salience("nice day", "en", Symbolic(), dated=False, surprisal=SURPRISAL)
    named_too = salience("nice day", "en", Symbolic(entities=("A", "B", "C", "D")), dated=False, surprisal=SURPRISAL)
    assert named_too - plain == pytest.approx(0.3)
    assert salience("nice day 5", "en", Symbolic(), dated=True, surprisal=SURPRISAL) > plain
    assert salience("", "en", Symbolic(), dated=False, surprisal=SURPRISAL) == 0.0
