"""Every port: what the mission folders need from the outside, as Protocols.

Implementations live in `storage/`, `vectors/`, `jobs/` and `models/`; `bootstrap/` chooses among them.
All methods may raise `errors.Unavailable`. A method that reads a space takes its `SpaceKey` first.
"""

from memsvc.ports.compression import Compressor, Recompressor
from memsvc.ports.index import Embedder, VectorIndex, Vectors
from memsvc.ports.language import Analyzer, ContextSurprisal, LanguageModel, MeteredModel, Surprisal, TokenCounter
from memsvc.ports.storage import (
    EmbeddingModels,
    JobQueue,
    KeyStore,
    MemoryLog,
    SpaceStore,
    TurnLog,
    UsageLedger,
    UserStore,
)

__all__ = [
    "Analyzer",
    "Compressor",
    "ContextSurprisal",
    "Embedder",
    "EmbeddingModels",
    "JobQueue",
    "KeyStore",
    "LanguageModel",
    "MemoryLog",
    "MeteredModel",
    "Recompressor",
    "SpaceStore",
    "Surprisal",
    "TokenCounter",
    "TurnLog",
    "UsageLedger",
    "UserStore",
    "VectorIndex",
    "Vectors",
]
