from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.names import Names
from memsvc.retrieval.plan import (
    BASE_DEPTH,
    LEAST_FOCUS,
    MAX_TOKENS,
    MIN_TOKENS,
    SURE,
    focused,
    make_plan,
    unhindered_tokens,
)
from memsvc.retrieval.weights import SHIPPED
from memsvc.types import Complexity, QueryPlan, QuerySpec

NOBODY = Names((), (), ())
ASK_TIME = datetime(2023, 6, 1, tzinfo=UTC)
scores = st.floats(0, 1)


def plan_for(
    score: float, *, text: str = "What does Ann like?", max_tokens: int = 0, depth: int | None = None
) -> QueryPlan:
    spec = QuerySpec(text=text, ask_time=ASK_TIME, max_tokens=max_tokens, depth=depth)
    return make_plan(spec, NOBODY, Complexity(score, ()), SHIPPED.ranking)


@given(scores, scores)
def test_depth_and_tokens_grow_with_complexity(one: float, other: float) -> None:
    simple, complex_ = plan_for(min(one, other)), plan_for(max(one, other))
    assert BASE_DEPTH <= simple.depth <= complex_.depth
    assert simple.score_window is not None
    assert complex_.score_window is not None
    assert simple.score_window <= complex_.score_window
    assert MIN_TOKENS <= simple.max_tokens <= complex_.max_tokens <= MAX_TOKENS


def test_the_ends_of_the_scale() -> None:
    assert (plan_for(0.0).depth, plan_for(0.0).max_tokens) == (BASE_DEPTH, MIN_TOKENS)
    assert (plan_for(1.0).depth, plan_for(1.0).max_tokens) == (3 * BASE_DEPTH, MAX_TOKENS)


@given(scores, st.integers(1, 8000), st.integers(1, 500))
def test_what_the_caller_fixes_is_kept(score: float, max_tokens: int, depth: int) -> None:
    plan = plan_for(score, max_tokens=max_tokens, depth=depth)
    assert (plan.max_tokens, plan.depth, plan.score_window) == (max_tokens, depth, None)


@given(scores, st.integers(1, 500))
def test_a_fixed_depth_gets_tokens_and_candidates_enough(score: float, depth: int) -> None:
    plan = plan_for(score, depth=depth)
    assert plan.max_tokens >= 40 * depth
    assert plan.candidates_per_view >= depth


def test_a_large_fixed_budget_can_be_filled() -> None:
    assert plan_for(0.0, max_tokens=2000).depth >= 100


def test_a_time_in_the_question_becomes_an_interval() -> None:
    plan = plan_for(0.0, text="What did Ann do on 7 May 2023?")
    assert plan.symbolic.interval is not None
    assert plan.symbolic.interval.start == datetime(2023, 5, 7, tzinfo=UTC)
    assert plan.symbolic.interval.end == datetime(2023, 5, 8, tzinfo=UTC)


def test_relative_times_are_read_against_the_time_of_asking() -> None:
    plan = plan_for(0.0, text="What did Ann do yesterday?")
    assert plan.symbolic.interval is not None
    assert plan.symbolic.interval.start == datetime(2023, 5, 31, tzinfo=UTC)


def test_a_question_looks_back() -> None:
    plan = plan_for(0.0, text="What did Ann do in May?")
    assert plan.symbolic.interval is not None
    assert plan.symbolic.interval.start == datetime(2023, 5, 1, tzinfo=UTC)


def test_several_times_make_one_span() -> None:
    plan = plan_for(0.0, text="What did Ann do on 7 May 2023 and on 9 May 2023?")
    assert plan.symbolic.interval is not None
    assert plan.symbolic.interval.end - plan.symbolic.interval.start == timedelta(days=3)


def test_names_of_the_question_reach_the_symbolic_query() -> None:
    names = Names(("Ann",), ("Rome",), ((0, 3),))
    plan = make_plan(QuerySpec(text="?", ask_time=ASK_TIME), names, Complexity(0.0, ()), SHIPPED.ranking)
    assert (plan.symbolic.people, plan.symbolic.entities) == (("Ann",), ("Rome",))
    assert not plan_for(0.0).symbolic


@given(scores, scores)
def test_the_less_an_answer_is_likely_the_narrower_the_window(one: float, other: float) -> None:
    plan = plan_for(0.5)
    assert plan.score_window is not None
    unsure, sure = focused(plan, min(one, other)), focused(plan, max(one, other))
    assert unsure.score_window is not None
    assert sure.score_window is not None
    assert LEAST_FOCUS * plan.score_window <= unsure.score_window <= sure.score_window <= plan.score_window
    assert focused(plan, SURE) == plan
    assert unhindered_tokens(min(one, other)) <= unhindered_tokens(max(one, other))


def test_what_the_caller_fixes_is_kept_however_unlikely_an_answer_is() -> None:
    plan = plan_for(0.5, max_tokens=800)
    assert focused(plan, 0.0) == plan
