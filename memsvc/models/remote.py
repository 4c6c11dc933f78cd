"""Embeds texts at a remote endpoint, through litellm."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from memsvc.errors import Reason, Unavailable
from memsvc.ports import Vectors

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429


class LitellmEmbedder:
    """Embeds through any provider that litellm knows, and any server that speaks OpenAI's embeddings API.

    What comes back is checked (count, dimension, finite values) and scaled to unit length.

    Args:
        model: litellm's name, such as `openai/text-embedding-3-small`.
        dimension: length of the model's vectors.
        api_base: base URL of the endpoint; None for the provider's own.
        api_key: key of the endpoint; None uses the provider's environment variable, or no key with an `api_base`.
        timeout: seconds for one attempt at one batch.
        max_batch: texts in one request.
        attempts: tries of a batch, when the endpoint is overloaded, failing or out of reach.
        max_backoff: longest pause between tries, in seconds; pauses are random and grow.
    """

    def __init__(
        self,
        model: str,
        dimension: int,
        api_base: str | None = None,
        api_key: str | None = None,
        timeout: float = 30.0,
        max_batch: int = 128,
        *,
        attempts: int = 3,
        max_backoff: float = 4.0,
    ) -> None:
        self._litellm = load_litellm()
        self._model = model
        self._dimension = dimension
        self._api_base = api_base
        self._api_key = api_key or ("none" if api_base else None)
        self._timeout = timeout
        self._max_batch = max_batch
        self._attempts = attempts
        self._max_backoff = max_backoff
        # Every class of litellm.exceptions derives from one of the openai package; the others mean a malformed answer.
        failure = import_module("openai").OpenAIError
        self._failures = (failure, OSError, ValueError, TypeError, KeyError)

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def languages(self) -> frozenset[str] | None:
        """Not known here."""
        return None

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Return unit-length float32 vectors of shape [len(texts), dimension], in order.

        `urgent` makes no difference here: the endpoint decides what goes first.

        Raises:
            Unavailable: EMBEDDER_UNAVAILABLE, every attempt failed or the answer was not usable.
        """
        batches = [
            await self._embed_batch(texts[start : start + self._max_batch])
            for start in range(0, len(texts), self._max_batch)
        ]
        return np.concatenate(batches) if batches else np.zeros((0, self._dimension), np.float32)

    async def close(self) -> None:
        """Nothing is held open."""

    async def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        try:
            rows: list[list[float]] = await self._retrying()(self._request, texts)
            return unit_vectors(np.asarray(rows, dtype=np.float32), (len(texts), self._dimension))
        except self._failures as error:
            # Only the class of the cause: its text may hold the key or the texts, and so would a traceback.
            cause = type(error).__name__
        raise self._unavailable(cause)

    async def _request(self, texts: Sequence[str]) -> list[list[float]]:
        async with asyncio.timeout(self._timeout):
            response = await self._litellm.aembedding(
                model=self._model,
                input=list(texts),
                api_base=self._api_base,
                api_key=self._api_key,
                timeout=self._timeout,
                encoding_format="float",
                max_retries=0,
            )
        return [row["embedding"] for row in sorted(response.data, key=lambda row: int(row["index"]))]

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(is_passing),
            stop=stop_after_attempt(self._attempts),
            wait=wait_random_exponential(multiplier=0.5, max=self._max_backoff),
            reraise=True,
        )

    def _unavailable(self, cause: str) -> Unavailable:
        return Unavailable(
            f"the embedding endpoint of {self._model} failed: {cause}",
            reason=Reason.EMBEDDER_UNAVAILABLE,
            metadata={"cause": cause},
        )


class UnusableVectors(ValueError):
    """What came back is not one finite vector of the right length for each text."""


def unit_vectors(vectors: Vectors, shape: tuple[int, int]) -> Vectors:
    """Scale rows to unit length. Raises UnusableVectors for another shape, a value not finite or a zero row."""
    if vectors.shape != shape:
        raise UnusableVectors(f"shape {vectors.shape} instead of {shape}")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not norms.all():
        raise UnusableVectors("a vector is zero or not finite")
    unit: Vectors = (vectors / norms).astype(np.float32)
    return unit


def is_passing(error: BaseException) -> bool:
    """Whether a failure may pass: out of reach, timed out, overloaded (408, 429) or failing (5xx)."""
    if isinstance(error, OSError):
        return True
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and (status in (_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS) or status >= 500)


def load_litellm() -> Any:
    """Import litellm when the first remote embedder is made: it takes seconds, and most services need none.

    Its price list comes from the package, not from the network, and it keeps quiet.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm: Any = import_module("litellm")
    litellm.suppress_debug_info = True
    # A `max_retries` of 0 counts as unset there, and tries would multiply with the embedder's own.
    litellm.DEFAULT_MAX_RETRIES = 0
    return litellm
