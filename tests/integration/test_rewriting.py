"""A store that the last release wrote is served as it is, and rewritten while it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from memsvc.bootstrap.serving import running_server
from memsvc.config import Settings, load
from memsvc.storage.database import create_sql_engine, normalized
from memsvc.storage.migrate import current, head, upgrade
from memsvc.types import Scope
from memsvc_client import AsyncMemoryClient, Memory
from support.embeddings_server import embeddings_server
from support.retrieval import HashingEmbedder
from support.small_service import until

RELEASE = "0006"
"""The schema of the last release that worded memories."""
STORED = "%Y-%m-%d %H:%M:%S.%f"
NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)
SAID = (
    "I moved to Lisbon last month with my sister Vera.",
    "Nora begins her course on Tuesday.",
    "I keep the telescope in the harbour shed.",
    "We pay 640 euros for the studio.",
)
WORDED = (
    "Ana moved to Lisbon in April 2026 with Ana's sister Vera.",
    "Nora begins her course on Tuesday 12 May 2026.",
    "Ana keeps the telescope in the harbour shed.",
    "Ana and others pay 640 euros for the studio.",
)
MINE = "The telescope is in the attic."
SESSION = {"user_id": "ana", "agent_id": "", "session_id": "s1"}


def _insert(connection: Connection, table: str, **values: Any) -> None:
    plain = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in values.items()}
    names = ", ".join(plain)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(plain)})"), plain)  # noqa: S608


def _memory_id(number: int) -> str:
    return f"00000000-0000-5000-8000-{number:012d}"


def write_store(url: str) -> None:
    """Four turns and their memories as the last release left them; a caller had put the third one right."""
    upgrade(url, RELEASE)
    where = {"tenant": "default", "space": "default"}
    now = f"{NOON:{STORED}}"
    engine = create_sql_engine(normalized(url), connections=1)
    with engine.begin() as connection:
        _insert(
            connection,
            "spaces",
            tenant="default",
            name="default",
            display_name="",
            version=1,
            change_sequence=0,
            create_time=now,
            update_time=now,
        )
        for number, (said, worded) in enumerate(zip(SAID, WORDED, strict=True)):
            at = f"{NOON + timedelta(minutes=number):{STORED}}"
            mine = number == 2
            _insert(
                connection,
                "turns",
                **{**where, **SESSION, "scope_key": Scope(**SESSION).key, "turn_id": f"t{number}", "role": "user"},
                speaker="Ana",
                content=said,
                event_time=at,
                labels={},
                token_count=12,
                digest="",
                ingest_time=now,
                disposition="kept",
                reason="INFORMATIVE",
                job_id="",
            )
            _insert(
                connection,
                "memories",
                **{**where, **SESSION, "id": _memory_id(number), "kind": "statement", "state": "active"},
                text=MINE if mine else worded,
                dense_text=worded,
                lexical_text=worded,
                event_time=at,
                salience=0.5,
                token_count=12,
                labels={},
                create_time=now,
                update_time=now,
                symbolic={"people": ["Ana"], "entities": [], "place": "", "topic": "", "speaker": "Ana"},
                sources=[{"scope": SESSION, "turn_id": f"t{number}"}],
                derived_from=[],
                compressor="caller" if mine else "rules/1",
                version=2 if mine else 1,
                indexed_version=0,
                indexed_version_1=0,
                consolidated_version=0,
                superseded_by="",
                conflicts_with=[],
                pinned=False,
                use_count=0,
            )
    engine.dispose()


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[AsyncMemoryClient]:
    async with running_server(settings) as port:
        key = settings.api_key_file.read_text().strip()
        async with AsyncMemoryClient(f"127.0.0.1:{port}", api_key=key, timeout=30.0) as client:
            yield client


async def _served(client: AsyncMemoryClient) -> dict[str, Memory]:
    return {each.id: each async for each in client.list(user_id="ana")}


async def test_a_store_of_the_last_release_is_served_and_rewritten(tmp_path: Path) -> None:
    async with embeddings_server(HashingEmbedder()) as embeddings:
        settings = load(
            data_dir=tmp_path,
            listen="127.0.0.1:0",
            drain_seconds=0.5,
            worker_concurrency=0,
            embedder="litellm:openai/first",
            embedder_dimension=HashingEmbedder.dimension,
            embedder_api_base=embeddings.url,
        )
        write_store(settings.sql_url)
        async with _serving(settings) as client:
            assert current(settings.sql_url) == head()
            before = await _served(client)
            assert {each.memory for each in before.values()} == {MINE, *(WORDED[n] for n in (0, 1, 3))}
            assert [each.spans for each in before.values()] == [()] * 4
            assert (await client.stats()).outdated_memory_count == 3

        async with _serving(settings.model_copy(update={"worker_concurrency": 2})) as client:
            await until(lambda: _is_done(client), "the store is not rewritten")
            after = await _served(client)
            assert after.pop(_memory_id(2)).memory == MINE
            assert len(after) == 3
            for each in after.values():
                said = SAID[int(each.spans[0].turn.turn_id[1:])]
                told = [each.memory[span.text_start : span.text_start + span.end - span.start] for span in each.spans]
                assert told == [said[span.start : span.end] for span in each.spans]
                assert "".join(told) == said
            operations = [each async for each in client.operations.list()]
            (rewriting,) = [each for each in operations if each.kind == "rewrite"]
            assert (rewriting.state, rewriting.progress) == ("succeeded", 1.0)
            assert rewriting.summary is not None
            assert rewriting.summary.superseded_count == 3
            found = await client.search("Where did Ana move with Vera?", user_id="ana")
            assert found[0].spans
            assert not {each.memory for each in found} & {WORDED[n] for n in (0, 1, 3)}
            assert (await client.get(_memory_id(0))).state == "superseded"


async def _is_done(client: AsyncMemoryClient) -> bool:
    stats = await client.stats()
    running = [each async for each in client.operations.list() if not each.done]
    return not (stats.outdated_memory_count or stats.unindexed_memory_count or running)
