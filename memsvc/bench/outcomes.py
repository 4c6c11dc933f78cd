"""What an arm gave for a question, and its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from memsvc.bench.answer_words import answer_words, text_words, token_recall
from memsvc.bench.conversations import Question
from memsvc.bench.metrics import CUTOFFS, NDCG_AT, evidence_share, ranking_metrics

BUDGETS = (250, 500, 1000, 2000)
"""Token budgets B of the contexts, in cl100k_base tokens."""

RANKING = (
    *(f"recall@{k}" for k in CUTOFFS),
    *(f"all@{k}" for k in CUTOFFS),
    "mrr",
    f"ndcg@{NDCG_AT}",
)
CONTEXT = tuple(f"{name}@{budget}" for name in ("ev", "atr", "atr_null", "con") for budget in BUDGETS)
PER_QUESTION = (*RANKING, *CONTEXT, "tokens", "ev@adaptive", "atr@adaptive")
"""Metrics that are means over questions."""
METRICS = (*PER_QUESTION, "abstention_auroc", "latency_p50_ms", "latency_p95_ms")


@dataclass(frozen=True, slots=True)
class Context:
    """A rendered context, the turns that its units cite, and its size in cl100k_base tokens."""

    text: str
    cited: tuple[str, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """An arm's answer to one question.

    `ranking` is None for an arm that ranks nothing, `confidence` for one without a score, `latency_ms` for one that
    is no service. `adaptive` is the context at the budget that the service chose by itself.
    """

    contexts: Mapping[int, Context]
    adaptive: Context
    ranking: tuple[str, ...] | None = None
    confidence: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Gold:
    """What a question is scored against: its evidence, its answer's words, and those of another question's answer."""

    evidence: tuple[str, ...]
    words: frozenset[str]
    null_words: frozenset[str]
    language: str


def gold(question: Question, null_answer: str, language: str) -> Gold:
    """Prepare a question; `null_answer` answers another one of the same conversation and category."""
    return Gold(
        question.evidence,
        answer_words(question.answer, language, temporal=question.temporal),
        answer_words(null_answer, language, temporal=question.temporal),
        language,
    )


def score(gold: Gold, outcome: Outcome) -> dict[str, float]:
    """Every metric of `PER_QUESTION`; NaN where one is not defined.

    ev@B = share of the evidence turns that the context of B tokens cites; atr@B = ATR of the answer in that context;
    atr_null@B = ATR of the other question's answer in it; con@B = 1 if atr@B is 1, else 0; tokens = size of the
    adaptive context.
    """
    values: dict[str, float] = dict.fromkeys(PER_QUESTION, math.nan)
    if outcome.ranking is not None:
        values |= ranking_metrics(outcome.ranking, gold.evidence)
    for budget, context in outcome.contexts.items():
        words = text_words(context.text, gold.language)
        recall = token_recall(gold.words, words)
        values[f"ev@{budget}"] = evidence_share(context.cited, gold.evidence)
        values[f"atr@{budget}"] = recall
        values[f"atr_null@{budget}"] = token_recall(gold.null_words, words)
        values[f"con@{budget}"] = recall if math.isnan(recall) else float(recall == 1)
    values["tokens"] = float(outcome.adaptive.tokens)
    values["ev@adaptive"] = evidence_share(outcome.adaptive.cited, gold.evidence)
    values["atr@adaptive"] = token_recall(gold.words, text_words(outcome.adaptive.text, gold.language))
    return values
