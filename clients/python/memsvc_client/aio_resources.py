"""What hangs off the asyncio client: lists, operations, spaces."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Generic, TypeVar

from memsvc_client.admin_flows import AdminFlows
from memsvc_client.aio_transport import AsyncTransport
from memsvc_client.flows import Flow
from memsvc_client.models import Operation, Page, Space, UserSettings

T = TypeVar("T")


class AsyncPager(AsyncIterable[T], Generic[T]):
    """A list of the service: iterate (`async for`) to get every item, or take one `page` at a time."""

    def __init__(self, transport: AsyncTransport, fetch: Callable[[str], Flow[Page[T]]]) -> None:
        self._transport = transport
        self._fetch = fetch

    async def page(self, page_token: str = "") -> Page[T]:
        """Return one page: the first, or the one that a previous page's `next_page_token` names."""
        return await self._transport.run(self._fetch(page_token))

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over whole pages."""
        page = await self.page()
        yield page
        while page.next_page_token:
            page = await self.page(page.next_page_token)
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item


class AsyncOperationHandle:
    """A job of the service; `snapshot` is its state when the handle was made."""

    def __init__(self, operations: AsyncOperations, snapshot: Operation) -> None:
        self.snapshot = snapshot
        self._operations = operations

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.snapshot.id

    async def get(self, *, timeout: float | None = None) -> Operation:
        """Return its state now."""
        return await self._operations.get(self.id, timeout=timeout)

    async def wait(self, timeout: float | None = None) -> Operation:
        """Wait until it has succeeded. Raises OperationFailed or DeadlineExceeded."""
        return await self._operations.wait(self.id, timeout=timeout)

    async def cancel(self, *, timeout: float | None = None) -> Operation:
        """Cancel it; one that has ended stays as it is."""
        return await self._operations.cancel(self.id, timeout=timeout)


class AsyncOperations:
    """The jobs of the client's space."""

    def __init__(self, transport: AsyncTransport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    async def get(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Return one operation. Raises NotFound."""
        return await self._transport.run(self._flows.get_operation(operation_id, timeout))

    def list(
        self, *, states: Sequence[str] = (), page_size: int = 0, timeout: float | None = None
    ) -> AsyncPager[Operation]:
        """List operations, newest first; `states` empty means all."""
        return AsyncPager(self._transport, self._flows.operations_page(states, page_size, timeout))

    async def wait(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Wait until an operation has succeeded. Raises OperationFailed or DeadlineExceeded."""
        return await self._transport.run(self._flows.wait_operation(operation_id, timeout))

    async def cancel(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Cancel an operation; one that has ended stays as it is."""
        return await self._transport.run(self._flows.cancel_operation(operation_id, timeout))

    async def retry(self, operation_id: str, *, timeout: float | None = None) -> Operation:
        """Queue an operation that failed for good again. Raises FailedPrecondition for any other."""
        return await self._transport.run(self._flows.retry_operation(operation_id, timeout))

    async def drop(self, operation_id: str, *, timeout: float | None = None) -> None:
        """Forget an operation that failed for good; its turns stay pending. Raises FailedPrecondition for any other."""
        await self._transport.run(self._flows.drop_operation(operation_id, timeout))

    def handle(self, snapshot: Operation) -> AsyncOperationHandle:
        """Return a handle that can be waited for."""
        return AsyncOperationHandle(self, snapshot)


class AsyncSpaces:
    """The spaces of the API key's tenant; changing them needs an admin key."""

    def __init__(self, transport: AsyncTransport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    async def create(
        self,
        space_id: str,
        *,
        display_name: str = "",
        time_zone: str = "",
        request_id: str | uuid.UUID | None = None,
        timeout: float | None = None,
    ) -> Space:
        """Create a space. Raises Conflict when it exists."""
        return await self._transport.run(
            self._flows.create_space(space_id, display_name, time_zone, request_id, timeout)
        )

    async def get(self, space_id: str, *, timeout: float | None = None) -> Space:
        """Return one space. Raises NotFound."""
        return await self._transport.run(self._flows.get_space(space_id, timeout))

    def list(self, *, page_size: int = 0, timeout: float | None = None) -> AsyncPager[Space]:
        """List spaces by name."""
        return AsyncPager(self._transport, self._flows.spaces_page(page_size, timeout))

    async def update(
        self,
        space_id: str,
        *,
        display_name: str | None = None,
        time_zone: str | None = None,
        etag: str | None = None,
        timeout: float | None = None,
    ) -> Space:
        """Change what is given. Raises Conflict when `etag` is given and stale."""
        return await self._transport.run(
            self._flows.update_space(
                space_id, display_name=display_name, time_zone=time_zone, etag=etag, timeout=timeout
            )
        )

    async def delete(self, space_id: str, *, force: bool = False, timeout: float | None = None) -> None:
        """Delete a space; `force` deletes what is in it too. Raises FailedPrecondition when it is not empty."""
        await self._transport.run(self._flows.delete_space(space_id, force=force, timeout=timeout))


class AsyncUsers:
    """What is set for the users of the client's space."""

    def __init__(self, transport: AsyncTransport, flows: AdminFlows) -> None:
        self._transport = transport
        self._flows = flows

    async def get(self, user_id: str, *, timeout: float | None = None) -> UserSettings:
        """Return a user's settings, empty ones where nothing was set."""
        return await self._transport.run(self._flows.get_user(user_id, timeout))

    async def set_time_zone(self, user_id: str, time_zone: str, *, timeout: float | None = None) -> UserSettings:
        """Set the clock of a user's messages and questions: an IANA name, or an offset such as `+09:00`.

        An empty one unsets it. What was stored before keeps the clock it was told on.
        """
        return await self._transport.run(self._flows.set_time_zone(user_id, time_zone, timeout))
