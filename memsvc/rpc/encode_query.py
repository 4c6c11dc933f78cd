"""A retrieval into the responses of Query and Explain."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from memsvc.retrieval.ask import Answer
from memsvc.rpc.encode import failure_message, memory_message
from memsvc.rpc.enums import OUTCOME_TO_PROTO, VIEW_TO_PROTO
from memsvc.rpc.fields import timestamp
from memsvc.rpc.names import memory_name
from memsvc.types import Hit, HitOutcome, Memory, PlanningReport, QueryPlan, Retrieval, Signal, ViewReport
from memsvc.v1 import memory_pb2, memory_service_pb2


def query_message(space_id: str, retrieval: Retrieval, mask: FieldMask) -> memory_service_pb2.QueryResponse:
    """What Query answers; an empty mask, or one with `*`, returns every field of a memory."""
    return memory_service_pb2.QueryResponse(
        results=[
            memory_service_pb2.ScoredMemory(memory=_masked(space_id, hit.memory, mask), score=hit.score)
            for hit in retrieval.returned
            if hit.memory is not None
        ],
        context=retrieval.context,
        token_count=retrieval.token_count,
        complexity=retrieval.complexity.score,
        depth=retrieval.plan.depth,
        max_tokens=retrieval.plan.max_tokens,
        views=[_view(report) for report in retrieval.views],
        confidence=retrieval.confidence,
        planning=_planning(retrieval.planning) if retrieval.planning else None,
        degraded=retrieval.degradation is not None,
        degraded_reason=retrieval.degradation or "",
        warnings=[
            memory_service_pb2.Warning(code=warning.code, message=warning.message) for warning in retrieval.warnings
        ],
    )


def explain_message(space_id: str, retrieval: Retrieval) -> memory_service_pb2.ExplainResponse:
    """What Explain answers: the answer of Query and how it came about."""
    return memory_service_pb2.ExplainResponse(
        response=query_message(space_id, retrieval, FieldMask()),
        features=[
            memory_service_pb2.ComplexityFeature(name=feature.name, value=feature.value, weight=feature.weight)
            for feature in retrieval.complexity.features
        ],
        plan=_plan(retrieval.plan),
        hits=[_hit(space_id, hit) for hit in retrieval.hits],
        confidence_signals=[_signal(signal) for signal in retrieval.confidence_signals],
    )


def answer_message(space_id: str, answer: Answer) -> memory_service_pb2.AskResponse:
    """What Ask answers, with what Query answers for the same spec."""
    return memory_service_pb2.AskResponse(
        answer=answer.text,
        abstained=answer.abstention is not None,
        abstain_reason=answer.abstention or "",
        citations=[memory_name(space_id, memory_id) for memory_id in answer.citations],
        retrieval=query_message(space_id, answer.retrieval, FieldMask()),
    )


def _masked(space_id: str, memory: Memory, mask: FieldMask) -> memory_pb2.Memory:
    message = memory_message(space_id, memory)
    if not mask.paths or "*" in mask.paths:
        return message
    chosen = memory_pb2.Memory()
    mask.MergeMessage(message, chosen)
    return chosen


def _view(report: ViewReport) -> memory_service_pb2.ViewReport:
    return memory_service_pb2.ViewReport(
        view=VIEW_TO_PROTO[report.view],
        candidate_count=report.candidate_count,
        error=failure_message(report.error) if report.error else None,
        latency_ms=report.latency_ms,
        sub_query=report.sub_query,
    )


def _planning(report: PlanningReport) -> memory_service_pb2.PlanningReport:
    return memory_service_pb2.PlanningReport(
        sub_queries=report.sub_queries,
        names=report.names,
        start_time=timestamp(report.interval.start if report.interval else None),
        end_time=timestamp(report.interval.end if report.interval else None),
        multiple=report.multiple,
        dropped=[memory_service_pb2.DroppedProposal(text=drop.text, reason=drop.reason) for drop in report.dropped],
        error=failure_message(report.error) if report.error else None,
        latency_ms=report.latency_ms,
        prompt_token_count=report.usage.prompt_token_count,
        completion_token_count=report.usage.completion_token_count,
    )


def _signal(signal: Signal) -> memory_service_pb2.Signal:
    return memory_service_pb2.Signal(name=signal.name, value=signal.value, weight=signal.weight)


def _plan(plan: QueryPlan) -> memory_service_pb2.QueryPlan:
    interval = plan.symbolic.interval
    return memory_service_pb2.QueryPlan(
        depth=plan.depth,
        candidates_per_view=plan.candidates_per_view,
        max_tokens=plan.max_tokens,
        score_window=plan.score_window,
        weights=[memory_service_pb2.SignalWeight(name=name, weight=weight) for name, weight in plan.weights.items()],
        people=plan.symbolic.people,
        entities=plan.symbolic.entities,
        start_time=timestamp(interval.start if interval else None),
        end_time=timestamp(interval.end if interval else None),
    )


def _hit(space_id: str, hit: Hit) -> memory_service_pb2.Hit:
    return memory_service_pb2.Hit(
        name=memory_name(space_id, hit.memory_id),
        view_scores=[
            memory_service_pb2.ViewScore(
                view=VIEW_TO_PROTO[score.view], rank=score.rank, score=score.score, normalized=score.normalized
            )
            for score in hit.view_scores
        ],
        signals=[_signal(signal) for signal in hit.signals],
        score=hit.score,
        outcome=OUTCOME_TO_PROTO[hit.outcome],
        reason=hit.reason,
        text=hit.memory.text if hit.memory and hit.outcome is not HitOutcome.STALE else "",
        sub_query=hit.sub_query,
    )
