"""`memsvc demo`: the whole path on a real conversation, in a service of its own that is gone afterwards."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from memsvc.cli import render
from memsvc.process import StartFailed, service
from memsvc_client import Memory, MemoryClient

CONVERSATION = Path(__file__).parents[2] / "docs" / "demo" / "conversation.json"
EXAMPLES = 6


@dataclass(frozen=True, slots=True)
class Conversation:
    """The shipped conversation; see docs/demo/README.md for the format."""

    title: str
    user_id: str
    agent_id: str
    sessions: list[dict[str, Any]]
    questions: list[dict[str, Any]]

    @property
    def turn_count(self) -> int:
        """Turns of all sessions."""
        return sum(len(session["turns"]) for session in self.sessions)


def run(*, keep: bool) -> None:
    """Play the demo. With `keep` the data stays, and the last lines say how to go on with it."""
    if not CONVERSATION.is_file():
        raise ValueError(f"{CONVERSATION}: the demo needs a checkout of memsvc, not only the installed package")
    parts = json.loads(CONVERSATION.read_text(encoding="utf-8"))
    talk = Conversation(**{name: parts[name] for name in Conversation.__slots__})
    data_dir = Path(tempfile.mkdtemp(prefix="memsvc-demo-"))
    started = time.monotonic()
    render.err.print("starting a service of its own (SQLite, Qdrant Edge, MiniLM; no network) …", style="dim")
    try:
        with (
            service(data_dir) as process,
            MemoryClient(process.address, api_key=process.api_key) as client,
        ):
            _play(client, talk)
    except StartFailed as error:
        raise ValueError(str(error)) from error
    finally:
        if not keep:
            shutil.rmtree(data_dir, ignore_errors=True)
    render.out.print(Rule(style="dim"))
    after = f"data kept: memsvc serve --data-dir {data_dir}" if keep else "the service is stopped, its data removed"
    render.out.print(f"[dim]{time.monotonic() - started:.0f} s; {after}[/]")


def _play(client: MemoryClient, talk: Conversation) -> None:
    render.out.print(Rule(f"[bold]{escape(talk.title)}[/]"))
    _ingest(client, talk)
    _show_sizes(client, talk)
    _show_compression(client, talk)
    shown = [question for question in talk.questions if question.get("show")]
    render.out.print(Rule("[bold]questions, and the context an agent would get[/]"))
    for question in shown:
        _ask(client, talk, question)
    render.out.print(Rule("[bold]one of them explained[/]"))
    asked = shown[-1]["question"]
    render.out.print(f"[bold]{escape(asked)}[/]")
    render.out.print(render.explanation(client.explain(asked, user_id=talk.user_id), limit=10))


def _ingest(client: MemoryClient, talk: Conversation) -> None:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=render.err) as bar:
        sending = bar.add_task("acknowledged (on disk)", total=talk.turn_count)
        compressing = bar.add_task("compressed and searchable", total=talk.turn_count)
        for session in talk.sessions:
            client.add(
                [_message(turn) for turn in session["turns"]],
                user_id=talk.user_id,
                agent_id=talk.agent_id,
                session_id=session["session_id"],
            )
            bar.advance(sending, len(session["turns"]))
        while (stats := client.stats()).pending_job_count:
            if stats.failed_job_count:
                raise ValueError("a job failed for good; the service's log says why")
            bar.update(compressing, completed=stats.turn_count - stats.pending_turn_count)
            time.sleep(0.2)
        bar.update(compressing, completed=talk.turn_count)


def _message(turn: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": turn["turn_id"],
        "role": turn["role"],
        "name": turn.get("name", ""),
        "content": turn["content"],
        "created_at": turn["created_at"],
    }


def _show_sizes(client: MemoryClient, talk: Conversation) -> None:
    stats = client.stats()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("turns in", f"{stats.turn_count:,} in {len(talk.sessions)} sessions")
    table.add_row("raw", f"{stats.raw_token_count:,} tokens")
    table.add_row("stored", f"[bold green]{stats.stored_token_count:,} tokens[/] in {stats.memory_count:,} memories")
    table.add_row("stored / raw", f"{stats.compression_ratio:.0%}")
    render.out.print(Panel(table, title="what it costs to keep", title_align="left", expand=False))


def _show_compression(client: MemoryClient, talk: Conversation) -> None:
    turns = {turn.id: turn for turn in client.turns(user_id=talk.user_id)}
    position = {turn_id: number for number, turn_id in enumerate(turns)}
    shown = [memory for memory in client.list(user_id=talk.user_id) if _is_more_than_a_turn(memory)]
    told = Table("said", "remembered", box=None, header_style="dim", pad_edge=False)
    for memory in shown[:: max(1, len(shown) // EXAMPLES)][:EXAMPLES]:
        sources = sorted((source.turn_id for source in memory.sources), key=position.__getitem__)
        said = "\n".join(f"{turns[turn_id].name}: {turns[turn_id].content}" for turn_id in sources)
        told.add_row(escape(said), _with_additions_dim(memory))
    render.out.print(Rule("[bold]what was compressed[/]"))
    render.out.print(told)
    left_out = Table("left out", "why", box=None, header_style="dim", pad_edge=False)
    for turn in [turn for turn in turns.values() if turn.disposition == "left_out"][:EXAMPLES]:
        left_out.add_row(escape(f"{turn.name}: {turn.content}"), turn.disposition_reason)
    render.out.print(left_out)


def _is_more_than_a_turn(memory: Memory) -> bool:
    """Whether something was left out, dated, or joined."""
    return len(memory.sources) > 1 or any(added.kind in {"date", "ellipsis"} for added in memory.additions)


def _with_additions_dim(memory: Memory) -> Text:
    text = Text(memory.memory, style="green")
    for added in memory.additions:
        text.stylize("dim", added.text_start, added.text_end)
    return text


def _ask(client: MemoryClient, talk: Conversation, question: dict[str, Any]) -> None:
    result = client.search(question["question"], user_id=talk.user_id)
    cited = list(dict.fromkeys(source.turn_id for hit in result for source in hit.sources))
    found = sum(turn in cited for turn in question["evidence"])
    render.out.print(f"[bold]{escape(question['question'])}[/]  [dim](expected: {escape(question['answer'])})[/]")
    render.out.print(Padding(escape(result.context), (0, 0, 0, 2)))
    render.out.print(
        f"  [dim]{found} of {len(question['evidence'])} evidence turns cited; {result.token_count} tokens, "
        f"complexity {result.complexity:.2f}, confidence {result.confidence:.2f}; sources {', '.join(cited)}[/]\n"
    )
