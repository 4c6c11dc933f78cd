"""`memsvc bench embedder`: tokens a second through the service's embedder and worker, beside the bare model.

The floor is `SentenceTransformer.encode` at the batch size that suits it best, in the same run, on the same device and
in the same number format. Tokens are those of the texts as the model sees them, padding left out.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import torch
from rich.table import Table

from memsvc import metrics
from memsvc.bench.conversations import Conversation, as_turn
from memsvc.bench.progress import out
from memsvc.bench.reading import read
from memsvc.bench.versions import versions
from memsvc.bootstrap.engine import Engine, open_engine
from memsvc.config import load
from memsvc.models.device import Device, Precision, choose_device, choose_dtype
from memsvc.models.embedder import SentenceTransformerEmbedder, load_model
from memsvc.models.weights import MINILM
from memsvc.types import Scope, SpaceKey

BATCH_SIZES = (8, 16, 32, 64, 128, 256)
CALLERS = (1, 8, 64)
TEXTS_PER_CALL = 16
REPEATS = 3
"""Each figure is the best of so many passes, taken in turns, so that what else the machine does hurts all alike."""
SPACE = SpaceKey("bench", "embedder")


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens a second of one way to embed; `busy` is the share of the time in which the model computed."""

    way: str
    tokens_per_s: float
    busy: float | None = None


def run(*, data: Path | None, path: Path, device: Device, dtype: Precision, texts: int, max_batch_tokens: int) -> None:
    """Measure, print the table, write the JSON."""
    target = choose_device(device)
    conversations = read(data)
    sample = sample_texts(conversations, texts)
    bare, ours = asyncio.run(_compare(sample, target, dtype, max_batch_tokens))
    through = asyncio.run(_worker(conversations, target, dtype, max_batch_tokens))
    best = max(bare, key=lambda rate: rate.tokens_per_s)
    rates = (*bare, *ours, *through)
    report = {
        "device": torch.cuda.get_device_name() if target == "cuda" else "cpu",
        "dtype": str(choose_dtype(dtype, target)),
        "threads": torch.get_num_threads(),
        "texts": len(sample),
        "best": best.way,
        "rates": [{**asdict(rate), "ratio": rate.tokens_per_s / best.tokens_per_s} for rate in rates],
        "run": versions(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2))
    table = Table("way", "tokens/s", "of the best bare", "model busy", box=None, header_style="dim")
    for rate in rates:
        busy = "" if rate.busy is None else f"{rate.busy:.0%}"
        table.add_row(rate.way, f"{rate.tokens_per_s:,.0f}", f"{rate.tokens_per_s / best.tokens_per_s:.2f}", busy)
    out.print(f"{report['device']}, {report['dtype']}, {report['threads']} threads, {len(sample):,} texts")
    out.print(table)
    out.print(f"[dim]{path}[/]")


def sample_texts(conversations: Sequence[Conversation], count: int) -> list[str]:
    """`count` turns, repeated with a number in front where there are fewer, so that no text comes twice."""
    turns = [turn.content for talk in conversations for turn in talk.turns() if turn.content.strip()]
    return [text if n < len(turns) else f"{n}: {text}" for n, text in enumerate(islice(cycle(turns), count))]


async def _compare(
    texts: Sequence[str], device: str, dtype: Precision, max_batch_tokens: int
) -> tuple[list[Rate], list[Rate]]:
    """The bare model at each batch size, and the embedder with each number of callers."""
    model = load_model(MINILM, device).to(choose_dtype(dtype, device))
    embedder = SentenceTransformerEmbedder(device=_device(device), dtype=dtype, max_batch_tokens=max_batch_tokens)
    lengths = model.tokenizer(list(texts), truncation=True, max_length=model.max_seq_length)["input_ids"]
    tokens = sum(len(text) for text in lengths)
    model.encode(list(texts[:256]), show_progress_bar=False)
    await embedder.embed(texts[:256])
    bare_s = dict.fromkeys(BATCH_SIZES, float("inf"))
    ours_s = dict.fromkeys(CALLERS, float("inf"))
    for _ in range(REPEATS):
        for size in BATCH_SIZES:
            begin = time.perf_counter()
            model.encode(list(texts), batch_size=size, normalize_embeddings=True, show_progress_bar=False)
            bare_s[size] = min(bare_s[size], time.perf_counter() - begin)
        for callers in CALLERS:
            begin = time.perf_counter()
            await _called(embedder, texts, callers)
            ours_s[callers] = min(ours_s[callers], time.perf_counter() - begin)
    await embedder.close()
    bare = [Rate(f"bare encode, batches of {size}", tokens / seconds) for size, seconds in bare_s.items()]
    ours = [Rate(f"embedder, {callers} callers", tokens / seconds) for callers, seconds in ours_s.items()]
    return bare, ours


async def _called(embedder: SentenceTransformerEmbedder, texts: Sequence[str], callers: int) -> None:
    """Embed every text in calls of `TEXTS_PER_CALL`, by so many callers at once; one caller brings all in one call."""
    if callers == 1:
        await embedder.embed(texts)
        return
    calls = iter([texts[start : start + TEXTS_PER_CALL] for start in range(0, len(texts), TEXTS_PER_CALL)])

    async def caller() -> None:
        for call in calls:
            await embedder.embed(call)

    await asyncio.gather(*(caller() for _ in range(callers)))


async def _worker(
    conversations: Sequence[Conversation], device: str, dtype: Precision, max_batch_tokens: int
) -> list[Rate]:
    """The whole worker: turns compressed, embedded and indexed; then everything embedded and indexed anew."""
    folder = Path(tempfile.mkdtemp(prefix="memsvc-bench-"))
    settings = load(
        data_dir=folder,
        device=_device(device),
        embedder_dtype=dtype,
        max_batch_tokens=max_batch_tokens,
        embedding_cache_entries=0,
        consolidation="off",
    )
    try:
        async with open_engine(settings, concurrency=8) as engine:
            await engine.stores.spaces.create(SPACE, "")
            for talk in conversations:
                for session, turns in talk.sessions.items():
                    scope = Scope(talk.id, "", session)
                    await engine.stores.turns.accept(SPACE, [as_turn(message, scope) for message in turns])
            engine.worker.start()
            rates = [await _until_done(engine, "worker, COMPRESS jobs")]
            await engine.stores.memories.reindex(SPACE)
            rates.append(await _until_done(engine, "worker, a REINDEX job"))
            await engine.worker.stop(0)
            return rates
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _until_done(engine: Engine, way: str) -> Rate:
    tokens, busy, begin = _counted("tokens"), _counted("busy_seconds"), time.perf_counter()
    while (stats := await engine.stores.spaces.stats(SPACE)).pending_job_count:  # noqa: ASYNC110 - polling, as operators do
        await asyncio.sleep(0.02)
    if stats.failed_job_count:
        raise ValueError(f"{stats.failed_job_count} jobs failed")
    seconds = time.perf_counter() - begin
    return Rate(way, (_counted("tokens") - tokens) / seconds, (_counted("busy_seconds") - busy) / seconds)


def _counted(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"memsvc_model_{name}_total", {"model": "embedder"}) or 0.0


def _device(target: str) -> Device:
    return "cuda" if target == "cuda" else "cpu"
