"""A local server that speaks OpenAI's chat API, answers from a script, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer. `content` is sent as it is if it is text, as JSON otherwise."""

    content: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str = "stop"
    refusal: str | None = None
    delay: float = 0.0
    cut: int | None = None
    """Send only so many bytes of the HTTP body, then close the connection."""
    message: str = "no"
    """Error text of a status other than 200."""


def hang(seconds: float = 30.0) -> Reply:
    return Reply(delay=seconds)


def overloaded(retry_after: str | None = None) -> Reply:
    return Reply(status=429, headers={"retry-after": retry_after} if retry_after else {}, message="slow down")


def cut_short(content: str) -> Reply:
    """What a model leaves that ran out of tokens: half of its JSON."""
    return Reply(content[: len(content) // 2], finish="length")


def refuse() -> Reply:
    return Reply(None, refusal="I cannot help with that.")


def garbage() -> Reply:
    return Reply("Sure! Here you go: the the the ]]}{ \u0000")


@dataclass
class ChatServer:
    """Answers `script` first, one a request, then what `answer` makes of the request's body."""

    answer: Callable[[Body], Reply] = lambda body: Reply({})
    script: list[Reply] = field(default_factory=list)
    url: str = ""
    requests: list[Body] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refused_formats: frozenset[str] = frozenset()
    """Types of `response_format` that get status 400, as servers do that do not know them."""
    running: int = 0
    most_running: int = 0

    def user_texts(self) -> list[str]:
        """The user message of every request."""
        return [next(m["content"] for m in body["messages"] if m["role"] == "user") for body in self.requests]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._reply(request, body)
        finally:
            self.running -= 1

    async def _reply(self, request: web.Request, body: Body) -> web.StreamResponse:
        kind = body.get("response_format", {}).get("type", "none")
        if kind in self.refused_formats:
            return self._error(Reply(status=400, message=f"unknown response_format {kind}"), request)
        reply = self.script.pop(0) if self.script else self.answer(body)
        await asyncio.sleep(reply.delay)
        if reply.status != 200:
            return self._error(reply, request)
        text = json.dumps(_completion(body, reply))
        if reply.cut is None:
            return web.Response(text=text, content_type="application/json", headers=reply.headers)
        response = web.StreamResponse(headers={"content-length": str(len(text)), "content-type": "application/json"})
        await response.prepare(request)
        await response.write(text.encode()[: reply.cut])
        if request.transport:
            request.transport.close()
        return response

    def _error(self, reply: Reply, request: web.Request) -> web.Response:
        error = {"error": {"message": f"{reply.message}: {request.headers['Authorization']}", "type": "x", "code": "x"}}
        return web.json_response(error, status=reply.status, headers=reply.headers)


def _completion(body: Body, reply: Reply) -> Body:
    content = reply.content if isinstance(reply.content, str | None) else json.dumps(reply.content)
    message = {"role": "assistant", "content": content, "refusal": reply.refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


@asynccontextmanager
async def chat_server(answer: Callable[[Body], Reply] | None = None) -> AsyncIterator[ChatServer]:
    """Serve on a free local port."""
    server = ChatServer() if answer is None else ChatServer(answer)
    app = web.Application()
    app.router.add_post("/chat/completions", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@contextmanager
def threaded_chat_server(answer: Callable[[Body], Reply]) -> Iterator[ChatServer]:
    """Serve on a loop of its own, for a test that has none or whose loop is busy."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = chat_server(answer)
    try:
        yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(30)
    finally:
        asyncio.run_coroutine_threadsafe(manager.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
