"""What hangs off the blocking client: lists, operations, spaces."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from memsvc_client.admin_flows import AdminFlows
from memsvc_client.flows import Flow
from memsvc_client.models import Operation, Page, Space, UserSettings
from memsvc_client.transport import Transport

T = TypeVar("T")


class Pager(Iterable[T], Generic[T]):
    """A list of the service: iterate to get every item, or take one `page` at a time."""

    def __init__(self, transport: Transport, fetch: Callable[[str], Flow[Page[T]]]) -> None:
        self._transport = transport
        self._fetch = fetch

    def page(self, page_token: str = "") -> Page[T]:
        """Return one page: the first, or the one that a previous page's `next_page_token` names."""
        return self._transport.run(self._fetch(page_token))

    def pages(self) -> Iterator[Page[T]]:
        """Iterate over whole pages."""
        page = self.page()
        yield page
        while page.next_page_token:
            page = self.page(page.next_page_token)
            yield page

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items


class OperationHandle:
    """A job of the service; `snapshot` is its state when the handle was made."""

    def __init__(self, operations: Operations, snapshot: Operation) -> None:
        self.snapshot = snapshot
        self._operations = operations

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.snapshot.id

    def get(self, *, timeout: float | None = None) -> Operation:
        """Return its state now."""
        return self._operations.get(self.id, timeout=timeout)

    def wait(self, timeout: float | None = None) -> Operation:
        """Wait until it has succeeded. Raises OperationFailed or DeadlineExceeded."""
        return self._operations.wait(self.id, timeout=timeout)

    def cancel(self, *, timeout: float | None = None) -> Operation:
        """Cancel it; one that has ended stays as it is."""
        return self._operations.cancel(self.id, timeout=timeout)


class Operations:
    """The jobs of the client's space."""

    def __init__(self, transport: Transport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    def get(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Return one operation. Raises NotFound."""
        return self._transport.run(self._flows.get_operation(operation_id, timeout))

    def list(self, *, states: Sequence[str] = (), page_size: int = 0, timeout: float | None = None) -> Pager[Operation]:
        """List operations, newest first; `states` empty means all."""
        return Pager(self._transport, self._flows.operations_page(states, page_size, timeout))

    def wait(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Wait until an operation has succeeded. Raises OperationFailed or DeadlineExceeded."""
        return self._transport.run(self._flows.wait_operation(operation_id, timeout))

    def cancel(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Cancel an operation; one that has ended stays as it is."""
        return self._transport.run(self._flows.cancel_operation(operation_id, timeout))

    def retry(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Queue an operation that failed for good again. Raises FailedPrecondition for any other."""
        return self._transport.run(self._flows.retry_operation(operation_id, timeout))

    def drop(self, operation_id: str, *, timeout: float | None = None) -> None:
        """Forget an operation that failed for good; its turns stay pending. Raises FailedPrecondition for any other."""
        self._transport.run(self._flows.drop_operation(operation_id, timeout))

    def handle(self, snapshot: Operation) -> OperationHandle:
        """Return a handle that can be waited for."""
        return OperationHandle(self, snapshot)


class Spaces:
    """The spaces of the API key's tenant; changing them needs an admin key."""

    def __init__(self, transport: Transport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    def create(
        self,
        space_id: str,
        *,
        display_name: str = "",
        time_zone: str = "",
        request_id: str | uuid.UUID | None = None,
        timeout: float | None = None,
    ) -> Space:
        """Create a space. Raises Conflict when it exists."""
        return self._transport.run(self._flows.create_space(space_id, display_name, time_zone, request_id, timeout))

    def get(self, space_id: str, *, timeout: float | None = None) -> Space:
        """Return one space. Raises NotFound."""
        return self._transport.run(self._flows.get_space(space_id, timeout))

    def list(self, *, page_size: int = 0, timeout: float | None = None) -> Pager[Space]:
        """List spaces by name."""
        return Pager(self._transport, self._flows.spaces_page(page_size, timeout))

    def update(
        self,
        space_id: str,
        *,
        display_name: str | None = None,
        time_zone: str | None = None,
        etag: str | None = None,
        timeout: float | None = None,
    ) -> Space:
        """Change what is given. Raises Conflict when `etag` is given and stale."""
        return self._transport.run(
            self._flows.update_space(
                space_id, display_name=display_name, time_zone=time_zone, etag=etag, timeout=timeout
            )
        )

    def delete(self, space_id: str, *, force: bool = False, timeout: float | None = None) -> None:
        """Delete a space; `force` deletes what is in it too. Raises FailedPrecondition when it is not empty."""
        self._transport.run(self._flows.delete_space(space_id, force=force, timeout=timeout))


class Users:
    """What is set for the users of the client's space."""

    def __init__(self, transport: Transport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    def get(self, user_id: str, *, timeout: float | None = None) -> UserSettings:
        """Return a user's settings, empty ones where nothing was set."""
        return self._transport.run(self._flows.get_user(user_id, timeout))

    def set_time_zone(self, user_id: str, time_zone: str, *, timeout: float | None = None) -> UserSettings:
        """Set the clock of a user's messages and questions: an IANA name, or an offset such as `+09:00`.

        An empty one unsets it. What was stored before keeps the clock it was told on.
        """
        return self._transport.run(self._flows.set_time_zone(user_id, time_zone, timeout))
