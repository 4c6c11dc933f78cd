from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.fusion import SIBLING, Candidate, fuse
from memsvc.retrieval.question import read_question
from memsvc.retrieval.weights import SHIPPED
from memsvc.types import IndexHit, Memory, QueryPlan, Role, Scope, Symbolic, SymbolicQuery, TurnRef, View
from support.retrieval import make_memory

raw_scores = st.floats(-1e3, 1e3, allow_nan=False)
found = st.dictionaries(st.sampled_from("abcdefgh"), raw_scores, max_size=8).map(
    lambda scores: [IndexHit(id_, score) for id_, score in sorted(scores.items(), key=lambda item: -item[1])]
)
results = st.fixed_dictionaries(dict.fromkeys(View, found))


def make_query_plan(symbolic: SymbolicQuery | None = None) -> QueryPlan:
    return QueryPlan(
        depth=5,
        candidates_per_view=60,
        max_tokens=500,
        score_window=None,
        weights=SHIPPED.ranking,
        symbolic=symbolic or SymbolicQuery(),
    )


def fused(
    by_view: dict[View, list[IndexHit]], memories: list[Memory] | None = None, text: str = "who ran?"
) -> list[Candidate]:
    question = read_question(text)
    plan = make_query_plan(SymbolicQuery(people=question.names.people))
    return fuse(by_view, {m.id: m for m in memories or ()}, plan, question)


def values(candidate: Candidate) -> dict[str, float]:
    return {signal.name: signal.value for signal in candidate.signals}


@given(results)
def test_candidates_are_the_union_of_the_views_ordered_by_score(by_view: dict[View, list[IndexHit]]) -> None:
    candidates = fused(by_view)
    assert {c.memory_id for c in candidates} == {hit.memory_id for hits in by_view.values() for hit in hits}
    assert len({c.memory_id for c in candidates}) == len(candidates)
    assert all(c.score <= 1.0 + 1e-9 for c in candidates)
    assert all(0.0 <= s.normalized <= 1.0 for c in candidates for s in c.view_scores)
    assert [(-c.score, c.memory_id) for c in candidates] == sorted((-c.score, c.memory_id) for c in candidates)


@given(results)
def test_a_score_is_the_sum_of_its_signals(by_view: dict[View, list[IndexHit]]) -> None:
    memories = [make_memory(f"Ann ran {id_}.", id=id_, people=("Ann",)) for id_ in "abcd"]
    for candidate in fused(by_view, memories, "When did Ann run?"):
        assert candidate.score == pytest.approx(sum(s.value * s.weight for s in candidate.signals))
        assert all(0.0 < s.value <= 1.0 for s in candidate.signals)


@given(results)
def test_order_does_not_depend_on_the_order_of_the_views(by_view: dict[View, list[IndexHit]]) -> None:
    backwards = dict(reversed(by_view.items()))
    assert [c.memory_id for c in fused(by_view)] == [c.memory_id for c in fused(backwards)]


@pytest.mark.parametrize("view", [View.DENSE, View.LEXICAL])
def test_one_view_alone_can_put_a_memory_first(view: View) -> None:
    other = View.LEXICAL if view is View.DENSE else View.DENSE
    by_view = {view: [IndexHit("only", 9.0), IndexHit("c", 1.0)], other: [IndexHit("a", 1.0), IndexHit("b", 0.5)]}
    assert "only" in {candidate.memory_id for candidate in fused(by_view)[:2]}


def test_lexical_scores_are_measured_from_zero_when_the_view_ran_out_of_matches() -> None:
    hits = [IndexHit("a", 4.0), IndexHit("b", 3.0)]
    assert {c.memory_id: values(c)["lexical"] for c in fused({View.LEXICAL: hits})} == {"a": 1.0, "b": 0.75}
    full = [*hits, *(IndexHit(f"c{i}", 2.0) for i in range(58))]
    scores = {c.memory_id: c.view_scores[0].normalized for c in fused({View.LEXICAL: full})}
    assert scores["b"] == 0.5


def test_what_the_named_speaker_said_comes_before_the_same_said_by_another() -> None:
    ann = make_memory("Ann ran.", symbolic=Symbolic(people=("Ann",), speaker="Ann Lee"))
    bo = make_memory("Bo ran.", symbolic=Symbolic(people=("Bo",), speaker="Bo"))
    by_view = {View.LEXICAL: [IndexHit(bo.id, 2.0), IndexHit(ann.id, 2.0)]}
    first, second = fused(by_view, [ann, bo], "why did Ann run?")
    assert (first.memory, second.memory) == (ann, bo)
    assert values(first)["speaker"] == 1.0
    assert "speaker" not in values(second)


def test_a_memory_of_the_session_where_the_best_one_stands_is_lifted() -> None:
    talk, other = Scope("ann", session_id="talk"), Scope("ann", session_id="other")
    best, near, far = (
        make_memory("Ann ran far.", scope=talk),
        make_memory("It rained.", scope=talk),
        make_memory("It snowed.", scope=other),
    )
    by_view = {View.DENSE: [IndexHit(best.id, 0.9), IndexHit(near.id, 0.3), IndexHit(far.id, 0.3)]}
    scores = {c.memory_id: c for c in fused(by_view, [best, near, far])}
    assert scores[near.id].score > scores[far.id].score
    assert values(scores[near.id])["session_dense"] == 1.0


def test_a_memory_that_ends_in_a_question_is_worth_less() -> None:
    asks, tells = make_memory("Did Ann run?"), make_memory("Ann has run.")
    by_view = {View.DENSE: [IndexHit(asks.id, 0.5), IndexHit(tells.id, 0.5)]}
    assert [candidate.memory for candidate in fused(by_view, [asks, tells])] == [tells, asks]


def test_what_sql_does_not_know_is_judged_by_its_views_alone() -> None:
    (candidate,) = fused({View.DENSE: [IndexHit("gone", 0.5)]})
    assert candidate.memory is None
    assert values(candidate) == {"dense": 1.0}


def test_parts_of_one_long_turn_compete_as_one() -> None:
    turn = TurnRef(Scope("ann"), "t1")
    parts = [make_memory(f"Part {i}.", id=f"p{i}", sources=(turn,), part_count=7) for i in range(7)]
    short = make_memory("Ann ran.", id="q", sources=(TurnRef(Scope("ann"), "t2"),))
    by_view = {
        View.DENSE: [
            *(IndexHit(part.id, 0.9 - i / 1000) for i, part in enumerate(parts)),
            IndexHit("q", 0.89),
            IndexHit("z", 0.1),
        ]
    }
    found = fused(by_view, [*parts, short])
    assert [candidate.memory_id for candidate in found].index("q") < 2
    siblings = {candidate.memory_id: values(candidate).get(SIBLING, 0.0) for candidate in found}
    assert siblings == {
        "z": 0.0,
        "p0": 0.0,
        "p1": 0.25,
        "p2": 0.5,
        "p3": 0.75,
        "p4": 1.0,
        "p5": 1.0,
        "p6": 1.0,
        "q": 0.0,
    }
    assert all(c.score == pytest.approx(sum(s.value * s.weight for s in c.signals)) for c in found)


def test_what_an_assistant_only_repeats_ranks_behind_what_its_user_said() -> None:
    own = make_memory("I prefer window seats.", id="own")
    echo = make_memory("I note that you prefer aisle seats.", id="echo", role=Role.ASSISTANT, repetition=0.5)
    by_view = {View.DENSE: [IndexHit("echo", 0.8), IndexHit("own", 0.8), IndexHit("z", 0.1)]}
    assert [c.memory_id for c in fused(by_view, [echo, own])][:2] == ["own", "echo"]
    asked = fused(by_view, [echo, own], "Which seats did you note that I prefer?")
    assert values(next(c for c in asked if c.memory_id == "echo"))["asks_reply"] == 0.5
