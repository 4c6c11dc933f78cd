"""MemoryService: what agents call on every turn."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from memsvc.errors import FailedPrecondition, InvalidInput, NotFound, Reason, StaleEtag, Violation
from memsvc.ingest.accept import TurnAcceptor
from memsvc.ingest.stream import IngestStream
from memsvc.ingest.violations import Violations
from memsvc.rpc.admission import Admission, shutting_down
from memsvc.rpc.call import Call
from memsvc.rpc.decode import (
    ANY_BUT_DELETED,
    MEMORY_UPDATES,
    changed_memory,
    check_memory_update,
    deletion_filter,
    filter_of,
    is_planned,
    priority_of,
    read_scope,
    spec_of,
    turn_of,
    written_scope,
)
from memsvc.rpc.encode import change_message, memory_message, operation_message, turn_message, user_settings_message
from memsvc.rpc.encode_query import answer_message, explain_message, query_message
from memsvc.rpc.enums import DISPOSITION_FROM_PROTO
from memsvc.rpc.fields import check_read_mask, check_update_mask, enums_of, page_size
from memsvc.rpc.idempotency import write_id
from memsvc.rpc.names import parse_memory, parse_space, parse_user_settings
from memsvc.rpc.services import Services
from memsvc.rpc.stream_ingest import ack_message, read_header, read_turns
from memsvc.rpc.tokens import (
    consistency_token,
    listing,
    page_token,
    parse_page_token,
    parse_resume_token,
    resume_token,
)
from memsvc.rpc.waiting import JobWaiter
from memsvc.rpc.watch import Watch
from memsvc.types import IngestRequestId, Memory, QuerySpec, Retrieval, SpaceKey, zone_of
from memsvc.v1 import memory_pb2, operation_pb2
from memsvc.v1 import memory_service_pb2 as pb

MAX_ETAG = 64
PLANNING_SHARE = 1 / 3
"""Of the time that is left to a call, what a language model may take to plan its search."""
UPDATE_ATTEMPTS = 5
"""Times an update without an etag is tried again after somebody else's change came between."""


class MemoryService:
    """The data plane. Methods raise `errors.MemsvcError`; the interceptor makes statuses of them."""

    def __init__(self, services: Services, admission: Admission) -> None:
        self._services = services
        self._admission = admission
        self._acceptor = TurnAcceptor(services.turns, services.tokens)
        self._waiter = JobWaiter(services.jobs, admission)

    async def ingest(self, request: pb.IngestRequest, call: Call) -> pb.IngestResponse:
        """Commit turns and the job that will compress them."""
        space = call.space(parse_space("parent", request.parent))
        violations = Violations()
        drafts = [turn_of(f"turns[{position}]", turn, violations) for position, turn in enumerate(request.turns)]
        priority = priority_of("priority", request.priority, violations)
        accepted = await self._acceptor.accept(
            space,
            drafts,
            request_id=request.request_id,
            violations=violations,
            priority=priority,
            time_zone=request.time_zone,
        )
        return pb.IngestResponse(
            operation=await self._operation(space, accepted.job_id),
            accepted_count=accepted.accepted_count,
            duplicate_count=accepted.duplicate_count,
            consistency_token=consistency_token(accepted.job_ids),
        )

    async def stream_ingest(
        self, requests: AsyncIterator[pb.StreamIngestRequest], call: Call
    ) -> AsyncIterator[pb.StreamIngestResponse]:
        """Commit numbered turns in batches, each acknowledged once it is durable."""
        header = await read_header(requests)
        space = call.space(parse_space("header.parent", header.parent))
        violations = Violations()
        priority = priority_of("header.priority", header.priority, violations)
        time_zone = violations.time_zone("header.time_zone", header.time_zone)
        violations.check()
        stream = IngestStream(
            self._acceptor,
            space,
            header.stream_id,
            self._admission.draining,
            priority=priority,
            time_zone=time_zone,
        )
        async with aclosing(stream.run(read_turns(requests))) as acks:
            async for ack in acks:
                yield ack_message(ack, await self._operation(space, ack.job_id))
        if self._admission.draining():
            raise shutting_down()

    async def query(self, request: pb.QueryRequest, call: Call) -> pb.QueryResponse:
        """Retrieve memories at the depth and budget that the question needs."""
        violations = Violations()
        check_read_mask("read_mask", request.read_mask, memory_pb2.Memory.DESCRIPTOR, violations)
        space = call.space(parse_space("parent", request.parent))
        retrieval = await self._retrieve(call, space, request.spec, request.consistency_token, violations)
        self._services.uses.count(space, [hit.memory_id for hit in retrieval.returned])
        return query_message(space.space, retrieval, request.read_mask)

    async def explain(self, request: pb.ExplainRequest, call: Call) -> pb.ExplainResponse:
        """Query, with the whole trace."""
        space = call.space(parse_space("parent", request.parent))
        retrieval = await self._retrieve(call, space, request.spec, request.consistency_token, Violations())
        return explain_message(space.space, retrieval)

    async def ask(self, request: pb.AskRequest, call: Call) -> pb.AskResponse:
        """Answer from memory with citations, or abstain; needs a language model."""
        space = call.space(parse_space("parent", request.parent))
        violations = Violations()
        spec = spec_of(request.spec, violations)
        planned = is_planned(request.spec, violations, unasked=self._services.plans_unasked)
        violations.check()
        asker = self._services.asker
        if asker is None:
            raise FailedPrecondition("Ask needs a language model: set llm_model", reason=Reason.LLM_NOT_CONFIGURED)
        spec = await self._with_zone(space, spec, request.spec.time_zone)
        await self._waiter.until_consistent(call, space, request.consistency_token)
        answer = await asker.ask(space, _with_planning(spec, call) if planned else spec)
        self._services.uses.count(space, answer.citations)
        return answer_message(space.space, answer)

    async def list_memories(self, request: pb.ListMemoriesRequest, call: Call) -> pb.ListMemoriesResponse:
        """List memories, newest first."""
        space = call.space(parse_space("parent", request.parent))
        limit, binding, violations = page_size(request.page_size), listing(call, request), Violations()
        where = filter_of("filter", request.filter, violations, deleted=True, unscoped=bool(request.children_of))
        violations.check()
        parent = _child_of(space.space, request.children_of) if request.children_of else ""
        if parent and not request.filter.states:
            where = replace(where, states=ANY_BUT_DELETED)
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.memories.page(space, where, limit=limit, cursor=cursor, children_of=parent)
        return pb.ListMemoriesResponse(
            memories=[memory_message(space.space, memory) for memory in page.items],
            next_page_token=page_token(binding, page.cursor),
        )

    async def get_memory(self, request: pb.GetMemoryRequest, call: Call) -> pb.GetMemoryResponse:
        """Get one memory."""
        space_id, memory_id = parse_memory("name", request.name)
        memory = await self._services.memories.get(call.space(space_id), memory_id)
        return pb.GetMemoryResponse(memory=memory_message(space_id, memory))

    async def update_memory(self, request: pb.UpdateMemoryRequest, call: Call) -> pb.UpdateMemoryResponse:
        """Change the fields that the mask names; a new text is indexed exactly as it reads."""
        space_id, memory_id = parse_memory("memory.name", request.memory.name)
        violations = Violations()
        fields = check_update_mask(request.update_mask, MEMORY_UPDATES, violations)
        check_memory_update(request.memory, fields, violations)
        violations.identifier("memory.etag", request.memory.etag, most=MAX_ETAG)
        write = write_id(request, request.request_id, violations)
        violations.check()
        memory, job_id = await self._update(call, call.space(space_id), memory_id, request.memory, fields, write)
        return pb.UpdateMemoryResponse(
            memory=memory_message(space_id, memory), consistency_token=consistency_token((job_id,))
        )

    async def delete_memory(self, request: pb.DeleteMemoryRequest, call: Call) -> pb.DeleteMemoryResponse:
        """Delete one memory."""
        space_id, memory_id = parse_memory("name", request.name)
        violations = Violations()
        violations.identifier("etag", request.etag, most=MAX_ETAG)
        violations.check()
        try:
            await self._services.memories.delete(call.space(space_id), memory_id, etag=request.etag, actor=call.actor)
        except NotFound as error:
            if not (request.allow_missing and error.reason is Reason.MEMORY_NOT_FOUND):
                raise
        return pb.DeleteMemoryResponse()

    async def delete_memories(self, request: pb.DeleteMemoriesRequest, call: Call) -> pb.DeleteMemoriesResponse:
        """Delete every memory and turn of a scope, or those of them that pass a filter."""
        space = call.space(parse_space("parent", request.parent))
        violations = Violations()
        scope = written_scope(request.scope, violations, required=True)
        where = deletion_filter(request, violations) if request.HasField("filter") else None
        violations.check()
        memories, turns = await self._services.memories.delete_scope(space, scope, where, actor=call.actor)
        return pb.DeleteMemoriesResponse(deleted_count=memories, deleted_turn_count=turns)

    async def get_history(self, request: pb.GetHistoryRequest, call: Call) -> pb.GetHistoryResponse:
        """List the changes of one memory, oldest first."""
        space_id, memory_id = parse_memory("name", request.name)
        limit, binding = page_size(request.page_size), listing(call, request)
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.memories.history(call.space(space_id), memory_id, limit=limit, cursor=cursor)
        return pb.GetHistoryResponse(
            changes=[change_message(space_id, change) for change in page.items],
            next_page_token=page_token(binding, page.cursor),
        )

    async def watch_memories(
        self, request: pb.WatchMemoriesRequest, call: Call
    ) -> AsyncIterator[pb.WatchMemoriesResponse]:
        """Stream changes after a resume token, until the caller or the server ends it."""
        space_id = parse_space("parent", request.parent)
        violations = Violations()
        scope = read_scope("scope", request.scope, violations, whole_space=request.whole_space)
        violations.check()
        token = request.resume_token
        watch = Watch(self._services.memories, call.space(space_id), scope, self._admission.draining)
        start = await watch.start(parse_resume_token(call, space_id, token) if token else None)
        async with aclosing(watch.follow(start)) as events:
            async for sequence, change in events:
                yield pb.WatchMemoriesResponse(
                    change=change_message(space_id, change) if change else None,
                    resume_token=resume_token(call, space_id, sequence),
                )
        raise shutting_down()

    async def list_turns(self, request: pb.ListTurnsRequest, call: Call) -> pb.ListTurnsResponse:
        """List turns as they were ingested, oldest first."""
        space = call.space(parse_space("parent", request.parent))
        limit, binding, violations = page_size(request.page_size), listing(call, request), Violations()
        scope = read_scope("scope", request.scope, violations, whole_space=request.whole_space)
        dispositions = enums_of("dispositions", request.dispositions, DISPOSITION_FROM_PROTO, violations)
        violations.check()
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.turns.page(space, scope, dispositions, limit=limit, cursor=cursor)
        return pb.ListTurnsResponse(
            turns=[turn_message(turn) for turn in page.items], next_page_token=page_token(binding, page.cursor)
        )

    async def get_user_settings(self, request: pb.GetUserSettingsRequest, call: Call) -> pb.GetUserSettingsResponse:
        """Get what is set for one user."""
        space_id, user_id = parse_user_settings("name", request.name)
        violations = Violations()
        violations.identifier("name", user_id)
        violations.check()
        settings = await self._services.users.get(call.space(space_id), user_id)
        return pb.GetUserSettingsResponse(settings=user_settings_message(space_id, settings))

    async def update_user_settings(
        self, request: pb.UpdateUserSettingsRequest, call: Call
    ) -> pb.UpdateUserSettingsResponse:
        """Set a user's time zone; memories made before keep the clock they were told on."""
        space_id, user_id = parse_user_settings("settings.name", request.settings.name)
        violations = Violations()
        violations.identifier("settings.name", user_id)
        check_update_mask(request.update_mask, ("time_zone",), violations)
        time_zone = violations.time_zone("settings.time_zone", request.settings.time_zone)
        violations.check()
        settings = await self._services.users.set_time_zone(call.space(space_id), user_id, time_zone)
        return pb.UpdateUserSettingsResponse(settings=user_settings_message(space_id, settings))

    async def _retrieve(
        self, call: Call, space: SpaceKey, message: pb.QuerySpec, token: str, violations: Violations
    ) -> Retrieval:
        spec = spec_of(message, violations)
        planned = is_planned(message, violations, unasked=self._services.plans_unasked)
        violations.check()
        spec = await self._with_zone(space, spec, message.time_zone)
        await self._waiter.until_consistent(call, space, token)
        return await self._services.retriever.retrieve(space, _with_planning(spec, call) if planned else spec)

    async def _with_zone(self, space: SpaceKey, spec: QuerySpec, asked: str) -> QuerySpec:
        """The query on the clock it asks for, else of its user or space. Raises NotFound for the space."""
        stored = await self._services.users.time_zone(space, spec.where.scope.user_id)
        name = asked or stored
        return replace(spec, zone=zone_of(name)) if name else spec

    async def _update(
        self,
        call: Call,
        space: SpaceKey,
        memory_id: str,
        message: memory_pb2.Memory,
        fields: frozenset[str],
        write: IngestRequestId | None,
    ) -> tuple[Memory, str]:
        """Apply the change to the memory as it stands; without an etag, again if somebody else was quicker."""
        tokens = self._services.tokens.count(message.text) if "text" in fields else 0
        for attempt in range(1, UPDATE_ATTEMPTS + 1):
            stored = await self._services.memories.get(space, memory_id)
            violations = Violations()
            changed = changed_memory(stored, message, fields, tokens, violations)
            violations.check()
            try:
                return await self._services.memories.update(
                    space, changed, etag=message.etag or stored.etag, actor=call.actor, request=write
                )
            except StaleEtag:
                if message.etag or attempt == UPDATE_ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _operation(self, space: SpaceKey, job_id: str) -> operation_pb2.Operation | None:
        return operation_message(await self._services.jobs.get(space, job_id)) if job_id else None


def _child_of(space_id: str, name: str) -> str:
    """The id of the memory whose children are asked for. Raises InvalidInput."""
    its_space, memory_id = parse_memory("children_of", name)
    if its_space != space_id:
        raise InvalidInput([Violation("children_of", "names a memory of another space than parent")])
    return memory_id


def _with_planning(spec: QuerySpec, call: Call) -> QuerySpec:
    """The query, with its share of the call's time for a language model to plan it."""
    left = call.remaining()
    return replace(spec, planning_seconds=PLANNING_SHARE * left if left is not None else math.inf)
