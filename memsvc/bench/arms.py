"""The baselines' answer to every question, at the service's budgets and in its rendering.

    bm25, dense, rrf, hybrid   see `baselines`
    recency                    the latest turns first
    full_context               the whole conversation, whatever the budget
    evidence                   the evidence turns alone, whatever the budget

The adaptive budget of a baseline is what the service's own adaptive context took for the same question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from memsvc.bench.baselines import RANKED, Baselines, Embed, best_first
from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.metrics import first_citations
from memsvc.bench.outcomes import BUDGETS, Context, Outcome
from memsvc.bench.units import Packer, turn_units
from memsvc.ports import TokenCounter

MEMSVC = "memsvc"
ARMS = (MEMSVC, *RANKED, "recency", "full_context", "evidence")


class Arms:
    """Everything that a conversation's questions share."""

    def __init__(self, talk: Conversation, embed: Embed, tokens: TokenCounter) -> None:
        self._units = turn_units(talk)
        names = sorted({turn.speaker for turn in talk.turns()})
        self._baselines = Baselines(self._units, names, talk.language, embed)
        self._baselines.expect([question.text for question in talk.questions])
        self._packer = Packer(self._units, tokens)
        self._place = {unit.sources[0]: i for i, unit in enumerate(self._units)}
        self._whole = _fixed(self._packer.whole(range(len(self._units))))
        newest = sorted(range(len(self._units)), key=lambda i: (self._units[i].time, i), reverse=True)
        self._newest = np.array(newest, np.intp)

    def answer(self, question: Question, adaptive_tokens: int) -> Iterator[tuple[str, Outcome]]:
        """Every baseline's name and outcome."""
        scores: Mapping[str, NDArray[np.float64]] = self._baselines.scores(question.text)
        for arm in RANKED:
            yield arm, self._ranked(best_first(scores[arm]), float(scores[arm].max()), adaptive_tokens)
        yield "recency", self._ranked(self._newest, None, adaptive_tokens)
        yield "full_context", self._whole
        yield "evidence", _fixed(self._packer.whole(self._place[turn] for turn in question.evidence))

    def _ranked(self, order: NDArray[np.intp], confidence: float | None, adaptive_tokens: int) -> Outcome:
        return Outcome(
            contexts={budget: self._packer.pack(order, budget) for budget in BUDGETS},
            adaptive=self._packer.pack(order, adaptive_tokens),
            ranking=first_citations(self._units[i].sources for i in order),
            confidence=confidence,
        )


def _fixed(context: Context) -> Outcome:
    return Outcome(contexts=dict.fromkeys(BUDGETS, context), adaptive=context)
