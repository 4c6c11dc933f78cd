from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.fusion import QUESTION_FACTOR, fuse, symbolic_match
from memsvc.retrieval.plan import VIEW_WEIGHTS
from memsvc.types import IndexHit, Interval, QueryPlan, Symbolic, SymbolicQuery, View
from support.retrieval import make_memory

MAY_8 = datetime(2023, 5, 8, 12, tzinfo=UTC)
MAY = Interval(datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC))

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
        view_weights=VIEW_WEIGHTS,
        symbolic=symbolic or SymbolicQuery(),
    )


@given(results)
def test_candidates_are_the_union_of_the_views_with_scores_in_range(by_view: dict[View, list[IndexHit]]) -> None:
    fused = fuse(by_view, {}, make_query_plan())
    assert {c.memory_id for c in fused} == {hit.memory_id for hits in by_view.values() for hit in hits}
    assert len({c.memory_id for c in fused}) == len(fused)
    assert all(0.0 <= c.score <= 1.0 + 1e-9 for c in fused)
    assert all(0.0 <= s.normalized <= 1.0 for c in fused for s in c.view_scores)
    assert [(-c.score, c.memory_id) for c in fused] == sorted((-c.score, c.memory_id) for c in fused)


@given(results)
def test_order_does_not_depend_on_the_order_of_the_views(by_view: dict[View, list[IndexHit]]) -> None:
    backwards = dict(reversed(by_view.items()))
    plan = make_query_plan()
    order = [c.memory_id for c in fuse(by_view, {}, plan)]
    assert order == [c.memory_id for c in fuse(backwards, {}, plan)]


@pytest.mark.parametrize("view", [View.DENSE, View.LEXICAL])
def test_one_view_alone_can_put_a_memory_first(view: View) -> None:
    other = View.LEXICAL if view is View.DENSE else View.DENSE
    by_view = {view: [IndexHit("only", 9.0), IndexHit("c", 1.0)], other: [IndexHit("a", 1.0), IndexHit("b", 0.5)]}
    first_two = fuse(by_view, {}, make_query_plan())[:2]
    assert "only" in {candidate.memory_id for candidate in first_two}


def test_lexical_scores_are_measured_from_zero_when_the_view_ran_out_of_matches() -> None:
    hits = [IndexHit("a", 4.0), IndexHit("b", 3.0)]
    scores = {c.memory_id: c.view_scores[0].normalized for c in fuse({View.LEXICAL: hits}, {}, make_query_plan())}
    assert scores == {"a": 1.0, "b": 0.75}
    full = [*hits, *(IndexHit(f"c{i}", 2.0) for i in range(58))]
    scores = {c.memory_id: c.view_scores[0].normalized for c in fuse({View.LEXICAL: full}, {}, make_query_plan())}
    assert scores["b"] == 0.5


def test_a_match_of_the_questions_names_lifts_a_candidate_of_any_view() -> None:
    ann, bo = make_memory("Ann ran.", people=("Ann",)), make_memory("Bo ran.", people=("Bo",))
    by_view = {View.LEXICAL: [IndexHit(ann.id, 2.0), IndexHit(bo.id, 2.0)]}
    fused = fuse(by_view, {m.id: m for m in (ann, bo)}, make_query_plan(SymbolicQuery(people=("bo",))))
    assert [candidate.memory for candidate in fused] == [bo, ann]
    assert fused[0].score - fused[1].score == pytest.approx(VIEW_WEIGHTS[View.SYMBOLIC])


def test_a_memory_that_ends_in_a_question_is_worth_less() -> None:
    asks, tells = make_memory("Did Ann run?"), make_memory("Ann ran.")
    by_view = {View.DENSE: [IndexHit(asks.id, 0.5), IndexHit(tells.id, 0.5)]}
    fused = fuse(by_view, {m.id: m for m in (asks, tells)}, make_query_plan())
    assert [candidate.memory for candidate in fused] == [tells, asks]
    assert fused[1].score == pytest.approx(QUESTION_FACTOR * fused[0].score)


def test_symbolic_match_is_the_share_of_names_and_time() -> None:
    memory = make_memory("Ann flew to Rome.", day=MAY_8, symbolic=Symbolic(people=("Ann",), entities=("Rome",)))
    assert symbolic_match(memory, SymbolicQuery(people=("ANN",), entities=("rome",), interval=MAY)) == 1.0
    assert symbolic_match(memory, SymbolicQuery(people=("Ann", "Bo"))) == 0.5
    assert symbolic_match(memory, SymbolicQuery()) == 0.0


def test_a_time_matches_the_event_or_a_closed_validity() -> None:
    june = datetime(2023, 6, 20, tzinfo=UTC)
    query = SymbolicQuery(interval=MAY)
    closed = make_memory("Ann is away.", day=june, valid_from=june - timedelta(days=30), valid_to=june)
    open_ended = make_memory("Ann is away.", day=june, valid_from=june - timedelta(days=30))
    assert symbolic_match(closed, query) == 1.0
    assert symbolic_match(open_ended, query) == 0.0
    assert symbolic_match(make_memory("Ann ran.", day=MAY.end), query) == 0.0
