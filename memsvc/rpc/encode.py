"""Domain types into messages: turns, memories, changes, operations, spaces, keys."""

from __future__ import annotations

from memsvc.consolidation.decisions import Decision
from memsvc.rpc.enums import (
    ACTION_TO_PROTO,
    ADDITION_TO_PROTO,
    CHANGE_TO_PROTO,
    DISPOSITION_TO_PROTO,
    JOB_KIND_TO_PROTO,
    JOB_STATE_TO_PROTO,
    KEY_ROLE_TO_PROTO,
    KIND_TO_PROTO,
    ROLE_TO_PROTO,
    STATE_TO_PROTO,
)
from memsvc.rpc.errors import failure_code
from memsvc.rpc.fields import timestamp
from memsvc.rpc.json_values import struct_message
from memsvc.rpc.names import key_name, memory_name, operation_name, space_name, user_settings_name
from memsvc.rpc.services import Preview
from memsvc.types import (
    Addition,
    Change,
    Gate,
    Job,
    JobError,
    JobState,
    Key,
    Memory,
    Scope,
    Space,
    SpaceStats,
    Span,
    Turn,
    TurnRef,
    UserSettings,
)
from memsvc.v1 import admin_service_pb2, memory_pb2, operation_pb2


def scope_message(scope: Scope) -> memory_pb2.Scope:
    """A scope; the names it does not have are unset."""
    return memory_pb2.Scope(
        user_id=scope.user_id or None, agent_id=scope.agent_id or None, session_id=scope.session_id or None
    )


def turn_message(turn: Turn) -> memory_pb2.Turn:
    """A turn."""
    return memory_pb2.Turn(
        turn_id=turn.turn_id,
        scope=scope_message(turn.scope),
        role=ROLE_TO_PROTO[turn.role],
        speaker=turn.speaker,
        content=turn.content,
        event_time=timestamp(turn.event_time),
        metadata=struct_message(turn.metadata),
        ingest_time=timestamp(turn.ingest_time),
        disposition=DISPOSITION_TO_PROTO[turn.disposition],
        disposition_reason=turn.disposition_reason,
        utc_offset_minutes=turn.utc_offset_minutes,
    )


def memory_message(space_id: str, memory: Memory) -> memory_pb2.Memory:
    """A memory of a space."""
    return memory_pb2.Memory(
        name=memory_name(space_id, memory.id),
        text=memory.text,
        kind=KIND_TO_PROTO[memory.kind],
        state=STATE_TO_PROTO[memory.state],
        scope=scope_message(memory.scope),
        symbolic=memory_pb2.SymbolicView(
            people=memory.symbolic.people,
            entities=memory.symbolic.entities,
            place=memory.symbolic.place,
            topic=memory.symbolic.topic,
            speaker=memory.symbolic.speaker,
        ),
        event_time=timestamp(memory.event_time),
        valid_from=timestamp(memory.valid_from),
        valid_to=timestamp(memory.valid_to),
        salience=memory.salience,
        token_count=memory.token_count,
        sources=[_turn_ref(ref) for ref in memory.sources],
        derived_from=[memory_name(space_id, origin) for origin in memory.derived_from],
        gate=_gate(memory.gate) if memory.gate else None,
        compressor=memory.compressor,
        metadata=struct_message(memory.metadata),
        create_time=timestamp(memory.create_time),
        update_time=timestamp(memory.update_time),
        etag=memory.etag,
        superseded_by=memory_name(space_id, memory.superseded_by) if memory.superseded_by else "",
        supersede_time=timestamp(memory.supersede_time),
        conflicts_with=[memory_name(space_id, other) for other in memory.conflicts_with],
        pinned=memory.pinned,
        use_count=memory.use_count,
        last_use_time=timestamp(memory.last_use_time),
        utc_offset_minutes=memory.utc_offset_minutes,
        spans=[_span(span) for span in memory.spans],
        additions=[_addition(addition) for addition in memory.additions],
        role=ROLE_TO_PROTO[memory.role] if memory.role else memory_pb2.ROLE_UNSPECIFIED,
    )


def _span(span: Span) -> memory_pb2.SourceSpan:
    return memory_pb2.SourceSpan(turn=_turn_ref(span.turn), start=span.start, end=span.end, text_start=span.text_start)


def _addition(addition: Addition) -> memory_pb2.TextAddition:
    return memory_pb2.TextAddition(
        kind=ADDITION_TO_PROTO[addition.kind], text_start=addition.text_start, text_end=addition.text_end
    )


def _turn_ref(ref: TurnRef) -> memory_pb2.TurnRef:
    return memory_pb2.TurnRef(scope=scope_message(ref.scope), turn_id=ref.turn_id)


def _gate(gate: Gate) -> memory_pb2.GateDecision:
    return memory_pb2.GateDecision(
        score=gate.score,
        new_entity_rate=gate.new_entity_rate,
        novelty=gate.novelty,
        alpha=gate.alpha,
        threshold=gate.threshold,
        surprisal=gate.surprisal,
        kept=gate.kept,
        reason=gate.reason,
        cuts=[memory_pb2.CutSentence(text=cut.text, reason=cut.reason) for cut in gate.cuts],
    )


def change_message(space_id: str, change: Change) -> memory_pb2.MemoryChange:
    """A change of a memory."""
    return memory_pb2.MemoryChange(
        sequence=change.sequence,
        kind=CHANGE_TO_PROTO[change.kind],
        change_time=timestamp(change.time),
        memory=memory_message(space_id, change.memory),
        previous_text=change.previous_text,
        actor=change.actor,
        reason=change.reason,
    )


def failure_message(error: JobError) -> operation_pb2.OperationError:
    """A failure that is told inside a response."""
    return operation_pb2.OperationError(code=failure_code(error.reason), reason=error.reason, message=error.message)


def operation_message(job: Job) -> operation_pb2.Operation:
    """A job as callers see it."""
    message = operation_pb2.Operation(
        name=operation_name(job.space.space, job.id),
        kind=JOB_KIND_TO_PROTO[job.kind],
        state=JOB_STATE_TO_PROTO[job.state],
        done=job.state.ended,
        progress=job.progress,
        attempt_count=job.attempt,
        create_time=timestamp(job.create_time),
        end_time=timestamp(job.end_time),
    )
    if job.state.ended:
        _set_result(message, job)
    elif job.error:
        message.last_error.CopyFrom(failure_message(job.error))
    return message


def _set_result(message: operation_pb2.Operation, job: Job) -> None:
    if job.state is JobState.SUCCEEDED:
        message.summary.SetInParent()
        if job.summary:
            message.summary.MergeFrom(
                operation_pb2.OperationSummary(
                    turn_count=job.summary.turn_count,
                    created_count=job.summary.created_count,
                    superseded_count=job.summary.superseded_count,
                    left_out_turn_count=job.summary.left_out_turn_count,
                    indexed_count=job.summary.indexed_count,
                    examined_count=job.summary.examined_count,
                    merged_count=job.summary.merged_count,
                    conflict_count=job.summary.conflict_count,
                    abstracted_count=job.summary.abstracted_count,
                    retired_count=job.summary.retired_count,
                )
            )
        return
    message.error.CopyFrom(failure_message(ending_error(job)))


def ending_error(job: Job) -> JobError:
    """Why a job ended without success."""
    if job.state is JobState.CANCELLED:
        return JobError("CANCELLED", "the operation was cancelled")
    return job.error or JobError("INTERNAL", "the operation failed without telling why")


def space_message(space: Space) -> memory_pb2.Space:
    """A space."""
    return memory_pb2.Space(
        name=space_name(space.key.space),
        display_name=space.display_name,
        create_time=timestamp(space.create_time),
        update_time=timestamp(space.update_time),
        etag=space.etag,
        time_zone=space.time_zone,
    )


def user_settings_message(space_id: str, settings: UserSettings) -> memory_pb2.UserSettings:
    """What is set for a user."""
    return memory_pb2.UserSettings(name=user_settings_name(space_id, settings.user_id), time_zone=settings.time_zone)


def key_message(key: Key) -> admin_service_pb2.Key:
    """An API key."""
    return admin_service_pb2.Key(
        name=key_name(key.id),
        display_name=key.display_name,
        role=KEY_ROLE_TO_PROTO[key.role],
        create_time=timestamp(key.create_time),
        revoke_time=timestamp(key.revoke_time),
    )


def stats_message(stats: SpaceStats) -> admin_service_pb2.GetStatsResponse:
    """Counts and sizes of a space."""
    return admin_service_pb2.GetStatsResponse(
        turn_count=stats.turn_count,
        pending_turn_count=stats.pending_turn_count,
        left_out_turn_count=stats.left_out_turn_count,
        memory_count=stats.memory_count,
        raw_token_count=stats.raw_token_count,
        stored_token_count=stats.stored_token_count,
        compression_ratio=stats.compression_ratio,
        pending_job_count=stats.pending_job_count,
        failed_job_count=stats.failed_job_count,
        oldest_pending_time=timestamp(stats.oldest_pending_time),
        unindexed_memory_count=stats.unindexed_memory_count,
        llm_redo_turn_count=stats.llm_redo_turn_count,
        llm_call_count=stats.llm.call_count,
        llm_prompt_token_count=stats.llm.prompt_token_count,
        llm_completion_token_count=stats.llm.completion_token_count,
        llm_cost_usd=stats.llm.cost_usd,
        llm_unpriced_call_count=stats.llm.unpriced_call_count,
        unconsolidated_memory_count=stats.unconsolidated_memory_count,
        outdated_memory_count=stats.outdated_memory_count,
    )


def preview_message(space_id: str, preview: Preview) -> admin_service_pb2.ConsolidateResponse:
    """What consolidation of a space would do."""
    return admin_service_pb2.ConsolidateResponse(
        decisions=[_decision(space_id, decision) for decision in preview.decisions],
        examined_count=preview.examined_count,
        complete=preview.complete,
    )


def _decision(space_id: str, decision: Decision) -> admin_service_pb2.ConsolidationDecision:
    return admin_service_pb2.ConsolidationDecision(
        action=ACTION_TO_PROTO[decision.action],
        memories=[memory_name(space_id, memory_id) for memory_id in decision.memory_ids],
        result=memory_message(space_id, decision.result) if decision.result else None,
        winner=memory_name(space_id, decision.winner) if decision.winner else "",
        valid_to=timestamp(decision.valid_to),
        score=decision.score,
        reason=decision.reason,
    )
