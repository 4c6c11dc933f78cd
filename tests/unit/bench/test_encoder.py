"""What the encoder is trained on, what for, and that a run which was stopped goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from memsvc.bench.conversations import Conversation, Message, Question
from memsvc.bench.encoder.objective import loss
from memsvc.bench.encoder.talks import Query, Talk, talks
from memsvc.bench.encoder.training import CHECKPOINT, Encoder, Recipe, dense_scores, train
from memsvc.models.embedder import load_model
from memsvc.models.weights import MINILM
from support.compressing import rules

TIME = datetime(2026, 5, 7, tzinfo=UTC)


def value(queries: torch.Tensor, passages: torch.Tensor, relevant: list[list[int]]) -> float:
    return loss(queries, passages, relevant, scale=20.0, dimensions=(queries.shape[1],)).item()


def test_the_loss_is_small_where_what_answers_is_near_and_all_else_far() -> None:
    passages = torch.eye(4)
    assert value(passages[:1], passages, [[0]]) < 1e-6
    assert value(passages[:1], passages, [[1]]) == pytest.approx(20.0, abs=1e-3)
    assert value(passages[:1] + passages[1:2], passages, [[0, 1]]) < 1e-4, "two that answer do not compete"


def test_the_loss_does_not_depend_on_lengths_and_counts_every_cut_of_the_vectors() -> None:
    drawn = torch.Generator().manual_seed(1)
    queries, passages = torch.randn(3, 8, generator=drawn), torch.randn(5, 8, generator=drawn)
    relevant = [[0], [1, 2], [4]]
    assert value(3 * queries, 2 * passages, relevant) == pytest.approx(value(queries, passages, relevant), rel=1e-5)
    both = loss(queries, passages, relevant, scale=20.0, dimensions=(4, 8)).item()
    halves = (value(queries[:, :4], passages[:, :4], relevant) + value(queries, passages, relevant)) / 2
    assert both == pytest.approx(halves, rel=1e-5)


async def test_a_talk_is_what_the_dense_view_embeds_and_what_answers_each_question() -> None:
    turns = [
        Message("1", "user", "Ida", "I adopted a grey cat.", TIME),
        Message("2", "user", "Bo", "What is it called?", TIME),
        Message("3", "user", "Ida", "Pepper.", TIME),
    ]
    questions = [
        Question("What pet does Ida have?", ("1",), "what"),
        Question("What is Ida's cat called?", ("2", "3"), "what"),
        Question("What does nobody tell?", (), "what"),
    ]
    (talk,) = [t async for t in talks([Conversation("c", {"s": turns}, questions)], rules())]
    assert talk.passages == ("I adopted a grey cat.", "What is it called? Pepper.")
    assert talk.queries == (Query("What pet does have?", (0,)), Query("What is cat called?", (1,)))


TALKS = [
    Talk(name, "en", (f"The {name} is painted green.", "We ate soup.", f"Bo sold his {name}."), queries)
    for name, queries in (
        ("boat", (Query("colour of the boat?", (0,)), Query("what was sold?", (2,)))),
        ("piano", (Query("colour of the piano?", (0,)), Query("lunch?", (1,)))),
        ("tent", (Query("colour of the tent?", (0,)), Query("lunch?", (1,)))),
    )
]


@pytest.fixture(scope="module")
def encoder() -> Callable[[], Encoder]:
    return lambda: Encoder(load_model(MINILM, "cpu"), max_tokens=32)


def test_training_lowers_the_loss_and_a_stopped_run_ends_as_one_that_was_not(
    tmp_path: Path, encoder: Callable[[], Encoder]
) -> None:
    recipe = Recipe(epochs=3, talks=2, learning_rate=1e-4)
    losses: list[float] = []
    whole = encoder()
    train(whole, TALKS, recipe, tmp_path / "a", lambda step, total, loss: losses.append(loss))
    assert len(losses) == 6
    assert losses[-1] < losses[0]

    def stop(step: int, total: int, loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(encoder(), TALKS, recipe, tmp_path / "b", stop, checkpoint_steps=2)
    steps: list[int] = []
    again = encoder()
    train(again, TALKS, recipe, tmp_path / "b", lambda step, total, loss: steps.append(step), checkpoint_steps=2)
    assert steps == [3, 4, 5, 6]
    np.testing.assert_allclose(again.vectors(["a boat"]), whole.vectors(["a boat"]), atol=1e-5)
    assert not np.allclose(whole.vectors(["a boat"]), encoder().vectors(["a boat"]), atol=1e-3)


def test_a_checkpoint_of_another_recipe_is_not_gone_on_with(tmp_path: Path, encoder: Callable[[], Encoder]) -> None:
    train(encoder(), TALKS, Recipe(epochs=1), tmp_path, lambda *_: None)
    assert (tmp_path / CHECKPOINT).is_file()
    steps: list[int] = []
    train(encoder(), TALKS, Recipe(epochs=1, seed=1), tmp_path, lambda step, total, loss: steps.append(step))
    assert steps == [1]


def test_scores_are_those_of_dense_search_over_the_passages_of_a_talk(encoder: Callable[[], Encoder]) -> None:
    scores = dense_scores(encoder(), TALKS[:1], 384)
    assert scores["recall@5"] == 1.0
    assert 0.0 < scores["mrr"] <= 1.0
