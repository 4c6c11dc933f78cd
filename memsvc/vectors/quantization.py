"""How a Qdrant server keeps dense vectors: whole, and beside them in a short form that candidates are found by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qdrant_client.models import (
    BinaryQuantization,
    BinaryQuantizationConfig,
    Disabled,
    QuantizationConfig,
    QuantizationSearchParams,
    ScalarQuantization,
    ScalarQuantizationConfig,
    ScalarType,
    SearchParams,
)

from memsvc.vectors import schema

QUANTILE = 0.99
"""Share of a vector's values that 8 bits are spread over; the rest is cut off. Qdrant Edge has the same here."""


class Quantization(StrEnum):
    """The short form of a vector."""

    NONE = "none"
    SCALAR = "scalar"
    """8 bits of each dimension, a quarter of the size."""
    BINARY = "binary"
    """One bit of each dimension, a thirty-second of the size; for models of some thousand dimensions."""


OVERSAMPLING = {Quantization.SCALAR: 3.0, Quantization.BINARY: 10.0}
"""Candidates by short vectors, for each neighbour, that are compared again by the vectors themselves."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How a collection is kept. Shards and replicas count when it is created, the rest can be changed later."""

    quantization: Quantization = Quantization.SCALAR
    on_disk: bool = False
    """Whether whole vectors are read from disk as needed; short ones are in memory in any case."""
    shards: int | None = None
    """None for the server's default."""
    replicas: int = 1


def config_of(quantization: Quantization) -> QuantizationConfig | None:
    """The configuration of a new collection's vectors."""
    match quantization:
        case Quantization.NONE:
            return None
        case Quantization.SCALAR:
            eight_bits = ScalarQuantizationConfig(type=ScalarType.INT8, quantile=QUANTILE, always_ram=True)
            return ScalarQuantization(scalar=eight_bits)
        case Quantization.BINARY:
            return BinaryQuantization(binary=BinaryQuantizationConfig(always_ram=True))


def change_to(quantization: Quantization) -> QuantizationConfig | Disabled:
    """The change of an existing collection's vectors."""
    return config_of(quantization) or Disabled.DISABLED


def kind_of(config: QuantizationConfig | None) -> Quantization | None:
    """What a collection has; None for a kind that this service never asks for."""
    match config:
        case None:
            return Quantization.NONE
        case ScalarQuantization():
            return Quantization.SCALAR
        case BinaryQuantization():
            return Quantization.BINARY
        case _:
            return None


def search_params(quantization: Quantization) -> SearchParams:
    """How many candidates are looked at; those found by short vectors are ranked by the vectors themselves."""
    if quantization is Quantization.NONE:
        return SearchParams(hnsw_ef=schema.HNSW_EF)
    return SearchParams(
        hnsw_ef=schema.HNSW_EF,
        quantization=QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING[quantization]),
    )
