"""How results look: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from memsvc_client.models import Answer, ConsolidationPreview, Operation, OperationSummary, SearchResult, Stats
from memsvc_client.trace import Candidate, Explanation

out = Console()
err = Console(stderr=True)

OUTCOME_STYLE = {"returned": "green", "duplicate": "yellow", "stale": "red"}


def as_json(value: Any) -> str:
    """Any result of the client as indented JSON; times in ISO 8601."""

    def plain(part: Any) -> Any:
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
        if isinstance(part, datetime):
            return part.isoformat()
        if hasattr(part, "id"):
            return part.id
        raise TypeError(type(part).__name__)

    return json.dumps(value, default=plain, indent=2, ensure_ascii=False)


def search(result: SearchResult) -> RenderableType:
    """Hits with their scores, sources and sizes, and what the context costs."""
    table = Table(title=None, box=None, pad_edge=False, header_style="dim")
    for heading in ("score", "memory", "told", "tokens", "sources"):
        table.add_column(heading, justify="right" if heading in ("score", "tokens") else "left", overflow="fold")
    for hit in result:
        told = f"{hit.local_time:%Y-%m-%d}" if hit.local_time else ""
        turns = ", ".join(source.turn_id for source in hit.sources)
        table.add_row(f"{hit.score:.2f}", escape(hit.memory), told, str(hit.token_count), escape(turns))
    facts = (
        f"{len(result)} memories, {result.token_count} of {result.max_tokens} tokens; "
        f"complexity {result.complexity:.2f}, depth {result.depth}"
    )
    failed = [f"[red]{view.view} view failed: {escape(view.error)}[/]" for view in result.views if view.error]
    if result.planning and result.planning.error:
        failed.append(f"[yellow]planned by rules alone: {escape(result.planning.error)}[/]")
    return Group(table if result.hits else "[dim]nothing matched[/]", f"[dim]{facts}[/]", *failed)


def answer(value: Answer) -> RenderableType:
    """The answer and the memories it rests on, or why there is none."""
    head = f"[yellow]no answer[/]: {value.abstain_reason}" if value.abstained else f"[bold]{escape(value.text)}[/]"
    sources = [f"[dim]- {escape(hit.memory)}[/]" for hit in value.sources]
    facts = f"[dim]from {len(value.result)} memories, {value.result.token_count} tokens[/]"
    return Group(head, *sources, facts)


def explanation(trace: Explanation, *, limit: int) -> RenderableType:
    """Why the answer is what it is: signals, plan, views, and the fate of each candidate."""
    signals = ", ".join(f"{f.name} {f.value:.2f}×{f.weight:.2f}" for f in trace.features if f.value)
    plan = trace.plan
    named = ", ".join((*plan.people, *plan.entities)) or "nobody and nothing"
    when = (
        f"; asks about {plan.start_time:%Y-%m-%d} to {plan.end_time:%Y-%m-%d}"
        if plan.start_time and plan.end_time
        else ""
    )
    confidence = ", ".join(f"{s.name} {s.value:+.2f}×{s.weight:.2f}" for s in trace.confidence_signals)
    views = ", ".join(
        f"{v.view} {v.candidate_count} in {v.latency_ms:.0f} ms"
        + (f" [red]failed: {escape(v.error)}[/]" if v.error else "")
        for v in trace.result.views
    )
    window = f", scores down to {plan.score_window:.2f} below the best" if plan.score_window is not None else ""
    head = (
        f"complexity [bold]{trace.result.complexity:.2f}[/] from {signals or 'no signal'}\n"
        f"plan: depth {plan.depth}, {plan.max_tokens} tokens, {plan.candidates_per_view} candidates a view{window}\n"
        f"names {escape(named)}{when}\n{_planned(trace.result)}views: {views}\n"
        f"confidence [bold]{trace.result.confidence:.2f}[/] from {confidence}"
    )
    return Group(Panel(head, title="plan", title_align="left"), _candidates(trace.candidates, limit))


def _planned(result: SearchResult) -> str:
    """What a language model planned, one line; nothing where it was not asked."""
    planning = result.planning
    if planning is None:
        return ""
    if planning.error:
        return f"[yellow]planned by rules alone: {escape(planning.error)}[/]\n"
    searched = "; ".join(escape(text) for text in planning.sub_queries) or "nothing else"
    dropped = "".join(f"; dropped {escape(text)} ({reason})" for text, reason in planning.dropped)
    return f"language model: searches for {searched}{dropped}\n"


def _candidates(candidates: tuple[Candidate, ...], limit: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", caption=_rest(len(candidates), limit))
    for heading in ("score", "dense", "lexical", "symbolic"):
        table.add_column(heading, justify="right")
    for heading in ("outcome", "why", "memory"):
        table.add_column(heading, overflow="fold")
    for hit in candidates[:limit]:
        ranks = {score.view: f"#{score.rank}" for score in hit.view_scores}
        style = OUTCOME_STYLE.get(hit.outcome, "dim")
        table.add_row(
            f"{hit.score:.2f}",
            *(ranks.get(view, "–") for view in ("dense", "lexical", "symbolic")),
            f"[{style}]{hit.outcome}[/]",
            escape(hit.reason),
            escape(hit.memory),
        )
    return table


def _rest(total: int, limit: int) -> str | None:
    return f"and {total - limit} more candidates" if total > limit else None


def stats(values: Stats) -> Table:
    """Counts, sizes and lag of a space."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    rows: list[tuple[str, str]] = [
        ("turns", f"{values.turn_count:,}"),
        ("  waiting to be compressed", f"{values.pending_turn_count:,}"),
        ("  left out by the gate", f"{values.left_out_turn_count:,}"),
        ("memories", f"{values.memory_count:,}"),
        ("  not yet in the index", f"{values.unindexed_memory_count:,}"),
        ("  not yet consolidated", f"{values.unconsolidated_memory_count:,}"),
        ("raw tokens", f"{values.raw_token_count:,}"),
        ("stored tokens", f"{values.stored_token_count:,}"),
        ("stored / raw", f"{values.compression_ratio:.1%}"),
        ("jobs waiting or running", f"{values.pending_job_count:,}"),
        ("jobs failed for good", f"{values.failed_job_count:,}"),
    ]
    if values.outdated_memory_count:
        rows.insert(6, ("  in an earlier release's words", f"{values.outdated_memory_count:,}"))
    if values.llm_call_count or values.llm_redo_turn_count:
        priced = f"${values.llm_cost_usd:,.4f}" if not values.llm_unpriced_call_count else "not known"
        rows += [
            ("language model: calls", f"{values.llm_call_count:,}"),
            ("  tokens in, out", f"{values.llm_prompt_token_count:,}, {values.llm_completion_token_count:,}"),
            ("  cost", priced),
            ("  turns it is still to redo", f"{values.llm_redo_turn_count:,}"),
        ]
    if values.oldest_pending_time:
        rows.append(("oldest job waiting since", f"{values.oldest_pending_time:%Y-%m-%d %H:%M:%S}"))
    for row in rows:
        table.add_row(*row)
    return table


def operation(state: Operation) -> str:
    """One line about a job."""
    line = f"{state.kind} {state.id}: {state.state}"
    if state.summary:
        line += f"; {_done(state.kind, state.summary)}"
    problem = state.error or state.last_error
    return f"{line}; {problem.reason}: {problem.message}" if problem else line


def _done(kind: str, summary: OperationSummary) -> str:
    if kind != "consolidate":
        return (
            f"{summary.turn_count} turns → {summary.created_count} memories, "
            f"{summary.left_out_turn_count} turns left out"
        )
    return (
        f"{summary.examined_count} memories looked at: {summary.merged_count} merged, "
        f"{summary.superseded_count} superseded, {summary.conflict_count} in conflict, "
        f"{summary.abstracted_count} episodes and themes made, {summary.retired_count} retired"
    )


def preview(value: ConsolidationPreview) -> RenderableType:
    """What consolidation would do, a line for each decision."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("action", "memories", "result", "why"):
        table.add_column(heading, overflow="fold")
    for decision in value.decisions:
        made = decision.result.memory if decision.result else decision.winner
        table.add_row(decision.action, "\n".join(decision.memory_ids), escape(made), escape(decision.reason))
    rest = "" if value.complete else "; there are more to look at"
    facts = f"[dim]{value.examined_count} memories looked at, nothing changed{rest}[/]"
    return Group(table if value.decisions else "[dim]nothing to do[/]", facts)
