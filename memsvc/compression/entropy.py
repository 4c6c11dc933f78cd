"""The entropy gate of SimpleMem (arXiv 2601.02553, section 3.1).

H(W) = alpha * |E_new| / |W| + (1 - alpha) * (1 - cos(E(W), E(H_prev)))

|E_new| counts people and entities that neither the space nor the session has named before, |W| the turns of the
window; the term is capped at 1. E is the normalised mean of the turns' embeddings, H_prev the turns before the
window, at most as many as a full window holds. With no history at all novelty is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memsvc.compression.windows import windows
from memsvc.ports import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Constants of the gate. The paper gives all but `alpha`; 0.5 weighs both terms alike and is not tuned."""

    alpha: float = 0.5
    threshold: float = 0.35
    window: int = 10
    stride: int = 5


@dataclass(frozen=True, slots=True)
class WindowScore:
    """H(W) of one window and its two terms, each in [0, 1]."""

    score: float
    new_entity_rate: float
    novelty: float


def score_turns(
    names: Sequence[frozenset[str]],
    vectors: Vectors,
    *,
    context: int,
    known: frozenset[str],
    settings: GateSettings,
) -> list[WindowScore]:
    """Score each turn after the first `context` ones by the best window that covers it.

    Args:
        names: case-folded people and entities of each turn, context included.
        vectors: one embedding a turn, shape [turns, dimension]; a row of zeros for a turn that says nothing.
        context: how many leading turns are history only.
        known: names that earlier memories have already.
        settings: the constants.
    """
    scores: list[WindowScore | None] = [None] * (len(names) - context)
    for window in windows(len(scores), settings.window, settings.stride):
        score = _score(names, vectors, range(context + window.start, context + window.stop), known, settings)
        for i in window:
            best = scores[i]
            scores[i] = score if best is None or score.score > best.score else best
    return [score for score in scores if score is not None]


def _score(
    names: Sequence[frozenset[str]], vectors: Vectors, window: range, known: frozenset[str], settings: GateSettings
) -> WindowScore:
    seen = known.union(*names[: window.start])
    new = frozenset[str]().union(*names[window.start : window.stop]) - seen
    rate = min(1.0, len(new) / len(window))
    novelty = _novelty(
        vectors[window.start : window.stop], vectors[max(0, window.start - settings.window) : window.start]
    )
    return WindowScore(settings.alpha * rate + (1 - settings.alpha) * novelty, rate, novelty)


def _novelty(window: Vectors, history: Vectors) -> float:
    here, before = window.sum(axis=0), history.sum(axis=0)
    norms = float(np.linalg.norm(here)) * float(np.linalg.norm(before))
    if not np.any(here):
        return 0.0
    if norms == 0.0:
        return 1.0
    return float(np.clip(1.0 - float(here @ before) / norms, 0.0, 1.0))
