"""Enum values of the protos and what they stand for, in both directions."""

from __future__ import annotations

from memsvc.consolidation.decisions import Action
from memsvc.types import (
    AdditionKind,
    ChangeKind,
    Disposition,
    HitOutcome,
    JobKind,
    JobState,
    KeyRole,
    MemoryKind,
    MemoryState,
    Operator,
    Priority,
    Role,
    View,
)
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2 as memory
from memsvc.v1 import memory_service_pb2 as service
from memsvc.v1 import operation_pb2 as operation

ROLE_TO_PROTO: dict[Role, memory.Role.ValueType] = {
    Role.USER: memory.ROLE_USER,
    Role.ASSISTANT: memory.ROLE_ASSISTANT,
    Role.SYSTEM: memory.ROLE_SYSTEM,
    Role.TOOL: memory.ROLE_TOOL,
}
ROLE_FROM_PROTO: dict[int, Role] = {number: role for role, number in ROLE_TO_PROTO.items()}

DISPOSITION_TO_PROTO: dict[Disposition, memory.TurnDisposition.ValueType] = {
    Disposition.PENDING: memory.TURN_DISPOSITION_PENDING,
    Disposition.KEPT: memory.TURN_DISPOSITION_KEPT,
    Disposition.MERGED: memory.TURN_DISPOSITION_MERGED,
    Disposition.LEFT_OUT: memory.TURN_DISPOSITION_LEFT_OUT,
    Disposition.DELETED: memory.TURN_DISPOSITION_DELETED,
}
DISPOSITION_FROM_PROTO: dict[int, Disposition] = {number: kind for kind, number in DISPOSITION_TO_PROTO.items()}

ADDITION_TO_PROTO: dict[AdditionKind, memory.TextAdditionKind.ValueType] = {
    AdditionKind.LABEL: memory.TEXT_ADDITION_KIND_LABEL,
    AdditionKind.DATE: memory.TEXT_ADDITION_KIND_DATE,
    AdditionKind.ELLIPSIS: memory.TEXT_ADDITION_KIND_ELLIPSIS,
    AdditionKind.BREAK: memory.TEXT_ADDITION_KIND_BREAK,
    AdditionKind.STATEMENT: memory.TEXT_ADDITION_KIND_STATEMENT,
}

KIND_TO_PROTO: dict[MemoryKind, memory.MemoryKind.ValueType] = {
    MemoryKind.STATEMENT: memory.MEMORY_KIND_STATEMENT,
    MemoryKind.EPISODE: memory.MEMORY_KIND_EPISODE,
    MemoryKind.THEME: memory.MEMORY_KIND_THEME,
}
KIND_FROM_PROTO: dict[int, MemoryKind] = {number: kind for kind, number in KIND_TO_PROTO.items()}

STATE_TO_PROTO: dict[MemoryState, memory.MemoryState.ValueType] = {
    MemoryState.ACTIVE: memory.MEMORY_STATE_ACTIVE,
    MemoryState.SUPERSEDED: memory.MEMORY_STATE_SUPERSEDED,
    MemoryState.DELETED: memory.MEMORY_STATE_DELETED,
    MemoryState.LEFT_OUT: memory.MEMORY_STATE_LEFT_OUT,
    MemoryState.RETIRED: memory.MEMORY_STATE_RETIRED,
}
STATE_FROM_PROTO: dict[int, MemoryState] = {number: state for state, number in STATE_TO_PROTO.items()}

CHANGE_TO_PROTO: dict[ChangeKind, memory.MemoryChangeKind.ValueType] = {
    ChangeKind.CREATED: memory.MEMORY_CHANGE_KIND_CREATED,
    ChangeKind.UPDATED: memory.MEMORY_CHANGE_KIND_UPDATED,
    ChangeKind.SUPERSEDED: memory.MEMORY_CHANGE_KIND_SUPERSEDED,
    ChangeKind.DELETED: memory.MEMORY_CHANGE_KIND_DELETED,
    ChangeKind.RETIRED: memory.MEMORY_CHANGE_KIND_RETIRED,
}

PRIORITY_FROM_PROTO: dict[int, Priority] = {
    service.PRIORITY_UNSPECIFIED: Priority.INTERACTIVE,
    service.PRIORITY_INTERACTIVE: Priority.INTERACTIVE,
    service.PRIORITY_BACKFILL: Priority.BACKFILL,
}

VIEW_TO_PROTO: dict[View, service.View.ValueType] = {
    View.DENSE: service.VIEW_DENSE,
    View.LEXICAL: service.VIEW_LEXICAL,
    View.SYMBOLIC: service.VIEW_SYMBOLIC,
}

OUTCOME_TO_PROTO: dict[HitOutcome, service.HitOutcome.ValueType] = {
    HitOutcome.RETURNED: service.HIT_OUTCOME_RETURNED,
    HitOutcome.BELOW_DEPTH: service.HIT_OUTCOME_BELOW_DEPTH,
    HitOutcome.BELOW_WINDOW: service.HIT_OUTCOME_BELOW_WINDOW,
    HitOutcome.BELOW_CONFIDENCE: service.HIT_OUTCOME_BELOW_CONFIDENCE,
    HitOutcome.OVER_BUDGET: service.HIT_OUTCOME_OVER_BUDGET,
    HitOutcome.DUPLICATE: service.HIT_OUTCOME_DUPLICATE,
    HitOutcome.STALE: service.HIT_OUTCOME_STALE,
}

JOB_KIND_TO_PROTO: dict[JobKind, operation.OperationKind.ValueType] = {
    JobKind.COMPRESS: operation.OPERATION_KIND_COMPRESS,
    JobKind.CONSOLIDATE: operation.OPERATION_KIND_CONSOLIDATE,
    JobKind.INDEX: operation.OPERATION_KIND_INDEX,
    JobKind.REINDEX: operation.OPERATION_KIND_REINDEX,
    JobKind.RECOMPRESS: operation.OPERATION_KIND_RECOMPRESS,
    JobKind.REWRITE: operation.OPERATION_KIND_REWRITE,
}

JOB_STATE_TO_PROTO: dict[JobState, operation.OperationState.ValueType] = {
    JobState.QUEUED: operation.OPERATION_STATE_QUEUED,
    JobState.RUNNING: operation.OPERATION_STATE_RUNNING,
    JobState.SUCCEEDED: operation.OPERATION_STATE_SUCCEEDED,
    JobState.FAILED: operation.OPERATION_STATE_FAILED,
    JobState.CANCELLED: operation.OPERATION_STATE_CANCELLED,
}
JOB_STATE_FROM_PROTO: dict[int, JobState] = {number: state for state, number in JOB_STATE_TO_PROTO.items()}

ACTION_TO_PROTO: dict[Action, admin.ConsolidationAction.ValueType] = {
    Action.MERGE: admin.CONSOLIDATION_ACTION_MERGE,
    Action.SUPERSEDE: admin.CONSOLIDATION_ACTION_SUPERSEDE,
    Action.CONFLICT: admin.CONSOLIDATION_ACTION_CONFLICT,
    Action.ABSTRACT: admin.CONSOLIDATION_ACTION_ABSTRACT,
    Action.RETIRE: admin.CONSOLIDATION_ACTION_RETIRE,
}

KEY_ROLE_TO_PROTO: dict[KeyRole, admin.KeyRole.ValueType] = {
    KeyRole.AGENT: admin.KEY_ROLE_AGENT,
    KeyRole.ADMIN: admin.KEY_ROLE_ADMIN,
}
KEY_ROLE_FROM_PROTO: dict[int, KeyRole] = {number: role for role, number in KEY_ROLE_TO_PROTO.items()}

OPERATOR_FROM_PROTO: dict[int, Operator] = {
    service.METADATA_OPERATOR_EQ: Operator.EQ,
    service.METADATA_OPERATOR_NE: Operator.NE,
    service.METADATA_OPERATOR_GT: Operator.GT,
    service.METADATA_OPERATOR_GTE: Operator.GTE,
    service.METADATA_OPERATOR_LT: Operator.LT,
    service.METADATA_OPERATOR_LTE: Operator.LTE,
    service.METADATA_OPERATOR_IN: Operator.IN,
    service.METADATA_OPERATOR_NIN: Operator.NIN,
    service.METADATA_OPERATOR_CONTAINS: Operator.CONTAINS,
    service.METADATA_OPERATOR_EXISTS: Operator.EXISTS,
}
