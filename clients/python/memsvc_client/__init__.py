"""Python client of memsvc, a long-term memory service for LLM agents.

`MemoryClient` blocks, `AsyncMemoryClient` awaits; both have the same methods.
"""

from memsvc_client.aio import AsyncMemoryClient
from memsvc_client.client import MemoryClient
from memsvc_client.context import Context
from memsvc_client.errors import (
    Cancelled,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    MemsvcError,
    NotFound,
    OperationFailed,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from memsvc_client.messages import Filters, Message
from memsvc_client.models import (
    AddResult,
    Answer,
    ConsolidationDecision,
    ConsolidationPreview,
    Memory,
    MemoryChange,
    Operation,
    Page,
    SearchHit,
    SearchResult,
    SearchWarning,
    Skipped,
    Source,
    Space,
    Stats,
    StreamAck,
    Turn,
    UpdateResult,
    UserSettings,
)
from memsvc_client.retry import RetryPolicy
from memsvc_client.status import Violation
from memsvc_client.trace import Explanation
from memsvc_client.version import __version__

__all__ = [
    "AddResult",
    "Answer",
    "AsyncMemoryClient",
    "Cancelled",
    "Conflict",
    "ConsolidationDecision",
    "ConsolidationPreview",
    "Context",
    "DeadlineExceeded",
    "Explanation",
    "FailedPrecondition",
    "Filters",
    "Internal",
    "InvalidArgument",
    "Memory",
    "MemoryChange",
    "MemoryClient",
    "MemsvcError",
    "Message",
    "NotFound",
    "Operation",
    "OperationFailed",
    "Page",
    "PermissionDenied",
    "ResourceExhausted",
    "RetryPolicy",
    "SearchHit",
    "SearchResult",
    "SearchWarning",
    "Skipped",
    "Source",
    "Space",
    "Stats",
    "StreamAck",
    "Turn",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "UpdateResult",
    "UserSettings",
    "Violation",
    "__version__",
]
