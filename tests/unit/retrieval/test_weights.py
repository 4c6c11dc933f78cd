from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from memsvc.bootstrap.parts import load_weights
from memsvc.config import SettingsInvalid
from memsvc.retrieval.signals import SIGNALS
from memsvc.retrieval.weights import SHIPPED, Weights, parse, scaled


def test_weights_need_every_signal_and_no_other() -> None:
    ranking = dict.fromkeys(SIGNALS, 0.1)
    with pytest.raises(ValueError, match="ranking: needs a weight for exactly"):
        Weights({**ranking, "other": 1.0}, SHIPPED.confidence, 0.0)
    with pytest.raises(ValueError, match="confidence: needs a weight for exactly"):
        Weights(ranking, {}, 0.0)


def test_scaled_weights_sum_to_one_over_the_positive_ones() -> None:
    assert scaled({"a": 3.0, "b": 1.0, "c": -1.0}) == {"a": 0.75, "b": 0.25, "c": -0.25}
    assert sum(weight for weight in SHIPPED.ranking.values() if weight > 0) == pytest.approx(1.0, abs=0.01)


def test_weights_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "weights.json"
    file.write_text(json.dumps(asdict(SHIPPED)))
    assert load_weights(file) == SHIPPED == load_weights(None)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"ranking": 3}', '{"ranking": {}, "confidence": {}, "confidence_bias": 0}']
)
def test_a_file_of_another_form_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text differs by what is wrong
        parse(text)
    file = tmp_path / "weights.json"
    file.write_text(text)
    with pytest.raises(SettingsInvalid, match=r"ranking_weights: .*weights\.json"):
        load_weights(file)
    with pytest.raises(SettingsInvalid, match=r"missing\.json"):
        load_weights(tmp_path / "missing.json")
