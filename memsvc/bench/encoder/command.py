"""`memsvc bench train-encoder`: tunes the built-in encoder on conversations and tells what dense search gains.

A share of the conversations, drawn with the seed, is held out: no step sees them, and the figures are theirs.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from memsvc.bench.encoder.talks import Talk, talks
from memsvc.bench.encoder.training import SHOWN, Encoder, Recipe, dense_scores, train
from memsvc.bench.journal import file_digest
from memsvc.bench.progress import bars, out
from memsvc.bench.reading import read
from memsvc.bench.versions import versions
from memsvc.compression.entropy import GateSettings
from memsvc.compression.rules import RulesCompressor
from memsvc.models.cache import CachedEmbedder
from memsvc.models.device import choose_device
from memsvc.models.embedder import SentenceTransformerEmbedder, load_model
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.models.weights import MINILM

HELD_OUT = 0.125
"""Share of the conversations that is held out."""
MODEL = "model"
"""Folder of the trained model within `out`: what sentence-transformers reads, and `MEMSVC_EMBEDDER` takes."""


def run(*, data: Sequence[Path], folder: Path, recipe: Recipe) -> None:
    """Train on the conversations of the files; write the model and `training.json` into `folder`.

    A run that was stopped goes on from its last checkpoint. Raises ValueError where fewer than two conversations have a
    question.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(_read(data))
    if len(found) < 2:
        raise ValueError("at least two conversations with a question are needed: one to train on, one to hold out")
    trained, held = _divide(found, recipe.seed)
    device = choose_device("auto")
    encoder = Encoder(load_model(MINILM, device), recipe.max_tokens)
    table = Table("model", "components", *SHOWN, box=None, header_style="dim")
    scores = {MINILM: dense_scores(encoder, held, encoder.dimension)}
    table.add_row(MINILM, str(encoder.dimension), *(f"{100 * value:.1f}" for value in scores[MINILM].values()))
    with bars() as bar:
        task = bar.add_task("steps", total=None)
        train(
            encoder,
            trained,
            recipe,
            folder,
            lambda step, total, loss: bar.update(task, completed=step, total=total, description=f"loss {loss:.3f}"),
        )
    for dimension in recipe.dimensions:
        name = f"trained, {dimension}"
        scores[name] = dense_scores(encoder, held, dimension)
        table.add_row("trained", str(dimension), *(f"{100 * value:.1f}" for value in scores[name].values()))
    encoder.model.save(str(folder / MODEL))
    report = {
        "recipe": asdict(recipe),
        "versions": versions(),
        "data": {path.name: file_digest(path) for path in data},
        "conversations": {"trained": len(trained), "held_out": [talk.id for talk in held]},
        "queries": {"trained": _queries(trained), "held_out": _queries(held)},
        "held_out": scores,
    }
    (folder / "training.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    out.print(table)
    out.print(f"[dim]{folder / MODEL}; try it with MEMSVC_EMBEDDER={folder / MODEL}[/]")


async def _read(data: Sequence[Path]) -> list[Talk]:
    conversations = [talk for path in data for talk in read(path)]
    embedder = SentenceTransformerEmbedder(device="auto")
    compressor = RulesCompressor(
        embedder=CachedEmbedder(embedder, 4096),
        surprisal=WordFrequencySurprisal(),
        tokens=Cl100kCounter(),
        gate=GateSettings(),
    )
    found = []
    with bars() as bar:
        task = bar.add_task("compressed", total=len(conversations))
        async for talk in talks(conversations, compressor):
            found.append(talk)
            bar.advance(task)
    await embedder.close()
    return found


def _divide(found: Sequence[Talk], seed: int) -> tuple[list[Talk], list[Talk]]:
    """What to train on, and what to hold out, one conversation at least."""
    count = max(1, round(HELD_OUT * len(found)))
    drawn = set(random.Random(seed).sample(range(len(found)), count))  # noqa: S311 - a sample, not a secret
    return (
        [talk for i, talk in enumerate(found) if i not in drawn],
        [talk for i, talk in enumerate(found) if i in drawn],
    )


def _queries(found: Sequence[Talk]) -> int:
    return sum(len(talk.queries) for talk in found)
