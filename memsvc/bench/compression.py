"""`memsvc bench compression`: stored tokens against what the store still holds.

The service is started once for each gate threshold, over an empty directory. Beside it: simple ways to keep less of
the turns (see `keeping`), and the data set's own compressions where it has them. For those, retrieval is the baseline
`hybrid`; ranks of kept turns are the ranks they have among all turns.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from memsvc.bench import plots, tables
from memsvc.bench.arms import MEMSVC
from memsvc.bench.asking import Target, send, wait
from memsvc.bench.baselines import Baselines, Embed, best_first
from memsvc.bench.conversations import Conversation
from memsvc.bench.embeddings import Embeddings
from memsvc.bench.journal import digest, file_digest, settings_digest
from memsvc.bench.keeping import Keep, ways
from memsvc.bench.metrics import first_citations
from memsvc.bench.outcomes import Context
from memsvc.bench.progress import bars, out
from memsvc.bench.reading import DataFormat, choose, default_data, read
from memsvc.bench.stores import BUDGET, MEASURES, Store, measure, scored
from memsvc.bench.units import Packer, Unit, turn_units
from memsvc.bench.versions import versions
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import TokenCounter
from memsvc.process import service
from memsvc_client import MemoryClient

THRESHOLDS = (0.0, 0.2, 0.35, 0.5, 0.65)
SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
SETTING = "MEMSVC_GATE_THRESHOLD"

Curves = dict[str, list[dict[str, Any]]]
Orders = list[NDArray[np.intp]]


def run(
    *,
    data: Path | None,
    data_format: DataFormat | None,
    out: Path,
    seed: int,
    limit: int | None,
    thresholds: Sequence[float] | None,
) -> None:
    """Measure, print the table, write `compression.json`, `compression.md` and the plots into `out`."""
    path = data or default_data()
    begin = time.perf_counter()
    talks = choose(read(path, data_format), limit, seed)
    if not any(scored(talk) for talk in talks):
        raise ValueError(f"{path}: no answerable question")
    out.mkdir(parents=True, exist_ok=True)
    tokens = Cl100kCounter()
    chosen = sorted(set(thresholds or THRESHOLDS))
    run_key = settings_digest(file_digest(path), budget=BUDGET, seed=seed, limit=limit)
    with bars() as bar:
        curves: Curves = {MEMSVC: _service_curve(talks, chosen, tokens, run_key, out, bar)}
        curves |= _reference_curves(talks, tokens, seed, bar)
    settings = {"thresholds": chosen, "budget": BUDGET, "limit": limit, "format": data_format}
    seconds = round(time.perf_counter() - begin, 1)
    about = {"versions": versions(), "settings": settings, "seed": seed, "seconds": seconds}
    _write({"curves": curves, "run": {**about, "data": path.name, "data_sha256": file_digest(path)}}, out)


def _service_curve(
    talks: Sequence[Conversation],
    thresholds: Sequence[float],
    tokens: TokenCounter,
    run_key: str,
    folder: Path,
    bar: Progress,
) -> list[dict[str, Any]]:
    """One point per threshold; points of an earlier run with the same data, settings and code are taken over."""
    kept = folder / "points.json"
    points: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.is_file() else {}
    task = bar.add_task("thresholds", total=len(thresholds))
    for threshold in thresholds:
        key = digest(run_key, threshold)
        if key not in points:
            stores = _service_stores(talks, threshold, tokens, bar)
            points[key] = {"label": f"τ = {threshold:g}", **measure(stores)}
            kept.write_text(json.dumps(points, indent=2), encoding="utf-8")
        bar.advance(task)
    return [points[digest(run_key, threshold)] for threshold in thresholds]


def _service_stores(
    talks: Sequence[Conversation], threshold: float, tokens: TokenCounter, bar: Progress
) -> list[Store]:
    turns = bar.add_task(f"τ {threshold:g}: turns", total=sum(1 for talk in talks for _ in talk.turns()))
    asked = bar.add_task(f"τ {threshold:g}: asked", total=sum(len(scored(talk)) for talk in talks))
    with (
        tempfile.TemporaryDirectory(prefix="memsvc-bench-") as directory,
        service(Path(directory), {SETTING: str(threshold)}) as process,
    ):
        target = Target(process.address, process.api_key, "bench")
        for talk in talks:
            send(target, talk, lambda _: None)
        stores = []
        for talk in talks:
            stats = wait(target, talk, lambda count: bar.advance(turns, count))
            with target.client(talk) as client:
                whole = _whole_store(client, talk, tokens)
                contexts = []
                for question in scored(talk):
                    contexts.append(_search(client, talk, question.text))
                    bar.advance(asked)
            stores.append(Store(talk, stats.stored_token_count, stats.raw_token_count, whole, contexts))
    return stores


def _whole_store(client: MemoryClient, talk: Conversation, tokens: TokenCounter) -> Context:
    units = [
        Unit(memory.memory, "", tuple(source.turn_id for source in memory.sources), memory.event_time or talk.end())
        for memory in client.list(user_id=talk.id, filters={"states": ["active"]}, page_size=1000)
    ]
    return Packer(units, tokens).whole(range(len(units)))


def _search(client: MemoryClient, talk: Conversation, question: str) -> Context:
    result = client.search(question, user_id=talk.id, max_tokens=BUDGET, ask_time=talk.end())
    cited = first_citations([source.turn_id for source in hit.sources] for hit in result)
    return Context(result.context, cited, result.token_count)


def _reference_curves(talks: Sequence[Conversation], tokens: TokenCounter, seed: int, bar: Progress) -> Curves:
    texts = bar.add_task("embedded texts", total=None)
    embed = Embeddings(lambda count: bar.advance(texts, count))
    ranked = [(talk, turn_units(talk), _orders(talk, turn_units(talk), embed)) for talk in talks]
    names = list(ways("en", tokens, seed))
    task = bar.add_task("simple ways", total=len(names) * len(SHARES))
    curves: Curves = {name: [] for name in names}
    for name in names:
        for share in SHARES:
            stores = [
                _kept_store(talk, units, orders, ways(talk.language, tokens, seed)[name], share, tokens)
                for talk, units, orders in ranked
            ]
            curves[name].append({"label": f"{share:.0%}", **measure(stores)})
            bar.advance(task)
    for name in sorted({name for talk in talks for name in talk.notes}):
        noted = [talk for talk in talks if talk.notes.get(name)]
        curves[name] = [{"label": name, **measure([_noted_store(talk, name, tokens, embed) for talk in noted])}]
    return curves


def _orders(talk: Conversation, units: Sequence[Unit], embed: Embed) -> Orders:
    """Ranks of the units for every scored question."""
    baselines = Baselines(units, sorted({unit.speaker for unit in units}), talk.language, embed)
    baselines.expect([question.text for question in scored(talk)])
    return [best_first(baselines.scores(question.text)["hybrid"]) for question in scored(talk)]


def _kept_store(
    talk: Conversation, units: Sequence[Unit], orders: Orders, keep: Keep, share: float, tokens: TokenCounter
) -> Store:
    kept = keep(units, share)
    place = {unit.sources: i for i, unit in enumerate(kept)}
    packer = Packer(kept, tokens)
    contexts = [
        packer.pack([place[units[i].sources] for i in order if units[i].sources in place], BUDGET) for order in orders
    ]
    return _store(talk, kept, packer, contexts, tokens)


def _noted_store(talk: Conversation, name: str, tokens: TokenCounter, embed: Embed) -> Store:
    units = [Unit(note.text, note.speaker, note.sources, note.time) for note in talk.notes[name]]
    packer = Packer(units, tokens)
    contexts = [packer.pack(order, BUDGET) for order in _orders(talk, units, embed)]
    return _store(talk, units, packer, contexts, tokens)


def _store(
    talk: Conversation, kept: Sequence[Unit], packer: Packer, contexts: Sequence[Context], tokens: TokenCounter
) -> Store:
    stored = sum(tokens.count(unit.content) for unit in kept)
    raw = sum(tokens.count(turn.content) for turn in talk.turns())
    return Store(talk, stored, raw, packer.whole(range(len(kept))), contexts)


def _write(report: dict[str, Any], folder: Path) -> None:
    (folder / "compression.json").write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    columns = ("stored", *MEASURES)
    rows = [("what is kept", "at", *columns)]
    for name, points in report["curves"].items():
        rows += [(name, point["label"], *(tables.cell(c, point.get(c)) for c in columns)) for point in points]
    text = tables.markdown(rows)
    (folder / "compression.md").write_text(f"# Rate and distortion\n\n{text}\n", encoding="utf-8")
    labels = {"evidence": "evidence kept", "atr": "answer words kept", f"ev@{BUDGET}": f"evidence in {BUDGET} tokens"}
    for measure_name, label in labels.items():
        name = measure_name.replace("@", "-at-")
        plots.distortion(report["curves"], measure_name, label, folder / f"{name}.png")
    out.print(tables.terminal(rows, "Rate and distortion, %"))
    out.print(f"[dim]{folder}/compression.json, compression.md and plots[/]")
