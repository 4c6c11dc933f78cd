"""Responses of the service, turned into what the client returns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from memsvc_client import models, trace
from memsvc_client.json_values import plain
from memsvc_client.v1 import admin_service_pb2 as admin
from memsvc_client.v1 import memory_pb2, operation_pb2
from memsvc_client.v1 import memory_service_pb2 as service


def short_id(name: str) -> str:
    """Return the last segment of a resource name."""
    return name.rpartition("/")[2]


def moment(message: Message, field: str) -> datetime | None:
    """Return a timestamp field as an aware datetime, None when it is unset."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)


def offset(message: memory_pb2.Turn | memory_pb2.Memory) -> int | None:
    """Return the offset of the speaker's clock, None when it is unknown."""
    return message.utc_offset_minutes if message.HasField("utc_offset_minutes") else None


def word(enum: EnumDescriptor, number: int, prefix: str) -> str:
    """Return an enum value as a lower-case word, `unknown` for one that this client does not know yet."""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(prefix).lower() if value else "unknown"


def memory(message: memory_pb2.Memory) -> models.Memory:
    """Parse a memory."""
    return models.Memory(**_memory_fields(message))


def hit(message: service.ScoredMemory) -> models.SearchHit:
    """Parse a memory with its score."""
    return models.SearchHit(score=message.score, **_memory_fields(message.memory))


def _memory_fields(message: memory_pb2.Memory) -> dict[str, Any]:
    scope, symbolic = message.scope, message.symbolic
    return {
        "id": short_id(message.name),
        "memory": message.text,
        "kind": word(memory_pb2.MemoryKind.DESCRIPTOR, message.kind, "MEMORY_KIND_"),
        "state": word(memory_pb2.MemoryState.DESCRIPTOR, message.state, "MEMORY_STATE_"),
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "session_id": scope.session_id,
        "people": tuple(symbolic.people),
        "entities": tuple(symbolic.entities),
        "place": symbolic.place,
        "topic": symbolic.topic,
        "speaker": symbolic.speaker,
        "event_time": moment(message, "event_time"),
        "valid_from": moment(message, "valid_from"),
        "valid_to": moment(message, "valid_to"),
        "salience": message.salience,
        "token_count": message.token_count,
        "sources": tuple(_source(ref) for ref in message.sources),
        "derived_from": tuple(short_id(name) for name in message.derived_from),
        "gate": _gate(message.gate) if message.HasField("gate") else None,
        "compressor": message.compressor,
        "metadata": plain(message.metadata),
        "created_at": moment(message, "create_time"),
        "updated_at": moment(message, "update_time"),
        "etag": message.etag,
        "superseded_by": short_id(message.superseded_by),
        "superseded_at": moment(message, "supersede_time"),
        "conflicts_with": tuple(short_id(name) for name in message.conflicts_with),
        "pinned": message.pinned,
        "use_count": message.use_count,
        "last_used_at": moment(message, "last_use_time"),
        "spans": tuple(models.Span(_source(s.turn), s.start, s.end, s.text_start) for s in message.spans),
        "additions": tuple(_addition(addition) for addition in message.additions),
        "role": word(memory_pb2.Role.DESCRIPTOR, message.role, "ROLE_") if message.role else "",
        "utc_offset_minutes": offset(message),
    }


def _addition(message: memory_pb2.TextAddition) -> models.Addition:
    kind = word(memory_pb2.TextAdditionKind.DESCRIPTOR, message.kind, "TEXT_ADDITION_KIND_")
    return models.Addition(kind, message.text_start, message.text_end)


def _source(ref: memory_pb2.TurnRef) -> models.Source:
    return models.Source(ref.turn_id, ref.scope.user_id, ref.scope.agent_id, ref.scope.session_id)


def _gate(gate: memory_pb2.GateDecision) -> models.Gate:
    return models.Gate(
        score=gate.score,
        new_entity_rate=gate.new_entity_rate,
        novelty=gate.novelty,
        alpha=gate.alpha,
        threshold=gate.threshold,
        surprisal=gate.surprisal,
        kept=gate.kept,
        reason=gate.reason,
        cuts=tuple(models.Cut(cut.text, cut.reason) for cut in gate.cuts),
    )


def search(response: service.QueryResponse) -> models.SearchResult:
    """Parse the answer of a query."""
    return models.SearchResult(
        hits=tuple(hit(result) for result in response.results),
        context=response.context,
        token_count=response.token_count,
        complexity=response.complexity,
        depth=response.depth,
        max_tokens=response.max_tokens,
        views=tuple(_view_report(report) for report in response.views),
        confidence=response.confidence,
        planning=_planning(response.planning) if response.HasField("planning") else None,
        degraded_reason=response.degraded_reason,
        warnings=tuple(models.SearchWarning(warning.code, warning.message) for warning in response.warnings),
    )


def _planning(report: service.PlanningReport) -> models.Planning:
    return models.Planning(
        sub_queries=tuple(report.sub_queries),
        names=tuple(report.names),
        start_time=moment(report, "start_time"),
        end_time=moment(report, "end_time"),
        multiple=report.multiple,
        dropped=tuple((drop.text, drop.reason) for drop in report.dropped),
        error=_failure(report.error) if report.HasField("error") else "",
        latency_ms=report.latency_ms,
        prompt_token_count=report.prompt_token_count,
        completion_token_count=report.completion_token_count,
    )


def _failure(error: operation_pb2.OperationError) -> str:
    return f"{error.reason or 'UNKNOWN'}: {error.message}"


def _view_report(report: service.ViewReport) -> models.ViewReport:
    return models.ViewReport(
        view=_view(report.view),
        candidate_count=report.candidate_count,
        latency_ms=report.latency_ms,
        error=_failure(report.error) if report.HasField("error") else "",
        sub_query=report.sub_query,
    )


def _view(number: int) -> str:
    return word(service.View.DESCRIPTOR, number, "VIEW_")


def explanation(response: service.ExplainResponse) -> trace.Explanation:
    """Parse the trace of a query."""
    return trace.Explanation(
        result=search(response.response),
        features=tuple(trace.ComplexityFeature(f.name, f.value, f.weight) for f in response.features),
        plan=_plan(response.plan),
        candidates=tuple(_candidate(candidate) for candidate in response.hits),
        confidence_signals=tuple(_signal(signal) for signal in response.confidence_signals),
    )


def _signal(signal: service.Signal) -> trace.Signal:
    return trace.Signal(signal.name, signal.value, signal.weight)


def _plan(plan: service.QueryPlan) -> trace.QueryPlan:
    return trace.QueryPlan(
        depth=plan.depth,
        candidates_per_view=plan.candidates_per_view,
        max_tokens=plan.max_tokens,
        weights={entry.name: entry.weight for entry in plan.weights},
        people=tuple(plan.people),
        entities=tuple(plan.entities),
        score_window=plan.score_window if plan.HasField("score_window") else None,
        start_time=moment(plan, "start_time"),
        end_time=moment(plan, "end_time"),
    )


def _candidate(candidate: service.Hit) -> trace.Candidate:
    return trace.Candidate(
        id=short_id(candidate.name),
        memory=candidate.text,
        score=candidate.score,
        outcome=word(service.HitOutcome.DESCRIPTOR, candidate.outcome, "HIT_OUTCOME_"),
        reason=candidate.reason,
        view_scores=tuple(
            trace.ViewScore(view=_view(s.view), rank=s.rank, score=s.score, normalized=s.normalized)
            for s in candidate.view_scores
        ),
        signals=tuple(_signal(signal) for signal in candidate.signals),
        sub_query=candidate.sub_query,
    )


def answer(response: service.AskResponse) -> models.Answer:
    """Parse an answer, or an abstention."""
    return models.Answer(
        text=response.answer,
        abstained=response.abstained,
        abstain_reason=response.abstain_reason,
        citations=tuple(short_id(name) for name in response.citations),
        result=search(response.retrieval),
    )


def change(message: memory_pb2.MemoryChange, resume_token: str = "") -> models.MemoryChange:
    """Parse one change of a memory."""
    return models.MemoryChange(
        sequence=message.sequence,
        kind=word(memory_pb2.MemoryChangeKind.DESCRIPTOR, message.kind, "MEMORY_CHANGE_KIND_"),
        change_time=moment(message, "change_time"),
        memory=memory(message.memory),
        previous_text=message.previous_text,
        actor=message.actor,
        reason=message.reason,
        resume_token=resume_token,
    )


def turn(message: memory_pb2.Turn) -> models.Turn:
    """Parse a turn."""
    return models.Turn(
        id=message.turn_id,
        role=word(memory_pb2.Role.DESCRIPTOR, message.role, "ROLE_"),
        name=message.speaker,
        content=message.content,
        user_id=message.scope.user_id,
        agent_id=message.scope.agent_id,
        session_id=message.scope.session_id,
        created_at=moment(message, "event_time"),
        metadata=plain(message.metadata),
        ingested_at=moment(message, "ingest_time"),
        disposition=word(memory_pb2.TurnDisposition.DESCRIPTOR, message.disposition, "TURN_DISPOSITION_"),
        disposition_reason=message.disposition_reason,
        utc_offset_minutes=offset(message),
    )


def operation(message: operation_pb2.Operation) -> models.Operation:
    """Parse an operation."""
    return models.Operation(
        id=short_id(message.name),
        kind=word(operation_pb2.OperationKind.DESCRIPTOR, message.kind, "OPERATION_KIND_"),
        state=word(operation_pb2.OperationState.DESCRIPTOR, message.state, "OPERATION_STATE_"),
        done=message.done,
        progress=message.progress,
        attempt_count=message.attempt_count,
        created_at=moment(message, "create_time"),
        ended_at=moment(message, "end_time"),
        last_error=_operation_error(message.last_error) if message.HasField("last_error") else None,
        error=_operation_error(message.error) if message.HasField("error") else None,
        summary=_summary(message.summary) if message.HasField("summary") else None,
    )


def _operation_error(error: operation_pb2.OperationError) -> models.OperationError:
    return models.OperationError(error.reason, error.message)


def _summary(summary: operation_pb2.OperationSummary) -> models.OperationSummary:
    return models.OperationSummary(
        turn_count=summary.turn_count,
        created_count=summary.created_count,
        superseded_count=summary.superseded_count,
        left_out_turn_count=summary.left_out_turn_count,
        indexed_count=summary.indexed_count,
        examined_count=summary.examined_count,
        merged_count=summary.merged_count,
        conflict_count=summary.conflict_count,
        abstracted_count=summary.abstracted_count,
        retired_count=summary.retired_count,
    )


def space(message: memory_pb2.Space) -> models.Space:
    """Parse a space."""
    return models.Space(
        id=short_id(message.name),
        display_name=message.display_name,
        created_at=moment(message, "create_time"),
        updated_at=moment(message, "update_time"),
        etag=message.etag,
        time_zone=message.time_zone,
    )


def user_settings(message: memory_pb2.UserSettings) -> models.UserSettings:
    """Parse what is set for a user."""
    user_id = message.name.partition("/users/")[2].removesuffix("/settings")
    return models.UserSettings(user_id=user_id, time_zone=message.time_zone)


def stats(response: admin.GetStatsResponse) -> models.Stats:
    """Parse the counts of a space."""
    return models.Stats(
        turn_count=response.turn_count,
        pending_turn_count=response.pending_turn_count,
        left_out_turn_count=response.left_out_turn_count,
        memory_count=response.memory_count,
        raw_token_count=response.raw_token_count,
        stored_token_count=response.stored_token_count,
        compression_ratio=response.compression_ratio,
        pending_job_count=response.pending_job_count,
        failed_job_count=response.failed_job_count,
        oldest_pending_time=moment(response, "oldest_pending_time"),
        unindexed_memory_count=response.unindexed_memory_count,
        llm_redo_turn_count=response.llm_redo_turn_count,
        llm_call_count=response.llm_call_count,
        llm_prompt_token_count=response.llm_prompt_token_count,
        llm_completion_token_count=response.llm_completion_token_count,
        llm_cost_usd=response.llm_cost_usd,
        llm_unpriced_call_count=response.llm_unpriced_call_count,
        unconsolidated_memory_count=response.unconsolidated_memory_count,
        outdated_memory_count=response.outdated_memory_count,
    )


def preview(response: admin.ConsolidateResponse) -> models.ConsolidationPreview:
    """Parse what consolidation would do."""
    return models.ConsolidationPreview(
        decisions=tuple(_decision(decision) for decision in response.decisions),
        examined_count=response.examined_count,
        complete=response.complete,
    )


def _decision(message: admin.ConsolidationDecision) -> models.ConsolidationDecision:
    return models.ConsolidationDecision(
        action=word(admin.ConsolidationAction.DESCRIPTOR, message.action, "CONSOLIDATION_ACTION_"),
        memory_ids=tuple(short_id(name) for name in message.memories),
        result=memory(message.result) if message.HasField("result") else None,
        winner=short_id(message.winner),
        valid_to=moment(message, "valid_to"),
        score=message.score,
        reason=message.reason,
    )
