"""One ranking from several: nothing is lost, and each memory keeps the best it was worth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.pooling import pool

rankings = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=5
)


def ranking(scores: dict[str, float]) -> list[Candidate]:
    found = [Candidate(id_, None, (), (), score) for id_, score in scores.items()]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.memory_id))


@given(rankings)
def test_every_candidate_stands_once_with_its_best_score(scores: list[dict[str, float]]) -> None:
    pooled = pool([ranking(each) for each in scores])
    assert {p.candidate.memory_id for p in pooled} == {id_ for each in scores for id_ in each}
    assert len({p.candidate.memory_id for p in pooled}) == len(pooled)
    for p in pooled:
        mine = [each.get(p.candidate.memory_id, -1.0) for each in scores]
        assert p.candidate.score == max(mine)
        assert p.sub_query == mine.index(max(mine))
    assert [p.candidate.score for p in pooled] == sorted((p.candidate.score for p in pooled), reverse=True)


@given(rankings)
def test_a_question_alone_keeps_its_ranking(scores: list[dict[str, float]]) -> None:
    alone = ranking(scores[0])
    assert [p.candidate for p in pool([alone])] == alone
    assert {p.sub_query for p in pool([alone])} <= {0}
