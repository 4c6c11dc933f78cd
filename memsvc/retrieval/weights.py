"""The weights of the ranking and of the confidence.

They were fitted with `memsvc bench fit` on the conversations that ship with it. These were written for this project,
and have no turn in common with any data set that results are reported on. A space whose conversations are of another
kind can be fitted anew; the setting `ranking_weights` names the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memsvc.retrieval.confidence import CONFIDENCE_SIGNALS
from memsvc.retrieval.signals import SIGNALS


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the ranking's signals, scaled so that positive ones sum to 1, and of the confidence's, with a bias."""

    ranking: Mapping[str, float]
    confidence: Mapping[str, float]
    confidence_bias: float

    def __post_init__(self) -> None:
        _require("ranking", self.ranking, SIGNALS)
        _require("confidence", self.confidence, CONFIDENCE_SIGNALS)


def _require(part: str, weights: Mapping[str, float], names: tuple[str, ...]) -> None:
    if set(weights) != set(names):
        raise ValueError(f"{part}: needs a weight for exactly {', '.join(names)}; has {', '.join(weights)}")


def scaled(weights: Mapping[str, float]) -> dict[str, float]:
    """The same weights with the positive ones summing to 1; the order of candidates stays."""
    total = sum(weight for weight in weights.values() if weight > 0)
    return {name: round(weight / total, 4) for name, weight in weights.items()} if total else dict(weights)


SHIPPED = Weights(
    ranking={
        "dense": 0.12, "lexical": 0.14, "session_dense": 0.07, "session_lexical": 0.08, "speaker": 0.14, "names": 0.02,
        "time": 0.1, "states_time": 0.1, "states_place": 0.09, "states_person": 0.05, "states_number": 0.04,
        "length": 0.05, "salience": 0.04, "is_question": -0.06,
    },
    confidence={"margin": 4.0, "coverage_margin": 1.0, "closeness": 1.0},
    confidence_bias=0.5,
)  # fmt: skip
