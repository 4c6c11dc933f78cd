"""The messages of an ingest stream: header first, then numbered turns."""

from __future__ import annotations

from collections.abc import AsyncIterator

from memsvc.ingest.stream import NumberedTurn, StreamAck, malformed
from memsvc.ingest.violations import Violations, canonical_uuid
from memsvc.rpc.decode import turn_of
from memsvc.rpc.tokens import consistency_token
from memsvc.v1 import memory_service_pb2 as pb
from memsvc.v1 import operation_pb2


async def read_header(requests: AsyncIterator[pb.StreamIngestRequest]) -> pb.StreamIngestHeader:
    """The first message of a stream, its id in canonical form. Raises InvalidInput MALFORMED_STREAM."""
    first = await anext(requests, None)
    if first is None:
        raise malformed("header", "is missing: the stream ended before its first message")
    if first.WhichOneof("payload") != "header":
        raise malformed("header", "is missing: the first message must be the header")
    stream_id = canonical_uuid(first.header.stream_id)
    if not stream_id:
        raise malformed("header.stream_id", "is not a UUID such as 123e4567-e89b-12d3-a456-426614174000")
    header = pb.StreamIngestHeader()
    header.CopyFrom(first.header)
    header.stream_id = stream_id
    return header


async def read_turns(requests: AsyncIterator[pb.StreamIngestRequest]) -> AsyncIterator[NumberedTurn]:
    """Every later message. Raises InvalidInput MALFORMED_STREAM for one that is no turn."""
    async for request in requests:
        if request.WhichOneof("payload") != "turn":
            raise malformed("turn", "is missing: every message after the header must be a turn")
        violations = Violations()
        draft = turn_of("turn.turn", request.turn.turn, violations)
        yield NumberedTurn(request.turn.sequence, draft, violations)


def ack_message(ack: StreamAck, operation: operation_pb2.Operation | None) -> pb.StreamIngestResponse:
    """An acknowledgement."""
    return pb.StreamIngestResponse(
        committed_sequence=ack.committed_sequence,
        operation=operation,
        duplicate_count=ack.duplicate_count,
        consistency_token=consistency_token(ack.job_ids),
    )
