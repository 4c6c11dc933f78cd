"""Ranking metrics, evidence and AUROC: bounds, monotony, and values worked out by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bench.metrics import CUTOFFS, auroc, evidence_share, first_citations, ranking_metrics

TURNS = [f"t{i}" for i in range(60)]
rankings = st.lists(st.sampled_from(TURNS), unique=True)
evidence = st.sets(st.sampled_from(TURNS), min_size=1, max_size=8)
scores = st.lists(st.floats(-10, 10), min_size=1, max_size=20).map(np.array)


def test_a_unit_ranks_its_sources_in_its_own_order_and_each_turn_once() -> None:
    assert first_citations([("b", "a"), ("a",), ("c", "b")]) == ("b", "a", "c")


def test_values_worked_out_by_hand() -> None:
    found = ranking_metrics(["x", "a", "y", "z", "b", "c"], {"a", "b", "q"})
    assert found["recall@1"] == 0
    assert found["recall@5"] == pytest.approx(2 / 3)
    assert found["all@50"] == 0
    assert found["mrr"] == 0.5
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg@10"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(6)) / ideal)


@given(rankings, evidence)
def test_bounds_and_monotony(ranking: list[str], wanted: set[str]) -> None:
    found = ranking_metrics(ranking, wanted)
    assert all(0 <= value <= 1 for value in found.values())
    for smaller, larger in pairwise(CUTOFFS):
        assert found[f"recall@{smaller}"] <= found[f"recall@{larger}"]
        assert found[f"all@{smaller}"] <= found[f"all@{larger}"]
    for k in CUTOFFS:
        assert found[f"all@{k}"] == (found[f"recall@{k}"] == 1)


@given(st.permutations(TURNS[:12]), st.sets(st.sampled_from(TURNS[:12]), min_size=1, max_size=8))
def test_a_ranking_that_begins_with_the_evidence_is_perfect(order: list[str], wanted: set[str]) -> None:
    perfect = ranking_metrics(sorted(order, key=lambda turn: turn not in wanted), wanted)
    assert perfect["mrr"] == 1
    assert perfect["ndcg@10"] == pytest.approx(1)
    assert perfect["all@10"] == 1
    assert ranking_metrics(order, wanted)["ndcg@10"] <= 1 + 1e-9


def test_without_evidence_nothing_is_defined() -> None:
    assert all(math.isnan(value) for value in ranking_metrics(["a"], ()).values())
    assert math.isnan(evidence_share(["a"], ()))


@given(rankings, evidence, st.sampled_from(TURNS))
def test_citing_more_never_costs_evidence(cited: list[str], wanted: set[str], extra: str) -> None:
    assert 0 <= evidence_share(cited, wanted) <= evidence_share([*cited, extra], wanted) <= 1


@given(scores, scores)
def test_auroc_is_antisymmetric_and_knows_only_order(positive: np.ndarray, negative: np.ndarray) -> None:
    value = auroc(positive, negative)
    assert 0 <= value <= 1
    assert auroc(negative, positive) == pytest.approx(1 - value)
    assert auroc(positive * 2, negative * 2) == pytest.approx(value)


def test_auroc_by_hand() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0])) == 1
    assert auroc(np.array([1.0, 2.0]), np.array([2.0])) == 0.25
    assert math.isnan(auroc(np.array([]), np.array([1.0])))
