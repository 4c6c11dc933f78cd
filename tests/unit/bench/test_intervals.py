"""Bootstrap: seeded, around the estimate, wider for clusters; and the report made of it."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.bench import tables
from memsvc.bench.intervals import Scores, cluster_weights, interval, question_weights, statistics
from memsvc.bench.metrics import auroc
from memsvc.bench.outcomes import METRICS, PER_QUESTION
from memsvc.bench.report import Asked, build

COLUMN = {name: i for i, name in enumerate(METRICS)}


def scores_of(values: list[float], confidence: list[float] | None = None) -> Scores:
    table = np.full((len(values), len(PER_QUESTION)), np.nan)
    table[:, COLUMN["mrr"]] = values
    own = np.array(confidence if confidence is not None else [np.nan] * len(values))
    answerable = np.arange(len(values)) % 3 != 0
    return Scores(table, own, np.arange(1.0, len(values) + 1), answerable)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
@settings(max_examples=30)
def test_the_interval_surrounds_the_mean_and_stays_in_range(values: list[float]) -> None:
    weights = question_weights(len(values), seed=1, resamples=400)
    low, high = interval(statistics(scores_of(values), weights))[:, COLUMN["mrr"]]
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    estimate = statistics(scores_of(values), np.ones((1, len(values))))[0, COLUMN["mrr"]]
    assert estimate == pytest.approx(np.mean(values))


def test_weights_are_seeded_resamples() -> None:
    weights = question_weights(30, seed=5)
    assert (weights.sum(axis=1) == 30).all()
    assert (weights == question_weights(30, seed=5)).all()
    assert (weights != question_weights(30, seed=6)).any()


def test_questions_of_a_conversation_are_drawn_together() -> None:
    clusters = ["a", "b", "a", "c", "b", "d"]
    weights = cluster_weights(clusters, seed=2)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()


def test_the_interval_has_the_width_that_theory_gives() -> None:
    values = [float(i % 2) for i in range(400)]
    low, high = interval(statistics(scores_of(values), question_weights(400, seed=3)))[:, COLUMN["mrr"]]
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 400), rel=0.1)


def test_auroc_and_percentiles_agree_with_their_plain_definitions() -> None:
    confidence = list(np.random.default_rng(0).normal(size=50))
    scores = scores_of([0.5] * 50, confidence)
    found = statistics(scores, np.ones((1, 50)))[0]
    own = np.array(confidence)
    assert found[COLUMN["abstention_auroc"]] == pytest.approx(auroc(own[scores.answerable], own[~scores.answerable]))
    assert found[COLUMN["latency_p50_ms"]] == 25
    assert found[COLUMN["latency_p95_ms"]] == 48


def test_what_is_undefined_is_nan_and_hides_nothing_else() -> None:
    found = statistics(scores_of([math.nan, 0.25, math.nan]), np.ones((1, 3)))[0]
    assert found[COLUMN["mrr"]] == 0.25
    assert math.isnan(found[COLUMN["recall@1"]])
    assert math.isnan(found[COLUMN["abstention_auroc"]])


def asked(i: int, ours: float, theirs: float) -> Asked:
    def row(value: float) -> dict[str, float]:
        return {**dict.fromkeys(PER_QUESTION, math.nan), "recall@10": value, "tokens": 100.0}

    return Asked(
        conversation=f"c{i % 5}",
        category="single" if i % 4 else "none",
        answerable=bool(i % 4),
        scores={"memsvc": row(ours), "bm25": row(theirs)},
        confidence={"memsvc": ours, "bm25": None},
        latency_ms={"memsvc": 10.0 + i, "bm25": None},
    )


def test_the_report_has_its_documented_shape() -> None:
    rng = np.random.default_rng(1)
    theirs = rng.uniform(0, 0.7, 60)
    report = build([asked(i, float(value) + 0.2, float(value)) for i, value in enumerate(theirs)], seed=1)
    assert json.loads(json.dumps(report)) == report
    assert set(report["arms"]) == {"memsvc", "bm25"}
    assert set(report["by_category"]) == {"single", "none"}
    assert report["by_category"]["none"]["bm25"]["questions"] == 15
    assert "latency_p95_ms" in report["arms"]["memsvc"]
    assert "latency_p95_ms" not in report["arms"]["bm25"]
    assert report["paired"]["bm25"]["recall@10"]["difference"] == pytest.approx(0.2)
    assert report["paired"]["bm25"]["recall@10"]["low"] == pytest.approx(0.2)
    low, high = report["intervals"]["memsvc"]["recall@10"]
    assert low < report["arms"]["memsvc"]["recall@10"] < high
    assert "recall@10" in report["intervals_by_conversation"]["bm25"]
    shown = tables.markdown(tables.overall(report)) + tables.markdown(tables.paired(report, ["recall@10"]))
    assert "| memsvc |" in shown
    assert "+20.0 (20.0 to 20.0)" in shown
