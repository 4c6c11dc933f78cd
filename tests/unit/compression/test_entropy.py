from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.entropy import GateSettings, score_turns
from memsvc.compression.windows import windows

SAME = np.array([[1.0, 0.0]] * 4, dtype=np.float32)
NOBODY = [frozenset[str]()] * 4


def test_the_formula_by_hand() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    names = [frozenset[str](), frozenset({"ana"})]
    (score,) = score_turns(names, vectors, context=1, known=frozenset(), settings=GateSettings(alpha=0.25))
    assert score.new_entity_rate == 1.0
    assert score.novelty == pytest.approx(0.4)
    assert score.score == pytest.approx(0.25 * 1.0 + 0.75 * 0.4)


def test_names_known_or_said_before_are_not_new() -> None:
    names = [frozenset({"ana"}), frozenset({"ana", "rome"}), frozenset({"rome", "bo"}), frozenset[str]()]
    scores = score_turns(names, SAME, context=1, known=frozenset({"rome"}), settings=GateSettings(window=1, stride=1))
    assert [s.new_entity_rate for s in scores] == [0.0, 1.0, 0.0]


def test_the_first_window_is_all_new_and_silence_is_not() -> None:
    settings = GateSettings()
    assert score_turns(NOBODY, SAME, context=0, known=frozenset(), settings=settings)[0].novelty == 1.0
    silent = np.zeros_like(SAME)
    assert score_turns(NOBODY, silent, context=2, known=frozenset(), settings=settings)[0].novelty == 0.0


def test_a_turn_has_the_best_score_of_its_windows() -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    scores = score_turns(NOBODY, vectors, context=1, known=frozenset(), settings=GateSettings(window=2, stride=1))
    assert scores[0].novelty == pytest.approx(0.0, abs=1e-6)
    assert scores[1].novelty == scores[2].novelty > 0.2


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 12))
def test_windows_cover_every_turn(count: int, size: int, stride: int) -> None:
    stride = min(stride, size)
    found = list(windows(count, size, stride))
    assert {i for window in found for i in window} == set(range(count))
    assert all(1 <= len(window) <= size for window in found)
