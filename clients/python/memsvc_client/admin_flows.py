"""The methods on operations, spaces and users, as flows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask

from memsvc_client import json_values, messages, methods, parsing
from memsvc_client.errors import OperationFailed, invalid
from memsvc_client.flows import Calls, Flow, Sleep, unary
from memsvc_client.models import ConsolidationPreview, Operation, Page, Space, Stats, UserSettings
from memsvc_client.retry import Backoff
from memsvc_client.v1 import admin_service_pb2 as admin
from memsvc_client.v1 import memory_pb2, operation_pb2
from memsvc_client.v1 import memory_service_pb2 as service

WAIT_PAUSE = 0.1
"""Seconds between two waits, should the service answer one early."""


@dataclass(frozen=True, slots=True)
class AdminFlows:
    """Builds one flow per method; operations and stats are those of one space (`spaces/{space}`)."""

    calls: Calls
    parent: str

    def get_operation(self, operation_id: str, timeout: float | None) -> Flow[Operation]:
        """Get one operation."""
        request = admin.GetOperationRequest(name=self._operation(operation_id))
        return self.calls.call(methods.GET_OPERATION, request, _operation, timeout=timeout)

    def cancel_operation(self, operation_id: str, timeout: float | None) -> Flow[Operation]:
        """Cancel one operation."""
        request = admin.CancelOperationRequest(name=self._operation(operation_id))
        return self.calls.call(methods.CANCEL_OPERATION, request, _operation, timeout=timeout)

    def retry_operation(self, operation_id: str, timeout: float | None) -> Flow[Operation]:
        """Queue a failed operation again."""
        request = admin.RetryOperationRequest(name=self._operation(operation_id))
        return self.calls.call(methods.RETRY_OPERATION, request, _operation, timeout=timeout)

    def drop_operation(self, operation_id: str, timeout: float | None) -> Flow[None]:
        """Forget a failed operation."""
        request = admin.DeleteOperationRequest(name=self._operation(operation_id))
        return self.calls.remove(methods.DELETE_OPERATION, request, timeout=timeout)

    def wait_operation(self, operation_id: str, timeout: float | None) -> Flow[Operation]:
        """Wait for one operation; see `wait`."""
        return self.wait(operation_id, self.calls.backoff(timeout))

    def wait(self, operation_id: str, backoff: Backoff) -> Flow[Operation]:
        """Wait until an operation has succeeded.

        Raises:
            OperationFailed: it failed for good, or was cancelled.
            DeadlineExceeded: it is still going on.
        """
        request = admin.WaitOperationRequest(name=self._operation(operation_id))
        while True:
            response = yield from unary(methods.WAIT_OPERATION, request, backoff)
            operation = parsing.operation(response.operation)
            if operation.done:
                return succeeded(operation)
            yield Sleep(min(WAIT_PAUSE, backoff.budget()))

    def operations_page(
        self, states: Sequence[str], page_size: int, timeout: float | None
    ) -> Callable[[str], Flow[Page[Operation]]]:
        """Return what fetches a page of operations by its token."""
        wanted = messages.values(operation_pb2.OperationState.DESCRIPTOR, "OPERATION_STATE_", states, "states")

        def fetch(page_token: str) -> Flow[Page[Operation]]:
            request = admin.ListOperationsRequest(
                parent=self.parent, states=wanted, page_size=page_size, page_token=page_token
            )
            return self.calls.call(methods.LIST_OPERATIONS, request, _operations, timeout=timeout)

        return fetch

    def consolidate(
        self, scope: memory_pb2.Scope, request_id: str | uuid.UUID | None, timeout: float | None
    ) -> Flow[Operation]:
        """Start consolidation."""
        request = admin.ConsolidateRequest(
            parent=self.parent, scope=scope, request_id=str(messages.request_uuid(request_id))
        )
        return self.calls.call(methods.CONSOLIDATE, request, _operation, timeout=timeout)

    def preview(self, scope: memory_pb2.Scope, timeout: float | None) -> Flow[ConsolidationPreview]:
        """Tell what consolidation would do."""
        request = admin.ConsolidateRequest(parent=self.parent, scope=scope, validate_only=True)
        return self.calls.call(methods.CONSOLIDATE, request, parsing.preview, timeout=timeout)

    def reindex(self, timeout: float | None) -> Flow[Operation]:
        """Start rebuilding the index."""
        request = admin.ReindexRequest(parent=self.parent)
        return self.calls.call(methods.REINDEX, request, _operation, timeout=timeout)

    def stats(self, timeout: float | None) -> Flow[Stats]:
        """Count."""
        request = admin.GetStatsRequest(parent=self.parent)
        return self.calls.call(methods.GET_STATS, request, parsing.stats, timeout=timeout)

    def create_space(
        self,
        space_id: str,
        display_name: str,
        time_zone: str,
        request_id: str | uuid.UUID | None,
        timeout: float | None,
    ) -> Flow[Space]:
        """Create a space."""
        request = admin.CreateSpaceRequest(
            space_id=messages.identifier(space_id, "space_id"),
            space=memory_pb2.Space(display_name=display_name, time_zone=time_zone),
            request_id=str(messages.request_uuid(request_id)),
        )
        return self.calls.call(methods.CREATE_SPACE, request, _space, timeout=timeout)

    def get_space(self, space_id: str, timeout: float | None) -> Flow[Space]:
        """Get one space."""
        request = admin.GetSpaceRequest(name=space_name(space_id))
        return self.calls.call(methods.GET_SPACE, request, _space, timeout=timeout)

    def spaces_page(self, page_size: int, timeout: float | None) -> Callable[[str], Flow[Page[Space]]]:
        """Return what fetches a page of spaces by its token."""

        def fetch(page_token: str) -> Flow[Page[Space]]:
            request = admin.ListSpacesRequest(page_size=page_size, page_token=page_token)
            return self.calls.call(methods.LIST_SPACES, request, _spaces, timeout=timeout)

        return fetch

    def update_space(
        self,
        space_id: str,
        *,
        display_name: str | None,
        time_zone: str | None,
        etag: str | None,
        timeout: float | None,
    ) -> Flow[Space]:
        """Change what is not None. Not retried with an etag: the try that worked would have made it stale."""
        given = {"display_name": display_name, "time_zone": time_zone}
        fields = [name for name, value in given.items() if value is not None]
        if not fields:
            raise invalid("update", "pass at least one field to change")
        request = admin.UpdateSpaceRequest(
            space=memory_pb2.Space(
                name=space_name(space_id),
                display_name=display_name or "",
                time_zone=time_zone or "",
                etag=etag or "",
            ),
            update_mask=FieldMask(paths=fields),
        )
        return self.calls.call(methods.UPDATE_SPACE, request, _space, timeout=timeout, retry=not etag)

    def delete_space(self, space_id: str, *, force: bool, timeout: float | None) -> Flow[None]:
        """Delete a space."""
        request = admin.DeleteSpaceRequest(name=space_name(space_id), force=force)
        return self.calls.remove(methods.DELETE_SPACE, request, timeout=timeout)

    def get_user(self, user_id: str, timeout: float | None) -> Flow[UserSettings]:
        """Get a user's settings."""
        request = service.GetUserSettingsRequest(name=self._settings(user_id))
        return self.calls.call(methods.GET_USER_SETTINGS, request, _user, timeout=timeout)

    def set_time_zone(self, user_id: str, time_zone: str, timeout: float | None) -> Flow[UserSettings]:
        """Set a user's time zone."""
        settings = memory_pb2.UserSettings(
            name=self._settings(user_id), time_zone=json_values.text(time_zone, "time_zone")
        )
        request = service.UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=["time_zone"]))
        return self.calls.call(methods.UPDATE_USER_SETTINGS, request, _user, timeout=timeout)

    def _settings(self, user_id: str) -> str:
        if not json_values.text(user_id, "user_id"):
            raise invalid("user_id", "must not be empty")
        return f"{self.parent}/users/{user_id}/settings"

    def _operation(self, operation_id: str) -> str:
        return f"{self.parent}/operations/{messages.identifier(operation_id, 'operation_id')}"


def space_name(space_id: str) -> str:
    """Return a space's resource name."""
    return f"spaces/{messages.identifier(space_id, 'space')}"


def succeeded(operation: Operation) -> Operation:
    """Return an ended operation if it ended well; raise OperationFailed otherwise."""
    if operation.state == "succeeded":
        return operation
    error = operation.error
    raise OperationFailed(
        error.message if error else f"operation {operation.id} ended as {operation.state}",
        reason=error.reason if error else operation.state.upper(),
        operation=operation,
    )


def _operation(
    response: admin.GetOperationResponse
    | admin.CancelOperationResponse
    | admin.RetryOperationResponse
    | admin.ConsolidateResponse
    | admin.ReindexResponse,
) -> Operation:
    return parsing.operation(response.operation)


def _operations(response: admin.ListOperationsResponse) -> Page[Operation]:
    return Page(tuple(parsing.operation(o) for o in response.operations), response.next_page_token)


def _space(response: admin.GetSpaceResponse | admin.CreateSpaceResponse | admin.UpdateSpaceResponse) -> Space:
    return parsing.space(response.space)


def _spaces(response: admin.ListSpacesResponse) -> Page[Space]:
    return Page(tuple(parsing.space(s) for s in response.spaces), response.next_page_token)


def _user(response: service.GetUserSettingsResponse | service.UpdateUserSettingsResponse) -> UserSettings:
    return parsing.user_settings(response.settings)
