"""`memsvc bench quality`: what the service finds and returns, beside baselines at the same token budgets.

Answers of the service are kept in `answers.jsonl` as they come; a rerun with the same data, settings and code asks
only what is missing. Baselines are computed anew each time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from memsvc.bench import plots, tables
from memsvc.bench.arms import MEMSVC, Arms
from memsvc.bench.asking import RANKED_UNITS, RANKING_TOKENS, Target, ask, consolidate, send, wait
from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.embeddings import Embeddings
from memsvc.bench.intervals import RESAMPLES
from memsvc.bench.journal import Journal, file_digest, question_key, settings_digest
from memsvc.bench.nulls import null_answers, null_key
from memsvc.bench.outcomes import BUDGETS, Outcome, gold, score
from memsvc.bench.progress import bars, out
from memsvc.bench.reading import DataFormat, choose, default_data, read
from memsvc.bench.report import Asked, asked, build
from memsvc.bench.versions import versions
from memsvc.models.tokens import Cl100kCounter
from memsvc.process import service
from memsvc_client import MemoryClient

WARM_UP = 3
"""Questions of a conversation asked once before its first latency is taken."""
INTERVALS_SHOWN = ("recall@10", "ndcg@10", "ev@500", "atr@500", "con@500", "abstention_auroc")


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was asked for; `address` None starts a service over a directory in `out`."""

    data: Path
    data_format: DataFormat | None
    out: Path
    seed: int
    limit: int | None = None
    address: str | None = None
    api_key: str | None = None
    consolidate: bool = False


def run(
    *,
    data: Path | None,
    data_format: DataFormat | None,
    out: Path,
    seed: int,
    limit: int | None,
    address: str | None,
    api_key: str | None,
    consolidate: bool,
) -> None:
    """Measure, print the tables, write `quality.json`, `quality.md` and the plots into `out`."""
    options = Options(data or default_data(), data_format, out, seed, limit, address, api_key, consolidate)
    begin = time.perf_counter()
    talks = choose(read(options.data, data_format), limit, seed)
    if not talks:
        raise ValueError(f"{options.data}: no question")
    out.mkdir(parents=True, exist_ok=True)
    with bars() as bar:
        outcomes, reused = answers(talks, options, bar)
        questions = list(_score(talks, outcomes, seed, bar))
    report = build(questions, seed)
    report["run"] = _describe(options, talks, reused, time.perf_counter() - begin)
    _write(report, [outcome.latency_ms for outcome in outcomes if outcome.latency_ms is not None], out)
    told = ((question.confidence[MEMSVC], question.answerable) for question in questions)
    plots.reliability([(value, answerable) for value, answerable in told if value is not None], out / "reliability.png")


def answers(talks: Sequence[Conversation], options: Options, bar: Progress) -> tuple[list[Outcome], int]:
    """The service's outcome of every question, in order, and how many of them were there before."""
    run_key = settings_digest(
        file_digest(options.data),
        budgets=BUDGETS,
        ranking=(RANKED_UNITS, RANKING_TOKENS),
        address=options.address,
        consolidate=options.consolidate,
    )
    journal = Journal(options.out / "answers.jsonl")
    keys = [[question_key(run_key, talk, question) for question in talk.questions] for talk in talks]
    missing = sum(journal.get(key) is None for row in keys for key in row)
    if missing:
        with _target(options, run_key) as target:
            _fill(target, talks, bar)
            if options.consolidate:
                _consolidate(target, talks, bar)
            _ask(target, talks, keys, journal, bar)
    found = [outcome for row in keys for key in row if (outcome := journal.get(key)) is not None]
    return found, len(found) - missing


@contextmanager
def _target(options: Options, run_key: str) -> Iterator[Target]:
    prefix = f"bench-{run_key[:12]}"
    if options.address is not None:
        yield Target(options.address, options.api_key, prefix)
        return
    with service(options.out / f"service-{run_key[:12]}") as process:
        yield Target(process.address, process.api_key, prefix)


def _fill(target: Target, talks: Sequence[Conversation], bar: Progress) -> None:
    total = sum(1 for talk in talks for _ in talk.turns())
    acknowledged, searchable = bar.add_task("acknowledged", total=total), bar.add_task("searchable", total=total)
    for talk in talks:
        send(target, talk, lambda count: bar.advance(acknowledged, count))
    for talk in talks:
        wait(target, talk, lambda count: bar.advance(searchable, count))


def _consolidate(target: Target, talks: Sequence[Conversation], bar: Progress) -> None:
    task = bar.add_task("consolidated", total=len(talks))
    for talk in talks:
        consolidate(target, talk)
        bar.advance(task)


def _ask(
    target: Target, talks: Sequence[Conversation], keys: Sequence[Sequence[str]], journal: Journal, bar: Progress
) -> None:
    task = bar.add_task("questions", total=sum(len(talk.questions) for talk in talks))
    for talk, row in zip(talks, keys, strict=True):
        todo = [(key, q) for key, q in zip(row, talk.questions, strict=True) if journal.get(key) is None]
        bar.advance(task, len(row) - len(todo))
        with target.client(talk) as client:
            _warm_up(client, talk, [question for _, question in todo])
            for key, question in todo:
                journal.put(key, ask(client, talk, question), question.text)
                bar.advance(task)


def _warm_up(client: MemoryClient, talk: Conversation, questions: Sequence[Question]) -> None:
    for question in questions[:WARM_UP]:
        client.search(question.text, user_id=talk.id)


def _score(talks: Sequence[Conversation], outcomes: Sequence[Outcome], seed: int, bar: Progress) -> Iterator[Asked]:
    texts = bar.add_task("embedded texts", total=None)
    task = bar.add_task("scored", total=len(outcomes))
    embed, tokens = Embeddings(lambda count: bar.advance(texts, count)), Cl100kCounter()
    nulls = null_answers(talks, seed)
    ours = iter(outcomes)
    for talk in talks:
        arms = Arms(talk, embed, tokens)
        for question in talk.questions:
            own = next(ours)
            every = {MEMSVC: own, **dict(arms.answer(question, own.adaptive.tokens))}
            standard = gold(question, nulls.get(null_key(talk, question), ""), talk.language)
            scores = {arm: score(standard, outcome) for arm, outcome in every.items()}
            yield asked(talk.id, question.category, question.answerable, scores, every)
            bar.advance(task)


def _describe(options: Options, talks: Sequence[Conversation], reused: int, seconds: float) -> dict[str, Any]:
    return {
        "versions": versions(),
        "settings": {
            "format": options.data_format,
            "limit": options.limit,
            "service": options.address or "self-started",
            "consolidated": options.consolidate,
            "budgets": BUDGETS,
            "ranked_units": RANKED_UNITS,
            "resamples": RESAMPLES,
        },
        "seed": options.seed,
        "seconds": round(seconds, 1),
        "data": options.data.name,
        "data_sha256": file_digest(options.data),
        "conversations": len(talks),
        "turns": sum(1 for talk in talks for _ in talk.turns()),
        "questions": sum(len(talk.questions) for talk in talks),
        "answers_reused": reused,
    }


def _write(report: dict[str, Any], latencies: Sequence[float], folder: Path) -> None:
    (folder / "quality.json").write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    sections = {
        "All answerable questions": tables.overall(report),
        "95 % intervals": tables.intervals(report, INTERVALS_SHOWN),
        "Paired differences": tables.paired(report, INTERVALS_SHOWN),
        "By category": tables.by_category(report),
    }
    text = "\n\n".join(f"## {title}\n\n{tables.markdown(rows)}" for title, rows in sections.items())
    (folder / "quality.md").write_text(f"# Retrieval quality\n\n{text}\n", encoding="utf-8")
    plots.recall_and_tokens(report, folder / "recall-and-tokens.png")
    plots.against_budget(report, "ev", "evidence in the context", folder / "evidence.png")
    plots.against_budget(report, "atr", "answer words in the context", folder / "answer-words.png")
    plots.latency(latencies, folder / "latency.png")
    out.print(tables.terminal(tables.overall(report, tables.BRIEF), "All answerable questions"))
    out.print(f"[dim]{folder}/quality.json, quality.md and plots[/]")
