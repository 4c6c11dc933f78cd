"""AdminService: what operators call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog

from memsvc.errors import FailedPrecondition, NotImplementedYet, Reason, Unavailable
from memsvc.ingest.limits import MAX_DISPLAY_NAME
from memsvc.ingest.violations import Violations
from memsvc.rpc.admission import Admission
from memsvc.rpc.call import Call
from memsvc.rpc.decode import written_scope
from memsvc.rpc.encode import key_message, operation_message, preview_message, space_message, stats_message
from memsvc.rpc.enums import JOB_STATE_FROM_PROTO, KEY_ROLE_FROM_PROTO
from memsvc.rpc.fields import check_update_mask, enums_of, page_size
from memsvc.rpc.idempotency import write_id
from memsvc.rpc.memory_service import MAX_ETAG
from memsvc.rpc.names import SPACE_ID, SPACE_RULE, parse_key, parse_operation, parse_space
from memsvc.rpc.services import Services
from memsvc.rpc.tokens import listing, page_token, parse_page_token
from memsvc.rpc.waiting import JobWaiter
from memsvc.storage.enqueue import consolidation_lock
from memsvc.types import JobKind, JobState, KeyRole
from memsvc.v1 import admin_service_pb2 as pb

log = structlog.get_logger(__name__)


class AdminService:
    """The control plane. Methods raise `errors.MemsvcError`; the interceptor makes statuses of them."""

    def __init__(self, services: Services, admission: Admission) -> None:
        self._services = services
        self._waiter = JobWaiter(services.jobs, admission)

    async def list_spaces(self, request: pb.ListSpacesRequest, call: Call) -> pb.ListSpacesResponse:
        """List the tenant's spaces, by name."""
        limit, binding = page_size(request.page_size), listing(call, request)
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.spaces.page(call.tenant, limit=limit, cursor=cursor)
        return pb.ListSpacesResponse(
            spaces=[space_message(space) for space in page.items], next_page_token=page_token(binding, page.cursor)
        )

    async def get_space(self, request: pb.GetSpaceRequest, call: Call) -> pb.GetSpaceResponse:
        """Get one space."""
        space = await self._services.spaces.get(call.space(parse_space("name", request.name)))
        return pb.GetSpaceResponse(space=space_message(space))

    async def create_space(self, request: pb.CreateSpaceRequest, call: Call) -> pb.CreateSpaceResponse:
        """Create a space."""
        violations = Violations()
        if not SPACE_ID.fullmatch(request.space_id):
            violations.add("space_id", f"is not {SPACE_RULE}")
        violations.text("space.display_name", request.space.display_name, most=MAX_DISPLAY_NAME)
        time_zone = violations.time_zone("space.time_zone", request.space.time_zone)
        write = write_id(request, request.request_id, violations)
        violations.check()
        key = call.space(request.space_id)
        space = await self._services.spaces.create(key, request.space.display_name, time_zone=time_zone, request=write)
        return pb.CreateSpaceResponse(space=space_message(space))

    async def update_space(self, request: pb.UpdateSpaceRequest, call: Call) -> pb.UpdateSpaceResponse:
        """Change a space's label or its time zone; memories made before keep the clock they were told on."""
        key = call.space(parse_space("space.name", request.space.name))
        violations = Violations()
        fields = check_update_mask(request.update_mask, ("display_name", "time_zone"), violations)
        violations.text("space.display_name", request.space.display_name, most=MAX_DISPLAY_NAME)
        time_zone = violations.time_zone("space.time_zone", request.space.time_zone)
        violations.identifier("space.etag", request.space.etag, most=MAX_ETAG)
        violations.check()
        space = await self._services.spaces.update(
            key,
            request.space.display_name if "display_name" in fields else None,
            time_zone=time_zone if "time_zone" in fields else None,
            etag=request.space.etag,
        )
        return pb.UpdateSpaceResponse(space=space_message(space))

    async def delete_space(self, request: pb.DeleteSpaceRequest, call: Call) -> pb.DeleteSpaceResponse:
        """Delete a space and everything in it, then its points: without their memories these mean nothing."""
        space = call.space(parse_space("name", request.name))
        await self._services.spaces.delete(space, force=request.force)
        try:
            await self._services.index.delete_space(space)
        except Unavailable as error:
            log.warning("space.points_left", space=space.space, tenant=space.tenant, reason=error.reason)
        return pb.DeleteSpaceResponse()

    async def consolidate(self, request: pb.ConsolidateRequest, call: Call) -> pb.ConsolidateResponse:
        """Queue the job that consolidates what is fresh within a scope, or tell what it would do."""
        space = call.space(parse_space("parent", request.parent))
        violations = Violations()
        scope = written_scope(request.scope, violations, required=False)
        if scope.session_id:
            violations.add("scope.session_id", "is set; consolidation joins the sessions of a user and agent")
        write = write_id(request, request.request_id, violations)
        violations.check()
        if request.validate_only:
            return preview_message(space.space, await self._services.consolidation.preview(space, scope))
        payload: dict[str, object] = {"scope": [scope.user_id, scope.agent_id]}
        job_id = await self._services.jobs.defer(
            space, JobKind.CONSOLIDATE, payload, lock=consolidation_lock(scope), request=write
        )
        return pb.ConsolidateResponse(operation=operation_message(await self._services.jobs.get(space, job_id)))

    async def reindex(self, request: pb.ReindexRequest, call: Call) -> pb.ReindexResponse:
        """Make every memory due for indexing, and queue the job that does it."""
        space = call.space(parse_space("parent", request.parent))
        # One that waits, even for its next turn, does whatever is due, so it may be joined.
        job_id = await self._services.memories.reindex(space)
        return pb.ReindexResponse(operation=operation_message(await self._services.jobs.get(space, job_id)))

    async def get_stats(self, request: pb.GetStatsRequest, call: Call) -> pb.GetStatsResponse:
        """Count."""
        stats = await self._services.spaces.stats(call.space(parse_space("parent", request.parent)))
        return stats_message(stats)

    async def export_memories(
        self, request: pb.ExportMemoriesRequest, call: Call
    ) -> AsyncIterator[pb.ExportMemoriesResponse]:
        """Not part of this release."""
        raise NotImplementedYet("ExportMemories belongs to a later release; use ListMemories")

    async def import_memories(
        self, requests: AsyncIterator[pb.ImportMemoriesRequest], call: Call
    ) -> pb.ImportMemoriesResponse:
        """Not part of this release."""
        raise NotImplementedYet("ImportMemories belongs to a later release")

    async def list_operations(self, request: pb.ListOperationsRequest, call: Call) -> pb.ListOperationsResponse:
        """List operations, newest first."""
        space = call.space(parse_space("parent", request.parent))
        limit, binding, violations = page_size(request.page_size), listing(call, request), Violations()
        states = enums_of("states", request.states, JOB_STATE_FROM_PROTO, violations)
        violations.check()
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.jobs.page(space, states, limit=limit, cursor=cursor)
        return pb.ListOperationsResponse(
            operations=[operation_message(job) for job in page.items], next_page_token=page_token(binding, page.cursor)
        )

    async def get_operation(self, request: pb.GetOperationRequest, call: Call) -> pb.GetOperationResponse:
        """Get one operation."""
        space_id, job_id = parse_operation("name", request.name)
        job = await self._services.jobs.get(call.space(space_id), job_id)
        return pb.GetOperationResponse(operation=operation_message(job))

    async def wait_operation(self, request: pb.WaitOperationRequest, call: Call) -> pb.WaitOperationResponse:
        """Return the operation once it ended, or as it stands when the deadline nears."""
        space_id, job_id = parse_operation("name", request.name)
        job = await self._waiter.until_ended(call, call.space(space_id), job_id)
        return pb.WaitOperationResponse(operation=operation_message(job))

    async def cancel_operation(self, request: pb.CancelOperationRequest, call: Call) -> pb.CancelOperationResponse:
        """Cancel an operation; one that was cancelled before is answered as it is."""
        space_id, job_id = parse_operation("name", request.name)
        job = await self._services.jobs.cancel(call.space(space_id), job_id)
        if job.state is not JobState.CANCELLED:
            raise FailedPrecondition(
                f"{request.name} has ended already: {job.state}",
                reason=Reason.OPERATION_ENDED,
                metadata={"operation": request.name, "state": job.state},
            )
        return pb.CancelOperationResponse(operation=operation_message(job))

    async def retry_operation(self, request: pb.RetryOperationRequest, call: Call) -> pb.RetryOperationResponse:
        """Queue an operation that failed for good again."""
        space_id, job_id = parse_operation("name", request.name)
        job = await self._services.jobs.retry(call.space(space_id), job_id)
        return pb.RetryOperationResponse(operation=operation_message(job))

    async def delete_operation(self, request: pb.DeleteOperationRequest, call: Call) -> pb.DeleteOperationResponse:
        """Forget an operation that failed for good."""
        space_id, job_id = parse_operation("name", request.name)
        await self._services.jobs.drop(call.space(space_id), job_id)
        return pb.DeleteOperationResponse()

    async def create_key(self, request: pb.CreateKeyRequest, call: Call) -> pb.CreateKeyResponse:
        """Create a key of the caller's tenant."""
        violations = Violations()
        violations.text("display_name", request.display_name, most=MAX_DISPLAY_NAME)
        role = KEY_ROLE_FROM_PROTO.get(request.role)
        if role is None:
            violations.add("role", "is not set or unknown; AGENT or ADMIN is required")
        violations.check()
        key, secret = await self._services.keys.create(call.tenant, request.display_name, role or KeyRole.AGENT)
        return pb.CreateKeyResponse(key=key_message(key), secret=secret)

    async def list_keys(self, request: pb.ListKeysRequest, call: Call) -> pb.ListKeysResponse:
        """List the tenant's keys, oldest first."""
        limit, binding = page_size(request.page_size), listing(call, request)
        cursor = parse_page_token(binding, request.page_token)
        page = await self._services.keys.page(call.tenant, limit=limit, cursor=cursor)
        return pb.ListKeysResponse(
            keys=[key_message(key) for key in page.items], next_page_token=page_token(binding, page.cursor)
        )

    async def revoke_key(self, request: pb.RevokeKeyRequest, call: Call) -> pb.RevokeKeyResponse:
        """Revoke a key; the next call with it is refused."""
        key = await self._services.keys.revoke(call.tenant, parse_key("name", request.name))
        return pb.RevokeKeyResponse(key=key_message(key))

    async def erase(self, request: pb.EraseRequest, call: Call) -> pb.EraseResponse:
        """Not part of this release."""
        raise NotImplementedYet("Erase belongs to a later release; DeleteMemories hides memories from every query")

    async def list_audit_events(self, request: pb.ListAuditEventsRequest, call: Call) -> pb.ListAuditEventsResponse:
        """Not part of this release."""
        raise NotImplementedYet("ListAuditEvents belongs to a later release; see the server's access log")
