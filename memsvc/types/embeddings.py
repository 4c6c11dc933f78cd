"""Embedding models, of which two may be in use at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from memsvc.types.spaces import SpaceKey


class EmbeddingState(StrEnum):
    """What a model that memories are indexed with is to the service."""

    TARGET = "target"
    """New; what an earlier model left in its slot is being forgotten."""
    FILLING = "filling"
    """Memories are written with it, and those of before are caught up on."""
    ACTIVE = "active"
    """Queries are answered by it."""
    OLD = "old"
    """Another one answers queries; memories are still written with it, so that a reader of it misses nothing."""
    UNWANTED = "unwanted"
    """Memories are written with it no more, and its index is being removed."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """An embedding model as the setting `embedder` names it; `dimension` and `api_base` are those of a remote one."""

    name: str
    dimension: int = 0
    api_base: str = ""
    slot: int = 0
    state: EmbeddingState = EmbeddingState.ACTIVE


@dataclass(frozen=True, slots=True)
class EmbeddingCheck:
    """How a space's index with a new model compares with the one with the old.

    Of `sample` memories, `self_recall` is the share found by their own new vector among the best eleven, `overlap` the
    mean share of the old index's ten nearest that are among the new one's.
    """

    space: SpaceKey
    points: int
    expected: int
    sample: int
    self_recall: float
    overlap: float
