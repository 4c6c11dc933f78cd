"""Tunes the built-in encoder on conversations; a run that was stopped goes on where it was.

Each step takes a few conversations with all their memories and a sample of their queries. The order and the samples
depend on the seed and the step alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from memsvc.bench.encoder.objective import loss
from memsvc.bench.encoder.talks import Talk
from memsvc.bench.journal import digest
from memsvc.bench.metrics import ranking_metrics

SHOWN = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
CHECKPOINT = "checkpoint.pt"
CHECKPOINT_STEPS = 25
BATCH = 24
"""Texts that are embedded together, of like length, so that little is padded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. What was tried stands in docs/benchmarks.md."""

    epochs: int = 2
    learning_rate: float = 3e-5
    warm_up: float = 0.1
    weight_decay: float = 0.01
    talks: int = 4
    """Conversations of a step."""
    queries: int = 24
    """Queries of a conversation in a step, at most."""
    scale: float = 20.0
    dimensions: tuple[int, ...] = (64, 128, 256, 384)
    max_tokens: int = 128
    clip: float = 1.0
    seed: int = 0


class Encoder:
    """A sentence-transformers model of a transformer and mean pooling, with gradients.

    Args:
        model: changed in place by training.
        max_tokens: of a text; what is longer is cut.
    """

    def __init__(self, model: SentenceTransformer, max_tokens: int) -> None:
        self.model = model
        self._max_tokens = max_tokens

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.model.get_embedding_dimension() or 0)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Vectors of shape [texts, dimension], not normalised, in order."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = [self._embed([texts[i] for i in order[start : start + BATCH]]) for start in range(0, len(order), BATCH)]
        placed = torch.cat(rows)
        return placed[torch.argsort(torch.tensor(order))]

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit-length vectors without gradients."""
        self.model.eval()
        with torch.no_grad():
            found = torch.nn.functional.normalize(self(texts), dim=1)
        return np.asarray(found.cpu().numpy(), np.float32)

    def _embed(self, texts: Sequence[str]) -> Tensor:
        encoded = self.model.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        )
        there = {name: value.to(self.model.device) for name, value in encoded.items()}
        embedded: Tensor = self.model(there)["sentence_embedding"]
        return embedded


def train(
    encoder: Encoder,
    talks: Sequence[Talk],
    recipe: Recipe,
    folder: Path,
    progress: Callable[[int, int, float], None],
    *,
    checkpoint_steps: int = CHECKPOINT_STEPS,
) -> None:
    """Train in place; `progress` is told the step, of how many, and its loss.

    What is trained so far is kept in `folder` every `checkpoint_steps`, and gone on with by the same recipe and data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    parameters = [p for p in encoder.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    per_epoch = math.ceil(len(talks) / recipe.talks)
    total = recipe.epochs * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, total, recipe.warm_up))
    key = digest(asdict(recipe), [talk.id for talk in talks], [q.text for talk in talks for q in talk.queries])
    done = _restore(folder / CHECKPOINT, key, encoder, optimizer, schedule)
    for step in range(done, total):
        texts, queries, relevant = _step(talks, recipe, step, per_epoch)
        encoder.model.train()
        value = loss(encoder(queries), encoder(texts), relevant, scale=recipe.scale, dimensions=recipe.dimensions)
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]  # torch
        torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimizer.step()
        schedule.step()
        progress(step + 1, total, value.item())
        if (step + 1) % checkpoint_steps == 0 or step + 1 == total:
            _keep(folder / CHECKPOINT, key, encoder, optimizer, schedule, step + 1)


def _rate(step: int, total: int, warm_up: float) -> float:
    """Linear up during the warm-up, then linear down to nothing."""
    rising = max(1.0, warm_up * total)
    return min((step + 1) / rising, max(0.0, (total - step) / (total - rising))) if total > rising else 1.0


def _step(
    talks: Sequence[Talk], recipe: Recipe, step: int, per_epoch: int
) -> tuple[list[str], list[str], list[list[int]]]:
    """Passages, queries, and the places of each query's relevant passages."""
    epoch, place = divmod(step, per_epoch)
    order = random.Random(f"{recipe.seed}:{epoch}").sample(range(len(talks)), len(talks))  # noqa: S311 - an order
    passages: list[str] = []
    queries: list[str] = []
    relevant: list[list[int]] = []
    for index in order[place * recipe.talks : (place + 1) * recipe.talks]:
        talk = talks[index]
        drawn = random.Random(f"{recipe.seed}:{step}:{talk.id}")  # noqa: S311 - a sample
        for query in drawn.sample(talk.queries, min(recipe.queries, len(talk.queries))):
            queries.append(query.text)
            relevant.append([len(passages) + i for i in query.relevant])
        passages += talk.passages
    return passages, queries, relevant


def _keep(
    path: Path, key: str, encoder: Encoder, optimizer: torch.optim.Optimizer, schedule: LRScheduler, step: int
) -> None:
    state = {
        "key": key,
        "step": step,
        "model": encoder.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "random": torch.get_rng_state(),
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _restore(path: Path, key: str, encoder: Encoder, optimizer: torch.optim.Optimizer, schedule: LRScheduler) -> int:
    """Load what an earlier run of the same recipe and data kept, and return its step; 0 without one."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if state["key"] != key:
        return 0
    encoder.model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["random"])
    return int(state["step"])


def dense_scores(encoder: Encoder, talks: Sequence[Talk], dimension: int) -> dict[str, float]:
    """How dense search alone ranks the passages of each talk for its queries: means over queries, in [0, 1]."""
    found: list[dict[str, float]] = []
    for talk in talks:
        passages = encoder.vectors(talk.passages)[:, :dimension]
        queries = encoder.vectors([query.text for query in talk.queries])[:, :dimension]
        passages /= np.linalg.norm(passages, axis=1, keepdims=True)
        for query, scores in zip(talk.queries, queries @ passages.T, strict=True):
            ranking = [str(i) for i in np.argsort(-scores, kind="stable")]
            found.append(ranking_metrics(ranking, [str(i) for i in query.relevant]))
    return {name: float(np.mean([each[name] for each in found])) for name in SHOWN}
