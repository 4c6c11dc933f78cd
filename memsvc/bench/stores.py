"""What a store of fewer tokens still holds, and what retrieval finds in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from memsvc.bench.answer_words import answer_words, text_words, token_recall
from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.metrics import evidence_share
from memsvc.bench.outcomes import Context

BUDGET = 500
"""Tokens of the contexts that retrieval returns from a store."""
MEASURES = ("evidence", "atr", "atr_null", f"ev@{BUDGET}", f"atr@{BUDGET}")


@dataclass(frozen=True, slots=True)
class Store:
    """What is kept of one conversation.

    `whole` renders all of it, `contexts` are what retrieval returns for each of the `scored` questions.
    """

    talk: Conversation
    stored_tokens: int
    raw_tokens: int
    whole: Context
    contexts: Sequence[Context]


def scored(talk: Conversation) -> list[Question]:
    """The questions that a store is measured with: answerable ones."""
    return [question for question in talk.questions if question.answerable]


def measure(stores: Sequence[Store]) -> dict[str, float]:
    """A point of a curve; a measure that is not defined is left out.

    stored = stored tokens / raw tokens; evidence = share of a question's evidence turns that the store cites; atr =
    ATR of its answer in the whole store's text; atr_null = the same for the answers of the other conversations'
    questions; ev@500 and atr@500 = the same two in what retrieval returns in 500 tokens. Means over questions.
    """
    rows = [row for store in stores for row in _rows(store)]
    rows += [{"atr_null": value} for value in _nulls(stores)]
    means = {name: _mean(row[name] for row in rows if name in row) for name in MEASURES}
    stored = sum(store.stored_tokens for store in stores) / sum(store.raw_tokens for store in stores)
    return {"stored": stored, **{name: value for name, value in means.items() if not math.isnan(value)}}


def _rows(store: Store) -> Iterable[Mapping[str, float]]:
    held = text_words(store.whole.text, store.talk.language)
    for question, context in zip(scored(store.talk), store.contexts, strict=True):
        words = answer_words(question.answer, store.talk.language, temporal=question.temporal)
        returned = text_words(context.text, store.talk.language)
        yield {
            "evidence": evidence_share(store.whole.cited, question.evidence),
            "atr": token_recall(words, held),
            f"ev@{BUDGET}": evidence_share(context.cited, question.evidence),
            f"atr@{BUDGET}": token_recall(words, returned),
        }


def _nulls(stores: Sequence[Store]) -> Iterable[float]:
    for store in stores:
        held = text_words(store.whole.text, store.talk.language)
        for other in stores:
            if other is not store:
                for question in scored(other.talk):
                    words = answer_words(question.answer, other.talk.language, temporal=question.temporal)
                    yield token_recall(words, held)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan
