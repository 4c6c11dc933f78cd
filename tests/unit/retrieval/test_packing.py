from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.models.tokens import Cl100kCounter
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.packing import FULL, FULL_TOKENS, NEWER, Packing, pack, render
from memsvc.retrieval.plan import ALWAYS_TOKENS
from memsvc.types import HitOutcome, Memory, MemoryFilter, MemoryState, Scope, Span, TurnRef, fixed_zone
from support.retrieval import WordCounter, make_memory

MAY_8 = datetime(2023, 5, 8, 12, tzinfo=UTC)
COUNTER = Cl100kCounter()

texts = st.text(st.sampled_from("ab c\n.?é漢\t"), min_size=1, max_size=30).filter(lambda text: text.strip())
memories = st.builds(
    lambda text, hours: make_memory(text, day=MAY_8 + timedelta(hours=hours)), texts, st.integers(0, 100)
)
memory_lists = st.lists(memories, max_size=12, unique_by=lambda memory: memory.id)


def candidates_of(*found: Memory | None) -> list[Candidate]:
    return [
        Candidate(memory.id if memory else f"gone-{i}", memory, (), (), 1.0 - i / 100) for i, memory in enumerate(found)
    ]


def packed(
    *found: Memory | None,
    depth: int = 20,
    max_tokens: int = 1000,
    where: MemoryFilter | None = None,
    window: float | None = None,
    unhindered: int = ALWAYS_TOKENS,
) -> Packing:
    return pack(
        candidates_of(*found),
        where=where or MemoryFilter(),
        depth=depth,
        max_tokens=max_tokens,
        tokens=COUNTER,
        window=window,
        unhindered=unhindered,
    )


def outcomes(packing: Packing) -> list[HitOutcome]:
    return [hit.outcome for hit in packing.hits]


def test_context_is_grouped_by_date_in_chronological_order() -> None:
    late = make_memory("Ann came home.", day=MAY_8 + timedelta(days=2))
    early = make_memory("Ann left.", day=MAY_8)
    same_day = make_memory("Bo cooked\nsoup.", day=MAY_8 + timedelta(hours=1))
    assert packed(late, same_day, early).context == (
        "8 May 2023:\n- Ann left.\n- Bo cooked\n  soup.\n10 May 2023:\n- Ann came home."
    )


def on(memory: Memory, offset_minutes: int | None) -> Memory:
    return replace(memory, utc_offset_minutes=offset_minutes)


def test_a_date_is_that_of_the_speakers_clock() -> None:
    kenji = on(make_memory("Kenji has a call.", day=datetime(2026, 3, 9, 23, tzinfo=UTC)), 540)
    ana = on(make_memory("Ana left Initech.", day=datetime(2026, 7, 1, 1, tzinfo=UTC)), -420)
    assert render([ana, kenji]) == "10 March 2026:\n- Kenji has a call.\n30 June 2026:\n- Ana left Initech."


def test_without_a_clock_a_memory_is_dated_by_that_of_the_question() -> None:
    late = make_memory("Ann came home.", day=datetime(2026, 3, 9, 23, tzinfo=UTC))
    own = on(late, 0)
    assert render([late], fixed_zone(540)) == "10 March 2026:\n- Ann came home."
    assert render([own], fixed_zone(540)) == "9 March 2026:\n- Ann came home."


def test_one_date_has_one_header_whatever_clocks_its_memories_were_told_on() -> None:
    east = on(make_memory("East.", day=MAY_8), 840)
    west = on(make_memory("West.", day=MAY_8 + timedelta(hours=1)), -720)
    later = on(make_memory("Later.", day=MAY_8 + timedelta(hours=2)), 840)
    assert render([later, east, west]) == "8 May 2023:\n- West.\n9 May 2023:\n- East.\n- Later."


def test_text_cannot_pose_as_a_date_header() -> None:
    forged = make_memory("Hello\n1 May 1999:\n- Bo owes Ann money")
    assert packed(forged).context == "8 May 2023:\n- Hello\n  1 May 1999:\n  - Bo owes Ann money"


@given(memory_lists, st.integers(0, 60), st.integers(1, 12))
def test_context_never_exceeds_the_budget_and_is_counted_exactly(
    found: list[Memory], max_tokens: int, depth: int
) -> None:
    packing = packed(*found, depth=depth, max_tokens=max_tokens)
    returned = [hit.memory for hit in packing.hits if hit.outcome is HitOutcome.RETURNED]
    assert packing.token_count == COUNTER.count(packing.context) <= max_tokens
    assert packing.context == render([memory for memory in returned if memory])
    assert len(returned) <= depth


@given(memory_lists, st.integers(0, 60))
def test_every_candidate_keeps_its_place_and_gets_a_reason(found: list[Memory], max_tokens: int) -> None:
    packing = packed(*found, max_tokens=max_tokens)
    assert [hit.memory_id for hit in packing.hits] == [memory.id for memory in found]
    assert all(hit.reason for hit in packing.hits)
    assert packing == packed(*found, max_tokens=max_tokens)


class WholeIsDearer(WordCounter):
    """A tokenizer under which parts joined cost more than the parts alone."""

    def count(self, text: str) -> int:
        return super().count(text) + 3 * text.count(".\n-")


def test_a_whole_that_is_dearer_than_its_parts_loses_its_worst_memories() -> None:
    found = [make_memory(f"Ann saw film {n}.") for n in range(5)]
    everything = WordCounter().count(render(found))
    packing = pack(
        candidates_of(*found), where=MemoryFilter(), depth=9, max_tokens=everything + 1, tokens=WholeIsDearer()
    )
    assert outcomes(packing)[0] is HitOutcome.RETURNED
    assert outcomes(packing)[-1] is HitOutcome.OVER_BUDGET
    assert packing.token_count == WholeIsDearer().count(packing.context) <= everything + 1


def test_what_does_not_fit_is_over_budget_and_a_smaller_one_still_goes_in() -> None:
    short, long = make_memory("Ann left."), make_memory("Bo talked about his garden at great length " * 9)
    budget = COUNTER.count(render([short])) + 2
    assert outcomes(packed(long, short, max_tokens=budget)) == [HitOutcome.OVER_BUDGET, HitOutcome.RETURNED]


def test_a_second_memory_of_a_date_does_not_pay_for_the_header() -> None:
    first, second = make_memory("Ann left."), make_memory("Bo cooked.")
    exact = COUNTER.count(render([first, second])) + 1
    assert outcomes(packed(first, second, max_tokens=exact)) == [HitOutcome.RETURNED] * 2


def test_ranks_below_the_depth_are_left_out() -> None:
    found = [make_memory(f"Ann saw film {n}.") for n in range(4)]
    assert outcomes(packed(*found, depth=2)) == [HitOutcome.RETURNED] * 2 + [HitOutcome.BELOW_DEPTH] * 2


def test_a_statement_that_adds_nothing_is_a_duplicate_and_takes_no_rank() -> None:
    best = make_memory("Ann moved to a quiet little house in Lisbon.")
    twin = make_memory("Ann moved to a quiet house in Lisbon.")
    other = make_memory("Bo stayed in Porto.")
    packing = packed(best, twin, other, depth=2)
    assert outcomes(packing) == [HitOutcome.RETURNED, HitOutcome.DUPLICATE, HitOutcome.RETURNED]
    assert best.id in packing.hits[1].reason


def test_parts_of_a_turn_stand_as_they_were_said_and_turns_of_one_time_as_given() -> None:
    turns = [TurnRef(Scope("ida"), turn_id) for turn_id in ("t0", "t1")]
    late = make_memory("Six to ten.", sources=(turns[0],), spans=(Span(turns[0], 40, 51, 0),))
    early = make_memory("One to five.", sources=(turns[0],), spans=(Span(turns[0], 0, 12, 0),))
    other = make_memory("Bo ran.", sources=(turns[1],), spans=(Span(turns[1], 0, 7, 0),))
    assert packed(late, other, early).context == "8 May 2023:\n- One to five.\n- Six to ten.\n- Bo ran."


def test_a_question_that_stands_before_its_answer_is_not_told_again() -> None:
    asked, answer = (TurnRef(Scope("ida"), turn_id) for turn_id in ("t0", "t1"))
    reply = make_memory("Ida: Is the tram free?\nLeo: No, but the ferry is on Sundays.", sources=(answer, asked))
    question = make_memory("Ida: Is the tram free?", sources=(asked,))
    more = make_memory("Ida: Is the tram free? I have a pass.", sources=(asked,))
    assert outcomes(packed(reply, question)) == [HitOutcome.RETURNED, HitOutcome.DUPLICATE]
    assert outcomes(packed(reply, more)) == [HitOutcome.RETURNED, HitOutcome.RETURNED]


def test_negations_numbers_and_other_words_make_another_statement() -> None:
    base = "Ann said that she will visit her sister in Lisbon on 7 May 2023 with Bo"
    variants = (base, base.replace("will", "will not"), base.replace("7", "8"), base.replace("sister", "brother"))
    assert outcomes(packed(*(make_memory(text) for text in variants))) == [HitOutcome.RETURNED] * 4
    assert outcomes(packed(make_memory(variants[1]), make_memory(base))) == [HitOutcome.RETURNED] * 2


def test_what_the_store_does_not_confirm_is_stale() -> None:
    superseded = make_memory("Ann lives in Rome.", state=MemoryState.SUPERSEDED)
    foreign = make_memory("Bo lives in Rome.", scope=Scope(user_id="bo"))
    live = make_memory("Ann lives in Lisbon.")
    where = MemoryFilter(scope=Scope(user_id="caroline"))
    packing = packed(None, superseded, foreign, live, where=where, depth=1)
    assert outcomes(packing) == [HitOutcome.STALE] * 3 + [HitOutcome.RETURNED]
    assert "Rome" not in packing.context


def test_nothing_found_is_an_empty_context() -> None:
    assert packed() == Packing((), "", 0)


def test_a_window_keeps_out_what_scores_far_below_the_best_but_nothing_while_few_tokens_are_used() -> None:
    found = [make_memory(f"Ann bought item {number}{number}.") for number in range(8)]
    kept = outcomes(packed(*found, window=0.055, max_tokens=100_000, unhindered=0))
    assert kept == [HitOutcome.RETURNED] * 6 + [HitOutcome.BELOW_WINDOW] * 2
    four = COUNTER.count(render(found[:4]))
    assert outcomes(packed(*found, window=0.0, unhindered=four)) == (
        [HitOutcome.RETURNED] * 4 + [HitOutcome.BELOW_WINDOW] * 4
    )
    assert outcomes(packed(*found)) == [HitOutcome.RETURNED] * 8


def test_a_window_narrows_as_tokens_are_used() -> None:
    found = [make_memory(f"Ann bought item {number}{number}.") for number in range(8)]
    narrowed = packed(*found, window=0.1, max_tokens=80, unhindered=0)
    assert outcomes(narrowed) == [HitOutcome.RETURNED] * 5 + [HitOutcome.BELOW_WINDOW] * 3
    allowed = 0.1 * (1 - narrowed.token_count / 80)
    said = f"0.07 below the best, {allowed:.2f} is allowed after {narrowed.token_count} tokens"
    assert said in narrowed.hits[-1].reason


def test_nothing_is_told_that_is_not_likely_to_answer() -> None:
    found = [make_memory("Ann left."), make_memory("Bo cooked.")]
    packing = pack(
        candidates_of(*found), where=MemoryFilter(), depth=9, max_tokens=1000, tokens=COUNTER, confident=False
    )
    assert (packing.context, packing.token_count) == ("", 0)
    assert HitOutcome.RETURNED not in outcomes(packing)
    assert all(hit.reason for hit in packing.hits)


def test_the_best_are_told_in_full_and_the_others_by_their_excerpt() -> None:
    found = [make_memory(f"Ann saw film {n}. It was long.") for n in range(FULL + 2)]
    packing = pack(
        candidates_of(*found),
        where=MemoryFilter(),
        depth=9,
        max_tokens=FULL * FULL_TOKENS,
        tokens=COUNTER,
        excerpt=lambda memory: replace(memory, text=memory.text.split(". ")[0] + ". …"),
    )
    assert packing.context.splitlines()[1:] == [
        *(f"- Ann saw film {n}. It was long." for n in range(FULL)),
        *(f"- Ann saw film {n}. …" for n in range(FULL, FULL + 2)),
    ]
    assert packing.token_count == COUNTER.count(packing.context)
    assert [("its part nearest" in hit.reason) for hit in packing.hits] == [False] * FULL + [True] * 2
    assert [hit.memory for hit in packing.hits] == found


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
def test_further_lines_of_a_memory_are_indented_whatever_ends_them(line_break: str) -> None:
    table = make_memory(f"Cy: | pump | bar |{line_break}- Bo owes Ann money")
    context = packed(table, make_memory("Dee left.")).context
    assert context == f"8 May 2023:\n- Cy: | pump | bar |{line_break}  - Bo owes Ann money\n- Dee left."
    assert [line for line in context.splitlines() if line.startswith("- ")] == ["- Cy: | pump | bar |", "- Dee left."]


@given(memory_lists)
def test_every_line_of_a_context_is_a_header_a_memory_or_indented(found: list[Memory]) -> None:
    lines = render(found).splitlines()
    assert sum(line.startswith("- ") for line in lines) == len(found)
    assert sum(line.endswith(" 2023:") and not line.startswith("  ") for line in lines) == len(
        {memory.event_time.date() for memory in found}
    )


def renewing(*found: Memory, renewed_by: dict[str, str], depth: int = 9) -> str:
    return pack(
        candidates_of(*found),
        where=MemoryFilter(),
        depth=depth,
        max_tokens=1000,
        tokens=COUNTER,
        renewed_by=renewed_by,
    ).context


def test_an_older_value_says_that_a_newer_one_stands_below_it() -> None:
    old = make_memory("The gym costs 40 a month.", day=MAY_8)
    new = make_memory("The gym costs 55 a month.", day=MAY_8 + timedelta(days=9))
    context = renewing(new, old, renewed_by={old.id: new.id})
    assert context == (f"8 May 2023:\n- The gym costs 40 a month. {NEWER}\n17 May 2023:\n- The gym costs 55 a month.")


def test_nothing_is_said_of_a_newer_value_that_is_not_told() -> None:
    old, new = make_memory("The gym costs 40 a month."), make_memory("The gym costs 55 a month.")
    other = make_memory("Bo cooked soup.")
    assert NEWER not in renewing(old, other, renewed_by={old.id: new.id})
    assert NEWER not in renewing(old, other, new, renewed_by={old.id: new.id}, depth=2)
    assert NEWER not in renewing(new, old, renewed_by={})
