"""A memory's text is its turns' words: spans equal the turns' slices, additions are all else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.compression.composing import Composed, compose
from memsvc.compression.judging import Density
from memsvc.compression.reading import Reading, read
from memsvc.types import AdditionKind, PendingTurns, Role, Turn
from support.compressing import SPACE, TOKENS, assert_own_words, readings, rules, say
from support.retrieval import make_memory


def kinds(composed: Composed) -> list[tuple[AdditionKind, str]]:
    return [(each.kind, composed.text[each.text_start : each.text_end]) for each in composed.additions]


def check(composed: Composed, *turns: Turn) -> None:
    memory = make_memory(composed.text, spans=composed.spans, additions=composed.additions)
    assert_own_words(memory, turns, cited=False)


def test_a_turn_under_its_label_with_its_dates_in_brackets() -> None:
    (reading,) = readings(("Ida", "I sold the piano yesterday. The movers come on 12 May 2026."))
    composed = compose(reading.turn, reading.pieces, reading.times)
    assert composed.text == "Ida: I sold the piano yesterday [6 May 2026]. The movers come on 12 May 2026."
    assert kinds(composed) == [(AdditionKind.LABEL, "Ida: "), (AdditionKind.DATE, " [6 May 2026]")]
    check(composed, reading.turn)


def test_what_is_left_out_between_is_marked_and_what_is_left_out_at_the_ends_is_not() -> None:
    (reading,) = readings(("Ida", "Hi. The roof leaks. Wow. The loft is wet. Bye."))
    composed = compose(reading.turn, reading.pieces[1::2], reading.times)
    assert composed.text == "Ida: The roof leaks. … The loft is wet."
    assert kinds(composed)[1:] == [(AdditionKind.ELLIPSIS, " … ")]
    check(composed, reading.turn)


def test_pieces_that_follow_one_another_keep_the_blank_between_them() -> None:
    (reading,) = readings(("Ida", "Shopping:\n\n-  flour\n- yeast  \n"))
    composed = compose(reading.turn, reading.pieces, reading.times)
    assert composed.text == "Ida: Shopping:\n\n-  flour\n- yeast"
    assert len(composed.spans) == 1


def test_a_later_piece_is_told_under_what_it_stands_under() -> None:
    (reading,) = readings(("", "## Sourdough\n\nFeed it at noon.\n\nUse rye.", Role.ASSISTANT))
    composed = compose(reading.turn, reading.pieces[2:], reading.times)
    assert composed.text == "Assistant: ## Sourdough\nUse rye."
    assert kinds(composed)[1:] == [(AdditionKind.BREAK, "\n")]
    check(composed, reading.turn)


def test_a_question_stands_before_its_answer_under_its_own_label() -> None:
    asker, reply = readings(("Leo", "Hi! Do you eat fish?"), ("Kim", "No. Never."))
    composed = compose(reply.turn, reply.pieces, (), question=(asker.turn, asker.pieces[1:], asker.times))
    assert composed.text == "Leo: Do you eat fish?\nKim: No. Never."
    assert kinds(composed) == [(AdditionKind.LABEL, "Leo: "), (AdditionKind.LABEL, "\nKim: ")]
    check(composed, asker.turn, reply.turn)


# Every script, code, markup and dates; `st.text` draws the rest of Unicode.
_SAYINGS = st.sampled_from(
    [
        "I moved to Ghent last week.",
        "Where?",
        "No.",
        "Yes, on Monday.",
        "Thanks!",
        "Haha.",
        "- milk\n- eggs",
        "# Plan\n",
        "My boss wrote: I quit. Not tomorrow.",
        "`a == b && c != d`",
        "```py\nx = 1  # tomorrow\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "https://moor.test/yesterday/Monday.html",
        "Ich wohne in Köln.",
        "昨天我去了北京。",
        "先週、京都に行きました。",
        "Я живу в Москве.",
        "أسكن في القاهرة.",
        "मैं दिल्ली में रहता हूँ।",
        "Proceed? [y/N]",
        "y",
        "👍🏽",
        "a\u0301 e\u0301",
        "\u202eabc",
        "\r\n\r\n",
        "\x00",
        "\u2028",
        'Traceback:\n  File "a.py", line 3\nValueError: no',
        "> quoted\n> twice",
        "She starts on Monday and leaves on Sunday.",
        "[1 May 2020]",
    ]
)
_CONTENT = st.lists(st.one_of(_SAYINGS, st.text(max_size=40)), max_size=6).flatmap(
    lambda parts: st.sampled_from([" ", "\n", "\n\n"]).map(lambda between: between.join(parts))
)
_SPEAKERS = st.sampled_from(["Ana", "Ben", "", "李雷", "O'Neil", "İdil"])
_TURNS = st.lists(st.tuples(_SPEAKERS, _CONTENT, st.sampled_from(Role)), min_size=1, max_size=7).map(
    lambda lines: tuple(say(content, speaker, role=role, number=i) for i, (speaker, content, role) in enumerate(lines))
)


@given(_CONTENT, st.data())
@settings(deadline=None)
def test_any_pieces_of_any_text_are_told_in_its_own_words(content: str, data: st.DataObject) -> None:
    reading: Reading = read([say(content)], known=(), tokens=TOKENS)[0]
    told = [piece for piece in reading.pieces if data.draw(st.booleans())]
    if told:
        composed = compose(reading.turn, told, reading.times)
        check(composed, reading.turn)
        assert all(piece.text(content) in _plain(composed) for piece in told)


def _plain(composed: Composed) -> str:
    """The text without its dates."""
    text = composed.text
    for each in reversed(composed.additions):
        if each.kind is AdditionKind.DATE:
            text = text[: each.text_start] + text[each.text_end :]
    return text


@given(_TURNS, st.integers(0, 6), st.sampled_from(Density), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
async def test_whatever_is_compressed_is_told_in_its_turns_words(
    turns: tuple[Turn, ...], context: int, density: Density, threshold: float
) -> None:
    pending = PendingTurns(turns[:context], turns[context:], frozenset(), ("Ben: I moved to Ghent last week.",))
    result = await rules(threshold=threshold, density=density).compress(SPACE, pending)
    assert result == await rules(threshold=threshold, density=density).compress(SPACE, pending)
    assert [outcome.ref for outcome in result.outcomes] == [turn.ref for turn in pending.pending]
    for memory in result.memories:
        assert_own_words(memory, turns)
        assert memory.token_count == TOKENS.count(memory.text)
        assert 0 <= memory.salience <= 1
        assert 0 <= memory.repetition <= 1
    assert len({memory.id for memory in result.memories}) == len(result.memories)
    cited = {ref for memory in result.memories for ref in memory.sources}
    assert {turn.ref for turn in pending.pending if turn.content.strip()} <= cited


@given(_TURNS)
@settings(max_examples=60, deadline=None)
async def test_in_full_nothing_is_left_out_but_instructions(turns: tuple[Turn, ...]) -> None:
    result = await rules(density=Density.FULL).compress(SPACE, PendingTurns((), turns, frozenset()))
    told: dict[str, set[int]] = {turn.turn_id: set() for turn in turns}
    for memory in result.memories:
        for span in memory.spans:
            told[span.turn.turn_id].update(range(span.start, span.end))
    for turn in turns:
        said = {i for i, character in enumerate(turn.content) if not character.isspace()}
        assert said <= told[turn.turn_id]
