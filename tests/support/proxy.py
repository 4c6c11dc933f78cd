"""A TCP proxy that passes, stalls or cuts what flows through it, as told."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

CHUNK = 2**16


class Proxy:
    """Listens on a free loopback port; every method may be called from any thread."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._asking, self._answering = asyncio.Event(), asyncio.Event()
        self._refusing = False
        self._server: asyncio.Server | None = None
        self.port = 0

    def flow(self) -> None:
        """Pass everything on, what was held back first."""
        self._do(self._flow())

    def stall(self, *, answers_only: bool = False) -> None:
        """Take connections and bytes, and pass nothing on, as a network does that drops every packet."""
        self._do(self._stall(answers_only))

    def cut(self) -> None:
        """Break every connection and each new one, until told to `flow`; what was held back is lost."""
        self._do(self._cut())

    def _do(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result(10)

    async def _flow(self) -> None:
        self._refusing = False
        self._asking.set()
        self._answering.set()

    async def _stall(self, answers_only: bool) -> None:
        self._answering.clear()
        if not answers_only:
            self._asking.clear()

    async def _cut(self) -> None:
        self._refusing = True
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            onward_reader, onward_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, onward_writer}
        try:
            with contextlib.suppress(asyncio.CancelledError):  # at the end, when asyncio would log it as a failure
                await asyncio.gather(
                    self._pump(reader, onward_writer, self._asking), self._pump(onward_reader, writer, self._answering)
                )
        finally:
            for end in (writer, onward_writer):
                self._open.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await flowing.wait()
                if writer.transport.is_closing():
                    return
                writer.write(chunk)
                await writer.drain()
        await flowing.wait()
        with contextlib.suppress(OSError):
            writer.write_eof()

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            await self._flow()
            started.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _end(self) -> None:
        await self._cut()
        assert self._server is not None
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)


@contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to `host:port`, on a thread of its own."""
    made, started = Proxy(host, port), threading.Event()
    thread = threading.Thread(target=made._serve, args=(started,), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield made
    finally:
        made._do(made._end())
        made._loop.call_soon_threadsafe(made._loop.stop)
        thread.join(10)
        made._loop.close()
