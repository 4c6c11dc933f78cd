"""What was made of memories that changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from memsvc.consolidation.affinity import affinities
from memsvc.consolidation.cascade import recast
from memsvc.consolidation.decay import salience_at
from memsvc.consolidation.decisions import Action
from memsvc.consolidation.merging import joined
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.synthesis import abstract
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import Memory, MemoryKind, MemoryState, Scope, Symbolic, TurnRef

START = datetime(2024, 3, 1, tzinfo=UTC)
PARAMS, TOKENS = ConsolidationParams(), Cl100kCounter()


def memory(i: int, text: str) -> Memory:
    scope = Scope("ben", "", f"s{i}")
    return Memory(
        id=f"m{i}",
        scope=scope,
        text=text,
        event_time=START + timedelta(days=i),
        token_count=TOKENS.count(text),
        sources=(TurnRef(scope, f"t{i}"),),
    )


CHILDREN = [memory(i, f"Ben walked {i + 1} miles on the coast with a map and a friend.") for i in range(5)]
VECTORS = {
    child.id: vector / np.linalg.norm(vector)
    for child, vector in zip(CHILDREN, np.random.default_rng(0).random((5, 8)).astype(np.float32), strict=True)
}


def episode() -> Memory:
    made = abstract(MemoryKind.EPISODE, CHILDREN, VECTORS, TOKENS, PARAMS)
    assert made is not None
    return made


def test_nothing_changes_while_the_inputs_stand() -> None:
    merge = joined(CHILDREN[:2], CHILDREN[0])
    inputs = {child.id: child for child in CHILDREN}
    assert recast([merge, episode()], inputs, VECTORS, TOKENS, PARAMS) == ()


def test_a_merge_is_made_anew_without_what_was_deleted() -> None:
    merge = joined(CHILDREN[:3], CHILDREN[0])
    inputs = {child.id: child for child in CHILDREN[1:]}
    retired, again = recast([merge], inputs, VECTORS, TOKENS, PARAMS)
    assert (retired.action, retired.memory_ids) == (Action.RETIRE, (merge.id,))
    assert again.result is not None
    assert again.result.text in {child.text for child in CHILDREN[1:3]}
    assert {ref.turn_id for ref in again.result.sources} == {"t1", "t2"}


def test_a_merge_of_nothing_is_retired() -> None:
    merge = joined(CHILDREN[:2], CHILDREN[0])
    gone = {child.id: replace(child, state=MemoryState.DELETED) for child in CHILDREN}
    (retired,) = recast([merge], gone, VECTORS, TOKENS, PARAMS)
    assert (retired.action, retired.memory_ids) == (Action.RETIRE, (merge.id,))


def test_an_episode_follows_what_replaced_its_children() -> None:
    newer = memory(9, "Ben walked 90 miles.")
    inputs = {child.id: child for child in CHILDREN}
    inputs["m0"] = replace(CHILDREN[0], state=MemoryState.SUPERSEDED, superseded_by=newer.id)
    inputs[newer.id] = newer
    retired, again = recast([episode()], inputs, {**VECTORS, newer.id: VECTORS["m0"]}, TOKENS, PARAMS)
    assert retired.action is Action.RETIRE
    assert again.memory_ids == ("m1", "m2", "m3", "m4", "m9")
    assert again.result is not None
    assert CHILDREN[0].text not in again.result.text


def test_an_episode_with_too_few_children_left_is_retired_alone() -> None:
    inputs = {child.id: child for child in CHILDREN[:2]}
    (retired,) = recast([episode()], inputs, VECTORS, TOKENS, PARAMS)
    assert retired.action is Action.RETIRE


def test_salience_halves_with_the_half_life_and_more_slowly_in_use() -> None:
    one = replace(CHILDREN[0], salience=0.8, create_time=START)
    later = START + timedelta(days=PARAMS.salience_half_life_days)
    assert salience_at(one, later, PARAMS) == pytest.approx(0.4)
    assert salience_at(replace(one, use_count=1), later, PARAMS) == pytest.approx(0.8 * 2**-0.5)
    assert salience_at(replace(one, last_use_time=later), later, PARAMS) == pytest.approx(0.8)


def test_affinity_is_the_papers_with_a_share_for_names() -> None:
    pair = [
        replace(CHILDREN[0], symbolic=Symbolic(people=("Ana",))),
        replace(CHILDREN[3], symbolic=Symbolic(people=("ana", "Tom"))),
    ]
    vectors = np.array([[1.0, 0.0], [0.6, 0.8]], dtype=np.float32)
    found = affinities(pair, vectors, PARAMS)
    expected = 0.9 * (0.9 * 0.6 + 0.1 * np.exp(-0.1 * 3)) + 0.1 * 0.5
    assert found[0, 1] == pytest.approx(expected, abs=1e-6)
    assert found[0, 0] == pytest.approx(1.0, abs=1e-6)
