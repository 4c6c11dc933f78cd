"""One ranking from several: nothing is lost, and a score stays the sum of its signals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.pooling import pool
from memsvc.types import Signal

WEIGHTS = {"dense": 0.5, "lexical": 0.4, "is_question": -0.1}
values = st.dictionaries(st.sampled_from(list(WEIGHTS)), st.floats(0.01, 1), min_size=1)
rankings = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), values), min_size=1, max_size=5)
Found = dict[str, dict[str, float]]


def ranking(found: Found) -> list[Candidate]:
    made = []
    for id_, named in found.items():
        signals = tuple(Signal(name, value, WEIGHTS[name]) for name, value in named.items())
        made.append(Candidate(id_, None, (), signals, sum(s.value * s.weight for s in signals)))
    return sorted(made, key=lambda candidate: (-candidate.score, candidate.memory_id))


@given(rankings)
def test_every_candidate_stands_once_with_its_mean_score(found: list[Found]) -> None:
    ranked = [ranking(each) for each in found]
    pooled = pool(ranked)
    assert sorted(p.candidate.memory_id for p in pooled) == sorted({id_ for each in found for id_ in each})
    assert [p.candidate.score for p in pooled] == sorted((p.candidate.score for p in pooled), reverse=True)
    for p in pooled:
        scores = {n: c.score for n, each in enumerate(ranked) for c in each if c.memory_id == p.candidate.memory_id}
        assert p.candidate.score == pytest.approx(sum(scores.values()) / len(ranked))
        assert p.candidate.score == pytest.approx(sum(s.value * s.weight for s in p.candidate.signals))
        assert scores[p.sub_query] == max(scores.values())


@given(rankings)
def test_a_question_alone_keeps_its_ranking(found: list[Found]) -> None:
    alone = ranking(found[0])
    assert [(p.candidate, p.sub_query) for p in pool([alone])] == [(candidate, 0) for candidate in alone]


def test_what_two_queries_find_stands_above_what_one_finds() -> None:
    both, stray = {"dense": 0.7}, {"dense": 1.0}
    pooled = pool([ranking({"a": both}), ranking({"a": both, "b": stray})])
    assert [p.candidate.memory_id for p in pooled] == ["a", "b"]
