"""What a turn holds, read on the clock of who said it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsvc.compression.reading import OPEN_PIECES, read
from memsvc.types import Role
from support.compressing import TOKENS, readings, say


def dated(content: str, role: Role = Role.USER) -> list[str]:
    (reading,) = readings(("Ida", content, role))
    return [mention.text for mention in reading.times]


def test_code_and_tools_say_no_dates_of_the_speaker() -> None:
    assert dated("The exam was yesterday.") == ["yesterday"]
    assert dated("The exam was yesterday.", Role.TOOL) == []
    assert dated("It broke yesterday:\n```\ngit log --since yesterday\n```\nFixed today.") == ["yesterday", "today"]


@pytest.mark.parametrize(
    "passed_on",
    [
        "Nora wrote: the bus leaves tomorrow.",
        "My boss texted me this:\n\nYou start tomorrow.\n\nThe week after next week you are off.",
        "Opa schrieb: Ich komme morgen.",
        "From: Nora\nSubject: bus\n\nIt leaves tomorrow.",
        "Fwd: it leaves tomorrow",
        "My boss wrote:\nYou start tomorrow.",
        "-----Original Message-----\nFrom: Nora\nIt leaves tomorrow.",
        "I got this message: the bus leaves tomorrow.",
        'Nora said "I quit.\n\nI leave tomorrow.\n\nBye."',
    ],
)
def test_what_somebody_wrote_before_is_counted_from_a_day_that_is_not_known(passed_on: str) -> None:
    assert dated(passed_on) == []
    assert dated("She wrote: it was on 3 March 2026.") == ["on 3 March 2026"]
    assert dated("I wrote him: the bus leaves tomorrow.") == ["tomorrow"]
    assert dated("The plan: the bus leaves tomorrow.") == ["tomorrow"]


def test_dates_are_those_of_the_speakers_own_clock() -> None:
    turn = replace(say("The exam is today."), utc_offset_minutes=14 * 60)
    (reading,) = read([turn], known=(), tokens=TOKENS)
    assert reading.times[0].interval.start.isoformat()[:10] == "2026-05-08"


def test_a_turn_too_short_to_tell_is_in_the_language_of_the_one_before() -> None:
    spoken = [reading.language for reading in readings(("Ida", "Ich wohne seit zwei Jahren in Köln."), ("Leo", "42"))]
    assert spoken == ["de", "de"]


def test_questions_are_those_a_turn_ends_with() -> None:
    told = "I sing bass. " * OPEN_PIECES
    (reading,) = readings(("Ida", f"Do you sing? {told}Is it loud? Is it late?"))
    assert [reading.text(piece) for piece in reading.questions] == ["Is it loud?", "Is it late?"]
    (reading,) = readings(("Ida", f"{told}{'Is it loud? ' * 9}"))
    assert len(reading.questions) == 9


def test_those_present_are_known_by_every_word_of_their_names() -> None:
    (reading, _) = readings(("Ida Holm", "Hi."), ("Leo", "Hi."))
    assert reading.called == {"ida", "holm", "leo"}
