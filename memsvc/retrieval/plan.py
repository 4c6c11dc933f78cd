"""From complexity to a plan: how deep, how many candidates, how many tokens, and how far below the best score.

    depth  = floor(BASE_DEPTH * (1 + DEPTH_GAIN * C_q))
    window = (BASE_WINDOW + WINDOW_GAIN * C_q) * min(1, max(LEAST_FOCUS, confidence / SURE))

The depth follows k_dyn of SimpleMem (arXiv 2601.02553, section 3.3), whose constants are not published, and the token
budget grows with it. Both are ceilings: within them the window decides, so that a question whose answer stands out
costs little and one with many candidates of nearly the same score gets more of them. It narrows as the tokens are used
up, since what a memory adds falls with each one before it. At an equal mean of tokens this finds more evidence than any
fixed budget.

A caller may fix the tokens, the depth or both. What the caller fixes is kept, without a window; the other adapts, and
is raised where it would keep the caller from getting what was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from memsvc.language.detection import detect
from memsvc.language.timeline import find_times
from memsvc.retrieval.names import Names
from memsvc.types import Complexity, Interval, QueryPlan, QuerySpec, SymbolicQuery

BASE_DEPTH, DEPTH_GAIN = 30, 2.0
MIN_TOKENS, MAX_TOKENS = 1000, 2000
BASE_WINDOW, WINDOW_GAIN = 0.21, 0.21
LEAST_FOCUS, SURE = 0.1, 0.6
"""Share of the window that is left where no answer is expected, and the confidence from which all of it is."""
ALWAYS_TOKENS, UNSURE_TOKENS, UNSURE = 240, 60, 0.3
"""Tokens that no window keeps from being used from that confidence on, and without any; judgements. A store that holds
little tells it, since what decides need not share a word with the question."""
STATEMENT_TOKENS = 45
"""Budget for one statement when only the depth is fixed."""
SHORT_STATEMENT_TOKENS = 10
"""Smallest statement that a fixed budget is expected to be filled with."""
MIN_CANDIDATES, MAX_CANDIDATES, CANDIDATES_PER_RESULT = 200, 400, 4


def make_plan(spec: QuerySpec, names: Names, complexity: Complexity, weights: Mapping[str, float]) -> QueryPlan:
    """Plan the retrieval for a question of this complexity that names these people and entities."""
    depth = _depth(spec, complexity.score)
    return QueryPlan(
        depth=depth,
        candidates_per_view=_candidates(depth),
        max_tokens=_max_tokens(spec, depth, complexity.score),
        score_window=_window(spec, complexity.score),
        weights=weights,
        symbolic=SymbolicQuery(people=names.people, entities=names.entities, interval=_interval(spec)),
    )


def focused(plan: QueryPlan, confidence: float) -> QueryPlan:
    """The plan with the window for this confidence: a question that memory hardly answers is told little."""
    if plan.score_window is None:
        return plan
    share = min(1.0, max(LEAST_FOCUS, confidence / SURE))
    return replace(plan, score_window=plan.score_window * share)


def unhindered_tokens(confidence: float) -> int:
    """Tokens of the best memories that no window keeps out."""
    return round(UNSURE_TOKENS + (ALWAYS_TOKENS - UNSURE_TOKENS) * min(1.0, confidence / UNSURE))


def _candidates(depth: int) -> int:
    return max(depth, min(MAX_CANDIDATES, max(MIN_CANDIDATES, CANDIDATES_PER_RESULT * depth)))


def _depth(spec: QuerySpec, complexity: float) -> int:
    if spec.depth is not None:
        return spec.depth
    adaptive = math.floor(BASE_DEPTH * (1.0 + DEPTH_GAIN * complexity))
    fitting = spec.max_tokens // SHORT_STATEMENT_TOKENS
    return max(adaptive, fitting)


def _window(spec: QuerySpec, complexity: float) -> float | None:
    fixed = spec.depth is not None or spec.max_tokens
    return None if fixed else BASE_WINDOW + WINDOW_GAIN * complexity


def _max_tokens(spec: QuerySpec, depth: int, complexity: float) -> int:
    if spec.max_tokens:
        return spec.max_tokens
    adaptive = round(MIN_TOKENS + (MAX_TOKENS - MIN_TOKENS) * complexity)
    return adaptive if spec.depth is None else max(adaptive, depth * STATEMENT_TOKENS)


def _interval(spec: QuerySpec) -> Interval | None:
    """The time the question names; of several, the span from the first to the last.

    The question mark is taken off: to `find_times` a statement with one looks ahead, while a question to a memory
    looks back ("in May?" is the last May), unless it says otherwise ("will").
    """
    text = spec.text.replace("?", " ")
    intervals = [mention.interval for mention in find_times(text, spec.local_time, language=detect(text))]
    if not intervals:
        return None
    return Interval(min(interval.start for interval in intervals), max(interval.end for interval in intervals))
