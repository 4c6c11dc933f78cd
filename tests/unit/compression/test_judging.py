"""Which pieces of a turn are told, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from memsvc.compression.echo import told_before
from memsvc.compression.entropy import GateSettings, WindowScore
from memsvc.compression.judging import Density, Judgement, judge
from memsvc.compression.questions import answered
from memsvc.compression.reasons import Reason
from memsvc.types import Role
from support.compressing import Line, readings


def judged(
    *lines: Line, context: int = 0, score: float = 1.0, density: Density = Density.BALANCED, told: Sequence[str] = ()
) -> list[Judgement]:
    read = readings(*lines)
    return judge(
        read,
        [answered(read, i) for i in range(len(read))],
        context=context,
        scores=[WindowScore(score, 0.0, score)] * (len(read) - context),
        gate=GateSettings(threshold=0.5),
        told_before=told_before(told),
        density=density,
        chosen=frozenset() if density is Density.TERSE else None,
    )


def of(content: str, **options: object) -> tuple[list[str], dict[str, Reason]]:
    """What is told of a turn, and what is cut with its reasons."""
    (judgement,) = judged(("Ida", content), **options)  # type: ignore[arg-type]  # a test's arguments
    return (
        [piece.text(content) for piece in judgement.told],
        {piece.text(content): reason for piece, reason in judgement.cuts.items()},
    )


def test_only_what_says_nothing_is_cut() -> None:
    told, cuts = of("Hi! I sing bass. Thanks so much. My voice broke at eleven. How are you?")
    assert told == ["I sing bass.", "My voice broke at eleven."]
    assert cuts == {
        "Hi!": Reason.GREETING,
        "Thanks so much.": Reason.THANKS,
        "How are you?": Reason.EMPTY_QUESTION,
    }


@pytest.mark.parametrize(
    "content",
    [
        "My grandson wrote: Hi! Thanks! I passed.",
        "From: Ida\nSubject: hello\n\nHi!\n\nThanks!",
        "# Cards\nThanks!",
        "- Thanks!\n- ok",
        "```\nok\n```",
        "> Great!",
    ],
)
def test_what_stands_under_something_or_is_no_prose_is_told_whole(content: str) -> None:
    told, cuts = of(content)
    assert not cuts
    assert told


def test_a_heading_goes_with_what_stands_under_it() -> None:
    assert of("# Cards\nThanks!", density=Density.TERSE) == (
        [],
        {"# Cards": Reason.LOW_INFORMATION, "Thanks!": Reason.LOW_INFORMATION},
    )


def test_reactions_are_cut_where_the_window_has_nothing_new() -> None:
    reaction = "That's great news for the choir."
    assert of(reaction)[0] == [reaction]
    assert of(reaction, score=0.1)[1] == {reaction: Reason.LOW_ENTROPY}


@pytest.mark.parametrize(
    "fact", ["I work nights.", "She said yes!", "I got the job!", "They said no.", "I'm not going."]
)
def test_a_short_fact_is_told_in_whatever_window(fact: str) -> None:
    assert of(fact, score=0.0) == ([fact], {})


@pytest.mark.parametrize("answer", ["Yes!", "Sure.", "👍", "Right.", "That's great news for the choir."])
def test_an_answer_is_told_and_its_question_there_alone(answer: str) -> None:
    asker, reply = judged(("Leo", "Hi! Will you sing in May?"), ("Ida", answer), score=0.0)
    assert reply.told
    assert reply.question is not None
    assert reply.question.index == 0
    assert asker.told == []
    assert Reason.ANSWERED in asker.cuts.values()
    assert asker.reason is Reason.ANSWERED
    assert reply.reason is Reason.INFORMATIVE


def test_a_question_in_the_context_is_told_with_its_answer() -> None:
    (reply,) = judged(("Leo", "Will you sing in May?"), ("Ida", "No."), context=1)
    assert reply.question is not None


def test_what_stands_beside_an_answered_question_is_told_on_its_own() -> None:
    asker, _ = judged(("Leo", "The organ is out of tune. Will you sing in May?"), ("Ida", "No."))
    assert len(asker.told) == 1
    assert asker.reason is Reason.INFORMATIVE


def test_echoes_of_memories_and_of_the_context_are_cut() -> None:
    echo = "You rent the chapel from the parish council."
    (of_memory,) = judged(("", echo, Role.ASSISTANT), told=["Ida: I rent the chapel from the parish council."])
    assert of_memory.reason is Reason.ECHO
    (of_context,) = judged(("Ida", "I rent the chapel from the parish council."), ("", echo, Role.ASSISTANT), context=1)
    assert of_context.reason is Reason.ECHO
    _, of_turn = judged(("Ida", "I rent the chapel from the parish council."), ("", echo, Role.ASSISTANT))
    assert of_turn.reason is Reason.ECHO


def test_instructions_are_never_told() -> None:
    for density in Density:
        (judgement,) = judged(("", "Never mention prices. Be brief.", Role.SYSTEM), density=density)
        assert judgement.told == []
        assert judgement.reason is Reason.SYSTEM


def test_output_of_tools_is_told_whole() -> None:
    (judgement,) = judged(("", "ok\nthanks\nok", Role.TOOL), score=0.0)
    assert not judgement.cuts


def test_in_full_all_is_told() -> None:
    (judgement,) = judged(("Ida", "Hi! Thanks. Wow."), density=Density.FULL, score=0.0)
    assert len(judgement.told) == 3
    assert not judgement.cuts


def test_a_blank_turn_is_empty() -> None:
    (judgement,) = judged(("Ida", "  \n"))
    assert (judgement.told, judgement.reason) == ([], Reason.EMPTY)


def test_what_leads_to_an_echo_goes_with_it() -> None:
    content = "Here is what I know of you:\n\nYou rent the chapel from the parish council."
    (judgement,) = judged(("", content, Role.ASSISTANT), told=["Ida: I rent the chapel from the parish council."])
    assert judgement.told == []
    assert set(judgement.cuts.values()) == {Reason.ECHO}


def test_what_leads_to_an_echo_and_to_news_stays() -> None:
    content = "Here is what I know of you:\n\nYou rent the chapel from the parish council. Rents rise in June."
    (judgement,) = judged(("", content, Role.ASSISTANT), told=["Ida: I rent the chapel from the parish council."])
    assert [piece.text(content) for piece in judgement.told] == ["Here is what I know of you:", "Rents rise in June."]


def test_an_answer_that_asks_back_keeps_its_own_question() -> None:
    first, second, third = judged(("Ida", "Where?"), ("Leo", "Where what? Rome."), ("Ida", "In Oslo."))
    assert (len(first.told), len(second.told), len(third.told)) == (0, 2, 1)
    assert second.question is not None
    assert third.question is not None
