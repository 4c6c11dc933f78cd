"""`memsvc bench fit`: weights of the ranking and the confidence for conversations like the user's own.

Candidates and their signals come from the service's own Explain. The report leaves each conversation out in turn, so
that its figures are of weights which have not seen the conversation they are measured on. Beside the questions that
the data calls unanswerable stand those of `swapping`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.table import Table

from memsvc.bench.asking import Target, send, wait
from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.fitting import Example, fit, reweighed
from memsvc.bench.metrics import first_citations, ranking_metrics, wins
from memsvc.bench.progress import bars, out
from memsvc.bench.reading import read
from memsvc.bench.swapping import asked_of_others
from memsvc.process import service
from memsvc.retrieval.confidence import answer_confidence, confidence_signals
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import read_question
from memsvc.retrieval.weights import SHIPPED, Weights
from memsvc.types import Memory, Scope, Signal, View, ViewScore
from memsvc_client import MemoryClient
from memsvc_client.trace import Candidate as Told

SHIPPED_DATA = tuple(Path(__file__).parent / "data" / name for name in ("fit.jsonl", "fit_assistant.jsonl"))
_NO_TIME = datetime.min.replace(tzinfo=UTC)
SHOWN = ("recall@10", "all@10", "ndcg@10", "mrr")


def run(*, data: Path | None, path: Path) -> None:
    """Fit, print how well the weights do on conversations they have not seen, write them to `path`."""
    talks = [talk for file in ([data] if data else SHIPPED_DATA) for talk in read(file)]
    examples = list(_examples(talks))
    weights = fit(examples)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(weights), indent=2) + "\n")
    table = Table("weights", *SHOWN, "abstention AUROC", box=None, header_style="dim")
    table.add_row("shipped", *_row([(example, SHIPPED) for example in examples]))
    if len(talks) > 1:
        table.add_row("fitted, each conversation left out", *_row(list(_left_out(examples))))
    table.add_row("fitted to all of them", *_row([(example, weights) for example in examples]))
    out.print(table)
    out.print(f"[dim]{path}; use it with MEMSVC_RANKING_WEIGHTS={path}[/]")


def _left_out(examples: Sequence[Example]) -> Iterator[tuple[Example, Weights]]:
    for name in dict.fromkeys(example.conversation for example in examples):
        weights = fit([example for example in examples if example.conversation != name])
        yield from ((example, weights) for example in examples if example.conversation == name)


def _row(judged: Sequence[tuple[Example, Weights]]) -> list[str]:
    ranked = [(reweighed(example, weights.ranking), weights) for example, weights in judged]
    scores = [
        ranking_metrics(first_citations(e.sources[c.memory_id] for c in e.candidates), e.evidence)
        for e, _ in ranked
        if e.answerable
    ]
    sure = [
        answer_confidence(confidence_signals(e.candidates, e.question), weights.confidence, weights.confidence_bias)
        for e, weights in ranked
    ]
    yes = np.array([s for s, (e, _) in zip(sure, ranked, strict=True) if e.answerable])
    no = np.array([s for s, (e, _) in zip(sure, ranked, strict=True) if not e.answerable])
    means = [f"{np.nanmean([score[name] for score in scores]):.3f}" for name in SHOWN]
    return [*means, f"{wins(yes, no).mean():.3f}"]


def _examples(talks: Sequence[Conversation]) -> Iterator[Example]:
    with tempfile.TemporaryDirectory(prefix="memsvc-fit-") as folder, service(Path(folder)) as process, bars() as bar:
        target = Target(process.address, process.api_key, "fit")
        turns = bar.add_task("turns", total=sum(1 for talk in talks for _ in talk.turns()))
        asked = bar.add_task("questions", total=sum(len(_questions(talk)) for talk in talks))
        for talk in talks:
            send(target, talk, lambda count: None)
            wait(target, talk, lambda count: bar.advance(turns, count))
            with target.client(talk) as client:
                for example in _of(client, talk):
                    yield example
                    bar.advance(asked)


def _of(client: MemoryClient, talk: Conversation) -> Iterator[Example]:
    sources = {memory.id: tuple(source.turn_id for source in memory.sources) for memory in client.list(user_id=talk.id)}
    for question in _questions(talk):
        told = client.explain(question.text, user_id=talk.id, ask_time=question.asked_at or talk.end())
        yield Example(
            conversation=talk.id,
            question=read_question(question.text),
            candidates=tuple(_candidate(candidate) for candidate in told.candidates if candidate.id in sources),
            sources=sources,
            evidence=question.evidence,
            answerable=question.answerable,
        )


def _questions(talk: Conversation) -> tuple[Question, ...]:
    return (*talk.questions, *asked_of_others(talk))


def _candidate(told: Told) -> Candidate:
    """The candidate as the service saw it, as far as fitting looks."""
    return Candidate(
        memory_id=told.id,
        memory=Memory(id=told.id, scope=Scope(), text=told.memory, event_time=_NO_TIME),
        view_scores=tuple(
            ViewScore(view=View(s.view), rank=s.rank, score=s.score, normalized=s.normalized) for s in told.view_scores
        ),
        signals=tuple(Signal(s.name, s.value, s.weight) for s in told.signals),
        score=told.score,
    )
