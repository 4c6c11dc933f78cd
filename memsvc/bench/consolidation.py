"""`memsvc bench consolidation`: what consolidation merges, replaces and forgets, on generated conversations.

Turns go through the rule-based compressor and the built-in embedder, a few at a time, and each batch is consolidated
as it arrives, with its nearest neighbours found by brute force; a language model may decide what the rules leave
open. Development templates and held-out ones are reported apart; intervals are 95 % bootstrap intervals over cases.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from memsvc.bench.asked_model import AskedModel
from memsvc.bench.consolidating import ConsolidatedStore
from memsvc.bench.intervals import interval, question_weights
from memsvc.bench.progress import bars, out
from memsvc.bench.templates.development import DEVELOPMENT
from memsvc.bench.templates.development_two import DEVELOPMENT_TWO
from memsvc.bench.templates.held_out import HELD_OUT
from memsvc.bench.templates.held_out_two import HELD_OUT_TWO
from memsvc.bench.updates import Case, Kind, Said, generate
from memsvc.bench.versions import versions
from memsvc.compression.entropy import GateSettings
from memsvc.compression.rules import RulesCompressor
from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.llm import LlmJudge
from memsvc.consolidation.params import ConsolidationParams
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import AsOf, Memory, MemoryKind

TARGETS = {
    "merge precision": 0.95,
    "merge recall": 0.95,
    "current value": 0.95,
    "as of": 0.95,
    "cascade": 0.8,
    "kept after deletion": 0.0,
}
SETS = {
    "development": (DEVELOPMENT, 0),
    "development 2": (DEVELOPMENT_TWO, 2),
    "held out": (HELD_OUT, 1),
    "held out 2": (HELD_OUT_TWO, 3),
}
"""Templates by name, and what is added to the seed that their cases are drawn with."""
_BATCH = 4
"""Most turns of one batch."""


@dataclass(slots=True)
class Outcome:
    """Counts of one case: metric to (right ones, all)."""

    case: Case
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(
    *,
    out_path: Path,
    seed: int,
    only: Sequence[str] = (),
    limit: int | None = None,
    model: AskedModel | None = None,
) -> None:
    """Measure every set of cases, print the table, write the JSON.

    Args:
        out_path: where the JSON goes.
        seed: of the cases, and of which are drawn.
        only: names of the sets to measure; empty means all. Raises ValueError for a name that there is not.
        limit: cases of each set, drawn at random; None means all.
        model: decides what the rules leave open, over the same cases once more.
    """
    begin = time.perf_counter()
    if unknown := set(only) - SETS.keys():
        raise ValueError(f"{unknown.pop()!r} is not one of {', '.join(SETS)}")
    halves = {
        name: generate(templates, seed + shift) for name, (templates, shift) in SETS.items() if not only or name in only
    }
    if limit is not None:
        halves = {name: random.Random(seed).sample(cases, min(limit, len(cases))) for name, cases in halves.items()}  # noqa: S311 - no secret
    outcomes: dict[str, list[Outcome]] = {}
    with bars() as bar:
        for name, cases in halves.items():
            for asked in (None, model) if model is not None else (None,):
                label = f"{name}, {asked.name}" if asked is not None else name
                task = bar.add_task(label, total=len(cases))
                outcomes[label] = asyncio.run(_measure(cases, partial(bar.advance, task), asked))
    report = {name: summary(rows, seed) for name, rows in outcomes.items()}
    _show(report)
    about: dict[str, object] = {
        "versions": versions(),
        "seed": seed,
        "cases": limit,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if model is not None:
        about |= {"model": model.name, "asked": asdict(model.asked)}
        out.print(f"{model.name}: {model.asked}")
    out_path.parent.mkdir(parents=True, exist_ok=True)
    out_path.write_text(json.dumps({"results": report, "run": about}, indent=2), encoding="utf-8")


async def _measure(cases: Sequence[Case], done: Callable[[], None], model: AskedModel | None) -> list[Outcome]:
    params, tokens, analyzer = ConsolidationParams(), Cl100kCounter(), SpacyAnalyzer()
    embedder = SentenceTransformerEmbedder(device="cpu")
    compressor = RulesCompressor(
        embedder=embedder, surprisal=WordFrequencySurprisal(), tokens=tokens, gate=GateSettings()
    )
    judge = LlmJudge(model) if model is not None else None
    consolidator = Consolidator(analyzer=analyzer, tokens=tokens, embedder=embedder, params=params, judge=judge)
    outcomes = []
    for i, case in enumerate(cases):
        store = ConsolidatedStore(
            f"user {i}",
            compressor=compressor,
            embedder=embedder,
            consolidator=consolidator,
            tokens=tokens,
            params=params,
        )
        outcomes.append(await measure(case, store, np.random.default_rng(i)))
        done()
    await embedder.close()
    return outcomes


async def measure(case: Case, store: ConsolidatedStore, rng: np.random.Generator) -> Outcome:
    """Tell the store a case in batches of 1 to 4 turns, and count what it got right."""
    outcome = Outcome(case)
    turns = list(case.turns)
    while turns:
        size = int(rng.integers(1, _BATCH + 1))
        await store.tell(turns[:size], case.speaker)
        turns = turns[size:]
    outcome.counts["kept turns"] = (len(store.said), len(case.turns))
    if case.kind is Kind.REDUNDANCY:
        _merges(store, outcome)
    elif case.kind is Kind.DELETION:
        await _deletion(case, store, outcome)
    else:
        _current(store, outcome)
        _as_of(case, store, outcome)
        _cascade(case, store, outcome)
    return outcome


def _merges(store: ConsolidatedStore, outcome: Outcome) -> None:
    told = sorted(store.said)
    right = made = wanted = 0
    for a, b in combinations(told, 2):
        same = store.said[a].fact == store.said[b].fact
        merged = store.stands_for(a).id == store.stands_for(b).id
        made, wanted, right = made + merged, wanted + same, right + (same and merged)
        if same != merged:
            outcome.notes.append(f"{'missed' if same else 'wrong'}: {store.said[a].content} | {store.said[b].content}")
    outcome.counts["merge precision"] = (right, made)
    outcome.counts["merge recall"] = (right, wanted)


def _current(store: ConsolidatedStore, outcome: Outcome) -> None:
    """Whether the ACTIVE statements give the attribute its current value alone, and nothing else was ended."""
    valued = [said for said in store.said.values() if said.value is not None]
    current = max(valued, key=lambda said: said.time).value if valued else None
    active = {memory.id for memory in store.active()}
    alive = {memory_id for memory_id in store.said if store.stands_for(memory_id).id in active}
    values = {store.said[i].value for i in alive} - {None, ""}
    bystanders = [i for i in store.said if store.said[i].value is None]
    lost = [store.said[i].content for i in bystanders if i not in alive]
    right = values == ({current} if current else set()) and not lost
    outcome.counts["current value"] = (int(right), 1)
    outcome.counts[f"current value: {outcome.case.kind}"] = (int(right), 1)
    if not right:
        told = [f"{said.content}{'' if i in alive else ' (ended)'}" for i, said in store.said.items()]
        outcome.notes.append(f"current {current}, found {values}, lost {lost}: {told}")


def _as_of(case: Case, store: ConsolidatedStore, outcome: Outcome) -> None:
    """Between any two turns about the attribute: what was held then, as known then and as known at the end."""
    valued = sorted((said for said in store.said.values() if said.value is not None), key=lambda said: said.time)
    end = case.turns[-1].time + timedelta(days=1)
    right = total = 0
    for before, after in zip(valued, [*valued[1:], None], strict=True):
        moment = before.time + ((after.time if after else end) - before.time) / 2
        asked = [AsOf(moment, moment)]
        # A date in the past, or a correction, makes the truth differ from what was told then.
        dated = any("last week" in said.content and moment > said.time - timedelta(days=14) for said in valued)
        if after is None or not (case.kind is Kind.CORRECTION or dated):
            asked.append(AsOf(moment, end))
        for view in asked:
            found = _shown_values(store, view)
            total += 1
            right += found == ({before.value} if before.value else set())
            if found != ({before.value} if before.value else set()):
                outcome.notes.append(f"as of {view.valid_at:%d %b}/{view.known_at:%d %b}: {found}, not {before.value}")
    outcome.counts["as of"] = (right, total)


def _shown_values(store: ConsolidatedStore, view: AsOf) -> set[str]:
    shown = {m.id for m in store.memories.values() if m.kind is MemoryKind.STATEMENT and view.shows(m)}
    values = set()
    for memory_id, said in store.said.items():
        memory: Memory | None = store.memories[memory_id]
        while memory is not None:
            above = store.memories.get(memory.superseded_by)
            above = above if above is not None and memory.id in above.derived_from else None
            if memory.id in shown and said.value and not (above and above.event_time <= view.known_at):
                values.add(said.value)
            memory = above
    return values


def _cascade(case: Case, store: ConsolidatedStore, outcome: Outcome) -> None:
    """Of the memories made from what later ended, the share that no longer stands."""
    if case.kind not in (Kind.CASCADE, Kind.CHANGE, Kind.CHAIN, Kind.CORRECTION, Kind.END):
        return
    valued = [said for said in store.said.values() if said.value is not None]
    current = max(valued, key=lambda said: said.time).value if valued else None
    outdated = {i for i, said in store.said.items() if said.value not in (None, "", current)}
    made = [m for m in store.memories.values() if m.derived_from and _stems_from(m, outdated, store)]
    right = [m for m in made if m.state.value != "active"]
    outcome.counts["cascade"] = (len(right), len(made))


def _stems_from(memory: Memory, statements: set[str], store: ConsolidatedStore) -> bool:
    below = {memory.id, *memory.derived_from}
    if below & statements:
        return True
    return any(_stems_from(store.memories[i], statements, store) for i in memory.derived_from if i in store.memories)


async def _deletion(case: Case, store: ConsolidatedStore, outcome: Outcome) -> None:
    """Delete all that tells the value; then say other things, and look for it in what is ACTIVE."""
    told = [i for i, said in store.said.items() if said.value]
    value = next((store.said[i].value for i in told), None)
    if value is None:
        return
    made = [m.id for m in store.memories.values() if m.derived_from and _stems_from(m, set(told), store)]
    await store.delete({*told, *(store.stands_for(i).id for i in told)})
    later = case.turns[-1].time + timedelta(days=5)
    await store.tell([Said("I bought a lamp for 45 euros in Ghent.", later, "later")], case.speaker)
    turns = {ref for i in told for ref in store.memories[i].sources}
    returned = [m for m in store.active() if turns & set(m.sources) and _tells(m, told, store)]
    outcome.counts["kept after deletion"] = (len(returned), 1)
    left = [i for i in made if store.memories[i].state.value == "active"]
    outcome.counts["cascade"] = (len(made) - len(left), len(made))
    outcome.notes += [f"after deletion of {value}: {m.text}" for m in returned]


def _tells(memory: Memory, statements: Sequence[str], store: ConsolidatedStore) -> bool:
    return any(store.memories[i].text in memory.text for i in statements)


def summary(outcomes: Sequence[Outcome], seed: int) -> dict[str, dict[str, float]]:
    """Each metric's share of right ones over all cases, its interval, and how many were counted."""
    rows: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for outcome in outcomes:
        for name, count in outcome.counts.items():
            rows[name].append(count)
    return {name: _share(np.array(counts, dtype=np.float64), seed) for name, counts in sorted(rows.items())}


def _share(counts: NDArray[np.float64], seed: int) -> dict[str, float]:
    weights = question_weights(len(counts), seed)
    sums = weights @ counts
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = interval((sums[:, 0] / sums[:, 1])[:, None])[:, 0]
    right, total = counts.sum(axis=0)
    share = right / total if total else float("nan")
    return {"share": share, "low": float(low), "high": float(high), "count": float(total), "cases": len(counts)}


def _show(report: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    table = Table("metric", *report, "target")
    for name in sorted({name for half in report.values() for name in half}):
        cells = [_cell(half.get(name)) for half in report.values()]
        table.add_row(name, *cells, f"{TARGETS[name]:g}" if name in TARGETS else "")
    out.print(table)


def _cell(row: Mapping[str, float] | None) -> str:
    if row is None:
        return "-"
    return f"{row['share']:.3f} [{row['low']:.3f}, {row['high']:.3f}] of {row['count']:.0f}"
