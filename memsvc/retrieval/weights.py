"""The weights of the ranking and of the confidence.

They were fitted with `memsvc bench fit` on the conversations that ship with it. These were written for this project,
and have no turn in common with any data set that results are reported on. A space whose conversations are of another
kind can be fitted anew; the setting `ranking_weights` names the file.
"""

from __future__ import annotations

import json
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


def parse(text: str) -> Weights:
    """Read what `memsvc bench fit` wrote. Raises ValueError for a text that is not of that form."""
    try:
        content = json.loads(text)
        return Weights(
            ranking={name: float(weight) for name, weight in content["ranking"].items()},
            confidence={name: float(weight) for name, weight in content["confidence"].items()},
            confidence_bias=float(content["confidence_bias"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not weights as `memsvc bench fit` writes them: {error!r}") from error


def _require(part: str, weights: Mapping[str, float], names: tuple[str, ...]) -> None:
    if set(weights) != set(names):
        raise ValueError(f"{part}: needs a weight for exactly {', '.join(names)}; has {', '.join(weights)}")


def scaled(weights: Mapping[str, float]) -> dict[str, float]:
    """The same weights with the positive ones summing to 1; the order of candidates stays."""
    total = sum(weight for weight in weights.values() if weight > 0)
    return {name: round(weight / total, 4) for name, weight in weights.items()} if total else dict(weights)


SHIPPED = Weights(
    ranking={
        "dense": 0.1303, "lexical": 0.1217, "session_dense": 0.039, "session_lexical": 0.0396, "speaker": 0.0545,
        "names": 0.057, "time": 0.0555, "states_time": 0.0545, "states_place": 0.0545, "states_person": 0.0572,
        "states_number": 0.055, "length": 0.0572, "salience": 0.0541, "is_question": -0.0499, "elaboration": -0.0839,
        "asks_reply": 0.0588, "reply_dense": 0.0591, "reply_lexical": 0.0521,
    },
    confidence={"own_share": 3.063, "coverage_margin": 2.2602, "closeness": 3.3805},
    confidence_bias=-2.9526,
)  # fmt: skip
