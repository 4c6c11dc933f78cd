"""The RPCs this client calls, as typed values.

They are called by their path, so the client does not need the generated stubs and the exact gRPC version
those were made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from memsvc_client.v1 import admin_service_pb2 as admin
from memsvc_client.v1 import memory_service_pb2 as memory

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Req, Resp]):
    """One RPC: its full path and the types of its messages."""

    path: str
    request: type[Req]
    response: type[Resp]


def _memory(name: str, request: type[Req], response: type[Resp]) -> Method[Req, Resp]:
    return Method(f"/memsvc.v1.MemoryService/{name}", request, response)


def _admin(name: str, request: type[Req], response: type[Resp]) -> Method[Req, Resp]:
    return Method(f"/memsvc.v1.AdminService/{name}", request, response)


INGEST = _memory("Ingest", memory.IngestRequest, memory.IngestResponse)
STREAM_INGEST = _memory("StreamIngest", memory.StreamIngestRequest, memory.StreamIngestResponse)
QUERY = _memory("Query", memory.QueryRequest, memory.QueryResponse)
EXPLAIN = _memory("Explain", memory.ExplainRequest, memory.ExplainResponse)
ASK = _memory("Ask", memory.AskRequest, memory.AskResponse)
LIST_MEMORIES = _memory("ListMemories", memory.ListMemoriesRequest, memory.ListMemoriesResponse)
GET_MEMORY = _memory("GetMemory", memory.GetMemoryRequest, memory.GetMemoryResponse)
UPDATE_MEMORY = _memory("UpdateMemory", memory.UpdateMemoryRequest, memory.UpdateMemoryResponse)
DELETE_MEMORY = _memory("DeleteMemory", memory.DeleteMemoryRequest, memory.DeleteMemoryResponse)
DELETE_MEMORIES = _memory("DeleteMemories", memory.DeleteMemoriesRequest, memory.DeleteMemoriesResponse)
GET_HISTORY = _memory("GetHistory", memory.GetHistoryRequest, memory.GetHistoryResponse)
WATCH_MEMORIES = _memory("WatchMemories", memory.WatchMemoriesRequest, memory.WatchMemoriesResponse)
LIST_TURNS = _memory("ListTurns", memory.ListTurnsRequest, memory.ListTurnsResponse)
GET_USER_SETTINGS = _memory("GetUserSettings", memory.GetUserSettingsRequest, memory.GetUserSettingsResponse)
UPDATE_USER_SETTINGS = _memory(
    "UpdateUserSettings", memory.UpdateUserSettingsRequest, memory.UpdateUserSettingsResponse
)

LIST_SPACES = _admin("ListSpaces", admin.ListSpacesRequest, admin.ListSpacesResponse)
GET_SPACE = _admin("GetSpace", admin.GetSpaceRequest, admin.GetSpaceResponse)
CREATE_SPACE = _admin("CreateSpace", admin.CreateSpaceRequest, admin.CreateSpaceResponse)
UPDATE_SPACE = _admin("UpdateSpace", admin.UpdateSpaceRequest, admin.UpdateSpaceResponse)
DELETE_SPACE = _admin("DeleteSpace", admin.DeleteSpaceRequest, admin.DeleteSpaceResponse)
CONSOLIDATE = _admin("Consolidate", admin.ConsolidateRequest, admin.ConsolidateResponse)
REINDEX = _admin("Reindex", admin.ReindexRequest, admin.ReindexResponse)
GET_STATS = _admin("GetStats", admin.GetStatsRequest, admin.GetStatsResponse)
LIST_OPERATIONS = _admin("ListOperations", admin.ListOperationsRequest, admin.ListOperationsResponse)
GET_OPERATION = _admin("GetOperation", admin.GetOperationRequest, admin.GetOperationResponse)
WAIT_OPERATION = _admin("WaitOperation", admin.WaitOperationRequest, admin.WaitOperationResponse)
CANCEL_OPERATION = _admin("CancelOperation", admin.CancelOperationRequest, admin.CancelOperationResponse)
RETRY_OPERATION = _admin("RetryOperation", admin.RetryOperationRequest, admin.RetryOperationResponse)
DELETE_OPERATION = _admin("DeleteOperation", admin.DeleteOperationRequest, admin.DeleteOperationResponse)
