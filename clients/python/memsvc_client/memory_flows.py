"""The methods on memories, as flows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from memsvc_client import clocks, json_values, messages, methods, parsing
from memsvc_client.admin_flows import AdminFlows
from memsvc_client.errors import InvalidArgument, invalid, invalid_fields
from memsvc_client.flows import Calls, Flow, unary
from memsvc_client.models import (
    AddResult,
    Answer,
    Memory,
    MemoryChange,
    Operation,
    Page,
    SearchResult,
    Turn,
    UpdateResult,
)
from memsvc_client.status import Violation
from memsvc_client.trace import Explanation
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as service

_TURN = re.compile(r"^turns\[(\d+)\]")
HandleT = TypeVar("HandleT")


class Written(Protocol):
    """The result of a write, which a search can wait for."""

    @property
    def consistency_token(self) -> str:
        """Opaque token."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryFlows:
    """Builds one flow per method, bound to one space (`spaces/{space}`)."""

    calls: Calls
    parent: str
    admin: AdminFlows

    def add(
        self,
        given: messages.Messages,
        scope: memory_pb2.Scope,
        metadata: Mapping[str, Any] | None,
        *,
        wait: bool,
        priority: str | None,
        time_zone: str | None,
        request_id: str | uuid.UUID | None,
        timeout: float | None,
        handle: Callable[[Operation], HandleT],
    ) -> Flow[AddResult[HandleT]]:
        """Ingest in as many requests as the limits ask for, each with an id of its own derived from the first."""
        seed = messages.request_uuid(request_id)
        zone = clocks.zone_of(time_zone)
        envelope = messages.Envelope(scope, messages.check_metadata(metadata, "metadata"), seed, zone)
        prepared = messages.turns(given, envelope)
        urgency = messages.priority(priority)
        backoff = self.calls.backoff(timeout)
        responses: list[service.IngestResponse] = []
        sent = 0
        for number, batch in enumerate(messages.batches(prepared.turns)):
            request_id = str(uuid.uuid5(seed, f"request-{number}") if number else seed)
            request = service.IngestRequest(
                parent=self.parent, turns=batch, request_id=request_id, priority=urgency, time_zone=time_zone or ""
            )
            try:
                responses.append((yield from unary(methods.INGEST, request, backoff)))
            except InvalidArgument as error:
                raise _located(error, prepared.origins[sent:]) from error
            sent += len(batch)
        started = [parsing.operation(r.operation) for r in responses if r.HasField("operation")]
        for identifier in dict.fromkeys(operation.id for operation in started) if wait else ():
            yield from self.admin.wait(identifier, backoff)
        return AddResult(
            operation=handle(started[-1]) if started else None,
            accepted_count=sum(r.accepted_count for r in responses),
            duplicate_count=sum(r.duplicate_count for r in responses),
            # The newest one: what has nothing left to wait for answers without.
            consistency_token=next((r.consistency_token for r in reversed(responses) if r.consistency_token), ""),
            turn_ids=tuple(turn.turn_id for turn in prepared.turns),
            request_id=str(seed),
            skipped=tuple(prepared.skipped),
        )

    def search(self, spec: service.QuerySpec, after: str | Written | None, timeout: float | None) -> Flow[SearchResult]:
        """Query."""
        request = service.QueryRequest(parent=self.parent, spec=spec, consistency_token=_token(after))
        return self.calls.call(methods.QUERY, request, parsing.search, timeout=timeout)

    def explain(self, spec: service.QuerySpec, after: str | Written | None, timeout: float | None) -> Flow[Explanation]:
        """Query, with the trace."""
        request = service.ExplainRequest(parent=self.parent, spec=spec, consistency_token=_token(after))
        return self.calls.call(methods.EXPLAIN, request, parsing.explanation, timeout=timeout)

    def ask(self, spec: service.QuerySpec, after: str | Written | None, timeout: float | None) -> Flow[Answer]:
        """Ask."""
        request = service.AskRequest(parent=self.parent, spec=spec, consistency_token=_token(after))
        return self.calls.call(methods.ASK, request, parsing.answer, timeout=timeout)

    def get(self, memory_id: str, timeout: float | None) -> Flow[Memory]:
        """Get one memory."""
        request = service.GetMemoryRequest(name=self._name(memory_id))
        return self.calls.call(methods.GET_MEMORY, request, lambda r: parsing.memory(r.memory), timeout=timeout)

    def list_page(
        self, where: service.MemoryFilter, page_size: int, timeout: float | None, *, children_of: str = ""
    ) -> Callable[[str], Flow[Page[Memory]]]:
        """Return what fetches a page of memories by its token, or with `children_of` of those one was made of."""
        parent = self._name(children_of) if children_of else ""

        def fetch(page_token: str) -> Flow[Page[Memory]]:
            request = service.ListMemoriesRequest(
                parent=self.parent, filter=where, page_size=page_size, page_token=page_token, children_of=parent
            )
            return self.calls.call(methods.LIST_MEMORIES, request, _memories, timeout=timeout)

        return fetch

    def update(
        self,
        changed: memory_pb2.Memory,
        fields: list[str],
        request_id: str | uuid.UUID | None,
        timeout: float | None,
    ) -> Flow[UpdateResult]:
        """Change the named fields of a memory."""
        if not fields:
            raise invalid("update", "pass at least one field to change")
        request = service.UpdateMemoryRequest(
            memory=changed,
            update_mask=FieldMask(paths=fields),
            request_id=str(messages.request_uuid(request_id)),
        )
        return self.calls.call(methods.UPDATE_MEMORY, request, _updated, timeout=timeout)

    def delete(self, memory_id: str, *, etag: str | None, allow_missing: bool, timeout: float | None) -> Flow[None]:
        """Delete one memory."""
        request = service.DeleteMemoryRequest(name=self._name(memory_id), etag=etag or "", allow_missing=allow_missing)
        return self.calls.remove(methods.DELETE_MEMORY, request, timeout=timeout)

    def delete_all(self, scope: memory_pb2.Scope, filters: messages.Filters | None, timeout: float | None) -> Flow[int]:
        """Delete the memories of a scope that pass."""
        where = messages.filters(memory_pb2.Scope(), filters) if filters is not None else None
        request = service.DeleteMemoriesRequest(parent=self.parent, scope=scope, filter=where)
        return self.calls.call(methods.DELETE_MEMORIES, request, lambda r: r.deleted_count, timeout=timeout)

    def history_page(
        self, memory_id: str, page_size: int, timeout: float | None
    ) -> Callable[[str], Flow[Page[MemoryChange]]]:
        """Return what fetches a page of a memory's changes by its token."""
        name = self._name(memory_id)

        def fetch(page_token: str) -> Flow[Page[MemoryChange]]:
            request = service.GetHistoryRequest(name=name, page_size=page_size, page_token=page_token)
            return self.calls.call(methods.GET_HISTORY, request, _changes, timeout=timeout)

        return fetch

    def turns_page(
        self,
        scope: memory_pb2.Scope,
        dispositions: Sequence[str],
        page_size: int,
        timeout: float | None,
        *,
        whole_space: bool,
    ) -> Callable[[str], Flow[Page[Turn]]]:
        """Return what fetches a page of turns by its token."""
        wanted = messages.values(
            memory_pb2.TurnDisposition.DESCRIPTOR, "TURN_DISPOSITION_", dispositions, "dispositions"
        )

        def fetch(page_token: str) -> Flow[Page[Turn]]:
            request = service.ListTurnsRequest(
                parent=self.parent,
                scope=scope,
                dispositions=wanted,
                whole_space=whole_space,
                page_size=page_size,
                page_token=page_token,
            )
            return self.calls.call(methods.LIST_TURNS, request, _turns, timeout=timeout)

        return fetch

    def edit(
        self,
        memory_id: str,
        *,
        text: str | None,
        metadata: Mapping[str, Any] | None,
        salience: float | None,
        valid_from: clocks.Time | None,
        valid_to: clocks.Time | None,
        pinned: bool | None,
        etag: str | None,
    ) -> tuple[memory_pb2.Memory, list[str]]:
        """Return a memory that holds what is to change, and the names of those fields."""
        given = {
            "text": text,
            "metadata": metadata,
            "salience": salience,
            "valid_from": valid_from,
            "valid_to": valid_to,
            "pinned": pinned,
        }
        changed = memory_pb2.Memory(
            name=self._name(memory_id),
            text=json_values.text(text or "", "text"),
            metadata=json_values.struct(metadata, "metadata"),
            salience=salience or 0.0,
            valid_from=messages.optional_timestamp(valid_from, "valid_from"),
            valid_to=messages.optional_timestamp(valid_to, "valid_to"),
            pinned=bool(pinned),
            etag=etag or "",
        )
        return changed, [name for name, value in given.items() if value is not None]

    def _name(self, memory_id: str) -> str:
        return f"{self.parent}/memories/{messages.identifier(memory_id, 'memory_id')}"


def spec(
    query: str,
    scope: memory_pb2.Scope,
    filters: messages.Filters | None,
    *,
    whole_space: bool,
    max_tokens: int | None,
    min_confidence: float | None,
    limit: int | None,
    ask_time: clocks.Time | None,
    as_of: clocks.Time | None,
    known_at: clocks.Time | None,
    planning: str | None,
    time_zone: str | None,
) -> service.QuerySpec:
    """Build what Query and Explain share; None leaves the choice to the service."""
    zone = clocks.zone_of(time_zone)
    asked = None if ask_time is None else clocks.instant(ask_time, "ask_time", zone)
    return service.QuerySpec(
        text=json_values.text(query, "query"),
        filter=messages.filters(scope, filters, whole_space=whole_space),
        max_tokens=max_tokens or 0,
        min_confidence=min_confidence,
        depth=limit,
        ask_time=clocks.timestamp(asked, "ask_time") if asked else None,
        as_of=messages.optional_timestamp(as_of, "as_of", zone),
        known_at=messages.optional_timestamp(known_at, "known_at", zone),
        planning=_planner(planning),
        time_zone=time_zone or (clocks.zone_name(asked, "ask_time") if asked else ""),
    )


def _planner(planning: str | None) -> service.QueryPlanning.ValueType:
    if planning is None:
        return service.QUERY_PLANNING_UNSPECIFIED
    [value] = messages.values(service.QueryPlanning.DESCRIPTOR, "QUERY_PLANNING_", [planning], "planning")
    chosen: service.QueryPlanning.ValueType = value
    return chosen


def _located(error: InvalidArgument, origins: Sequence[int]) -> InvalidArgument:
    """Count the caller's messages where the service counts the turns of a request; `origins` are their messages."""
    located = [
        Violation(_TURN.sub(lambda match: f"turns[{origins[int(match[1])]}]", violation.field), violation.description)
        for violation in error.violations
    ]
    return invalid_fields(located, error.details) if located else error


def _token(after: str | Written | None) -> str:
    if after is None or isinstance(after, str):
        return after or ""
    return after.consistency_token


def _memories(response: service.ListMemoriesResponse) -> Page[Memory]:
    return Page(tuple(parsing.memory(m) for m in response.memories), response.next_page_token)


def _changes(response: service.GetHistoryResponse) -> Page[MemoryChange]:
    return Page(tuple(parsing.change(c) for c in response.changes), response.next_page_token)


def _turns(response: service.ListTurnsResponse) -> Page[Turn]:
    return Page(tuple(parsing.turn(t) for t in response.turns), response.next_page_token)


def _updated(response: service.UpdateMemoryResponse) -> UpdateResult:
    return UpdateResult(memory=parsing.memory(response.memory), consistency_token=response.consistency_token)
