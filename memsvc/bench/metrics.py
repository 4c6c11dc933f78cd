"""Ranking, evidence and abstention, each a pure function with its formula.

E is the set of a question's evidence turns. A ranking lists source turns in the order in which the returned units
first cite them. Every metric is NaN where it is not defined, and NaN values count in no mean.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (1, 5, 10, 20, 50)
NDCG_AT = 10


def first_citations(cited: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Turn the sources of ranked units into a ranking of turns: each where it is first cited."""
    return tuple(dict.fromkeys(turn for sources in cited for turn in sources))


def ranking_metrics(ranking: Sequence[str], evidence: Collection[str]) -> dict[str, float]:
    """Score a ranking of distinct turns.

    recall@k = |E ∩ top k| / |E|; all@k = 1 if E is within the top k, else 0; mrr = 1 / rank of the first turn of E,
    0 without one; ndcg@10 = DCG / DCG of an ideal ranking, with gain 1 and discount 1 / log2(rank + 1).
    """
    wanted = set(evidence)
    ranks = [rank for rank, turn in enumerate(ranking, 1) if turn in wanted]
    found = {k: sum(rank <= k for rank in ranks) for k in CUTOFFS}
    return {
        **{f"recall@{k}": _share(found[k], len(wanted)) for k in CUTOFFS},
        **{f"all@{k}": float(found[k] == len(wanted)) if wanted else math.nan for k in CUTOFFS},
        "mrr": (1 / ranks[0] if ranks else 0.0) if wanted else math.nan,
        f"ndcg@{NDCG_AT}": _ndcg(ranks, len(wanted)),
    }


def _ndcg(ranks: Sequence[int], relevant: int) -> float:
    gained = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= NDCG_AT)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(relevant, NDCG_AT) + 1))
    return gained / ideal if ideal else math.nan


def evidence_share(cited: Collection[str], evidence: Collection[str]) -> float:
    """ev = |E ∩ cited| / |E|."""
    wanted = set(evidence)
    return _share(len(wanted.intersection(cited)), len(wanted))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def wins(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where a positive's score (row) is above a negative's (column), 0.5 where equal, else 0."""
    above = positive[:, None] > negative[None, :]
    equal = positive[:, None] == negative[None, :]
    return np.asarray(above + 0.5 * equal, np.float64)


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN when either side is empty."""
    return float(wins(positive, negative).mean()) if len(positive) and len(negative) else math.nan
