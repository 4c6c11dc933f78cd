"""A turn as it is read: its times said absolutely, with a preposition only where the sentence wants one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsvc.compression.utterances import read
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.types import Role, Scope, Turn

TUESDAY = datetime(2025, 4, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("I've booked the Tin Spoon for Saturday 24 May.", "I've booked the Tin Spoon for 24 May 2025."),
        ("The lease is until Friday 9 May.", "The lease is until 9 May 2025."),
        ("Our holiday is Good Friday.", "Our holiday is Good Friday 2025."),
        ("We leave on Saturday 24 May.", "We leave on 24 May 2025."),
        ("I have been here since last Monday.", "I have been here since 21 April 2025."),
        ("Yesterday was great fun.", "21 April 2025 was great fun."),
        ("I painted the fence yesterday.", "I painted the fence on 21 April 2025."),
    ],
)
async def test_times_are_said_absolutely(analyzer: SpacyAnalyzer, said: str, read_as: str) -> None:
    turn = Turn(turn_id="t", scope=Scope("u"), role=Role.USER, content=said, event_time=TUESDAY, speaker="Ben")
    (utterance,) = read([turn], await analyzer.analyze([said]))
    assert utterance.content == read_as
