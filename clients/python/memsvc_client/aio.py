"""The asyncio client: the twin of `client.py`, with the same methods and arguments."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from memsvc_client import clocks
from memsvc_client import connection as connections
from memsvc_client import messages as inputs
from memsvc_client.admin_flows import AdminFlows, space_name
from memsvc_client.aio_resources import AsyncOperationHandle, AsyncOperations, AsyncPager, AsyncSpaces, AsyncUsers
from memsvc_client.aio_streams import AsyncIngestStream, AsyncWatch
from memsvc_client.aio_transport import AsyncTransport
from memsvc_client.clocks import Time
from memsvc_client.context import Context
from memsvc_client.flows import Calls
from memsvc_client.memory_flows import MemoryFlows, Written, spec
from memsvc_client.messages import Filters, Messages
from memsvc_client.models import (
    AddResult,
    Answer,
    ConsolidationPreview,
    Memory,
    MemoryChange,
    SearchResult,
    Stats,
    Turn,
    UpdateResult,
)
from memsvc_client.retry import RetryPolicy
from memsvc_client.scopes import NOT_GIVEN, Name, read_scope, scope, write_scope
from memsvc_client.stream_flows import IngestFlows, WatchFlows
from memsvc_client.trace import Explanation


class AsyncMemoryClient:
    """Long-term memory of one space, over an asyncio gRPC channel, for one event loop.

    Every method takes the same three names: `user_id`, `agent_id`, `session_id` (or `run_id`, its other name).
    A call names at least one of them, none as None or an empty text, and each one named must match; a read of what is
    everybody's in the space says `whole_space=True` instead. `timeout` is in seconds, covers the retries too, and
    defaults to the client's. All methods raise the errors of `memsvc_client.errors`.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        api_key: str | None = None,
        space: str = "default",
        timeout: float = 30.0,
        secure: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        retry: RetryPolicy | None = None,
        options: Sequence[tuple[str, str | int]] = (),
    ) -> None:
        target = connections.connection(address, api_key, secure=secure, credentials=credentials, options=options)
        parent = space_name(space)
        self._calls = Calls(retry or RetryPolicy(), timeout)
        self._admin = AdminFlows(self._calls, parent)
        self._flows = MemoryFlows(self._calls, parent, self._admin)
        self._transport = AsyncTransport(target)
        self.operations = AsyncOperations(self._transport, self._admin)
        self.spaces = AsyncSpaces(self._transport, self._admin)
        self.users = AsyncUsers(self._transport, self._admin)

    async def add(
        self,
        messages: Messages,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        metadata: Mapping[str, Any] | None = None,
        wait: bool = False,
        priority: str | None = None,
        time_zone: str | None = None,
        request_id: str | uuid.UUID | None = None,
        timeout: float | None = None,
    ) -> AddResult[AsyncOperationHandle]:
        """Remember a text, a message `{role, content, name?, created_at?, id?, metadata?}`, or a list of them.

        Histories of OpenAI (Chat Completions, Responses) and Anthropic are taken as they are, dicts or objects of their
        libraries: see `histories` and `parts` for how calls, results, pictures and files are told. Messages that hold
        nothing to store are in the result's `skipped`; an unknown shape is refused before anything is sent.

        Returns once they are stored; `wait=True` waits until they are searchable. More than 256 go in several
        requests. A repeat with the same `request_id` and messages changes nothing. `priority` is `backfill` for old
        conversations that may wait until nothing of anybody's is more urgent, and `interactive` unless given.
        `time_zone`, an IANA name or an offset such as `+09:00`, is the clock of messages whose `created_at` has none:
        "tomorrow" is read on it. Unless given it is the time zone set for the user, else for the space.
        """
        whose = write_scope(user_id, agent_id, session_id, run_id)
        return await self._transport.run(
            self._flows.add(
                messages,
                whose,
                metadata,
                wait=wait,
                priority=priority,
                time_zone=time_zone,
                request_id=request_id,
                timeout=timeout,
                handle=self.operations.handle,
            )
        )

    async def search(
        self,
        query: str,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        filters: Filters | None = None,
        max_tokens: int | None = None,
        min_confidence: float | None = None,
        limit: int | None = None,
        after: str | Written | None = None,
        ask_time: Time | None = None,
        as_of: Time | None = None,
        known_at: Time | None = None,
        planning: str | None = None,
        time_zone: str | None = None,
        timeout: float | None = None,
    ) -> SearchResult:
        """Find memories, best first; `max_tokens` and `limit` adapt to the question unless given.

        Nothing is returned where the confidence that memory holds an answer is below `min_confidence` (of the service,
        unless given), and `warnings` say so.

        `after` (the result of a write, or its token) waits until that write is searchable. `ask_time` is what "last
        week" is read against, on the clock of `time_zone`, else its own; it defaults to now. `as_of` looks back to what
        held then, judged by what had been told until `known_at`, which defaults to the same time; both are times of the
        messages, not of their storing.
        `planning` is `llm` for a plan by the service's language model beside the rules', `off` for the rules alone, and
        the service's setting unless given; a model that fails is told in the result's `planning`.
        """
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        wanted = spec(
            query,
            whose,
            filters,
            whole_space=whole_space,
            max_tokens=max_tokens,
            min_confidence=min_confidence,
            limit=limit,
            ask_time=ask_time,
            as_of=as_of,
            known_at=known_at,
            planning=planning,
            time_zone=time_zone,
        )
        return await self._transport.run(self._flows.search(wanted, after, timeout))

    async def explain(
        self,
        query: str,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        filters: Filters | None = None,
        max_tokens: int | None = None,
        min_confidence: float | None = None,
        limit: int | None = None,
        after: str | Written | None = None,
        ask_time: Time | None = None,
        as_of: Time | None = None,
        known_at: Time | None = None,
        planning: str | None = None,
        time_zone: str | None = None,
        timeout: float | None = None,
    ) -> Explanation:
        """Search, and report how the complexity was estimated and how every candidate fared."""
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        wanted = spec(
            query,
            whose,
            filters,
            whole_space=whole_space,
            max_tokens=max_tokens,
            min_confidence=min_confidence,
            limit=limit,
            ask_time=ask_time,
            as_of=as_of,
            known_at=known_at,
            planning=planning,
            time_zone=time_zone,
        )
        return await self._transport.run(self._flows.explain(wanted, after, timeout))

    async def context(
        self,
        query: str,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        filters: Filters | None = None,
        max_tokens: int | None = None,
        min_confidence: float | None = None,
        limit: int | None = None,
        after: str | Written | None = None,
        ask_time: Time | None = None,
        as_of: Time | None = None,
        known_at: Time | None = None,
        planning: str | None = None,
        time_zone: str | None = None,
        timeout: float | None = None,
    ) -> Context:
        """Search, and return what was found ready for a prompt."""
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        wanted = spec(
            query,
            whose,
            filters,
            whole_space=whole_space,
            max_tokens=max_tokens,
            min_confidence=min_confidence,
            limit=limit,
            ask_time=ask_time,
            as_of=as_of,
            known_at=known_at,
            planning=planning,
            time_zone=time_zone,
        )
        return Context(await self._transport.run(self._flows.search(wanted, after, timeout)))

    async def ask(
        self,
        question: str,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        filters: Filters | None = None,
        max_tokens: int | None = None,
        min_confidence: float | None = None,
        limit: int | None = None,
        after: str | Written | None = None,
        ask_time: Time | None = None,
        as_of: Time | None = None,
        known_at: Time | None = None,
        planning: str | None = None,
        time_zone: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Let the service's language model answer from memory, with citations; it may abstain.

        Raises FailedPrecondition with the reason LLM_NOT_CONFIGURED where the service has none.
        """
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        wanted = spec(
            question,
            whose,
            filters,
            whole_space=whole_space,
            max_tokens=max_tokens,
            min_confidence=min_confidence,
            limit=limit,
            ask_time=ask_time,
            as_of=as_of,
            known_at=known_at,
            planning=planning,
            time_zone=time_zone,
        )
        return await self._transport.run(self._flows.ask(wanted, after, timeout))

    async def get(self, memory_id: str, *, timeout: float | None = None) -> Memory:
        """Return one memory. Raises NotFound."""
        return await self._transport.run(self._flows.get(memory_id, timeout))

    def list(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        filters: Filters | None = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncPager[Memory]:
        """List memories, newest first; nothing is fetched before the result is iterated."""
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        where = inputs.filters(whose, filters, whole_space=whole_space)
        return AsyncPager(self._transport, self._flows.list_page(where, page_size, timeout))

    def children(
        self, memory_id: str, *, filters: Filters | None = None, page_size: int = 0, timeout: float | None = None
    ) -> AsyncPager[Memory]:
        """List what an episode, a theme or a merged memory was made of, in any state but deleted, newest first.

        Raises NotFound.
        """
        where = inputs.filters(scope(), filters)
        return AsyncPager(self._transport, self._flows.list_page(where, page_size, timeout, children_of=memory_id))

    async def update(
        self,
        memory_id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        salience: float | None = None,
        valid_from: Time | None = None,
        valid_to: Time | None = None,
        pinned: bool | None = None,
        etag: str | None = None,
        request_id: str | uuid.UUID | None = None,
        timeout: float | None = None,
    ) -> UpdateResult:
        """Change what is given, replacing all of the metadata. Raises Conflict when `etag` is given and stale.

        A memory that is `pinned` is kept whatever its salience.
        """
        changed, fields = self._flows.edit(
            memory_id,
            text=text,
            metadata=metadata,
            salience=salience,
            valid_from=valid_from,
            valid_to=valid_to,
            pinned=pinned,
            etag=etag,
        )
        return await self._transport.run(self._flows.update(changed, fields, request_id, timeout))

    async def delete(
        self, memory_id: str, *, etag: str | None = None, allow_missing: bool = False, timeout: float | None = None
    ) -> None:
        """Delete one memory. Raises NotFound, unless `allow_missing`, and Conflict when `etag` is stale."""
        await self._transport.run(
            self._flows.delete(memory_id, etag=etag, allow_missing=allow_missing, timeout=timeout)
        )

    async def delete_all(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        filters: Filters | None = None,
        timeout: float | None = None,
    ) -> int:
        """Delete every memory and message of a scope, with `filters` those that pass; return how many memories."""
        whose = write_scope(user_id, agent_id, session_id, run_id)
        return await self._transport.run(self._flows.delete_all(whose, filters, timeout))

    def history(self, memory_id: str, *, page_size: int = 0, timeout: float | None = None) -> AsyncPager[MemoryChange]:
        """List a memory's changes, oldest first, also of a deleted one."""
        return AsyncPager(self._transport, self._flows.history_page(memory_id, page_size, timeout))

    def turns(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        dispositions: Sequence[str] = (),
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncPager[Turn]:
        """List messages as they were added, oldest first, each with what compression did with it."""
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        return AsyncPager(
            self._transport, self._flows.turns_page(whose, dispositions, page_size, timeout, whole_space=whole_space)
        )

    def watch(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        whole_space: bool = False,
        resume_token: str = "",
        timeout: float | None = None,
    ) -> AsyncWatch:
        """Iterate (`async for`) over changes as they happen, from `resume_token` or from now.

        It goes on by itself after an outage, and raises Unavailable when one lasts longer than `timeout`.
        """
        whose = read_scope(user_id, agent_id, session_id, run_id, whole_space=whole_space)
        return AsyncWatch(
            self._transport,
            WatchFlows(self._calls, self._flows.parent, whose, resume_token, timeout, whole_space=whole_space),
        )

    def stream(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        session_id: Name = NOT_GIVEN,
        run_id: Name = NOT_GIVEN,
        metadata: Mapping[str, Any] | None = None,
        stream_id: str | uuid.UUID | None = None,
        max_unacked: int = 1024,
        priority: str | None = None,
        time_zone: str | None = None,
    ) -> AsyncIngestStream:
        """Open a stream of messages that survives outages; use it as an async context manager.

        With the `stream_id` of an earlier stream it goes on where that one was committed. `priority` and `time_zone`
        are those of `add`.
        """
        whose = write_scope(user_id, agent_id, session_id, run_id)
        seed = inputs.request_uuid(stream_id, "stream_id")
        envelope = inputs.Envelope(whose, inputs.check_metadata(metadata, "metadata"), seed, clocks.zone_of(time_zone))
        flows = IngestFlows(self._calls, self._flows.parent, seed, envelope, max_unacked, priority, time_zone)
        return AsyncIngestStream(self._transport, self.operations, flows)

    async def stats(self, *, timeout: float | None = None) -> Stats:
        """Return counts and sizes of the space."""
        return await self._transport.run(self._admin.stats(timeout))

    async def consolidate(
        self,
        *,
        user_id: Name = NOT_GIVEN,
        agent_id: Name = NOT_GIVEN,
        request_id: str | uuid.UUID | None = None,
        timeout: float | None = None,
    ) -> AsyncOperationHandle:
        """Start merging and superseding what was not looked at yet, now; needs an admin key."""
        whose = scope(user_id, agent_id)
        return self.operations.handle(await self._transport.run(self._admin.consolidate(whose, request_id, timeout)))

    async def preview_consolidation(
        self, *, user_id: Name = NOT_GIVEN, agent_id: Name = NOT_GIVEN, timeout: float | None = None
    ) -> ConsolidationPreview:
        """Return what `consolidate` would do, and change nothing; needs an admin key."""
        whose = scope(user_id, agent_id)
        return await self._transport.run(self._admin.preview(whose, timeout))

    async def reindex(self, *, timeout: float | None = None) -> AsyncOperationHandle:
        """Start rebuilding the space's vector index; needs an admin key."""
        return self.operations.handle(await self._transport.run(self._admin.reindex(timeout)))

    async def close(self) -> None:
        """Close the channel."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
