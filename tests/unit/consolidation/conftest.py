"""What the tests with a language model share: the real embedder, and a server that follows a script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from memsvc.models.embedder import SentenceTransformerEmbedder
from support.chat_server import ChatServer, chat_server


@pytest.fixture(scope="package")
def embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(device="cpu")


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server() as running:
        yield running
