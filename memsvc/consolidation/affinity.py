"""How much two memories belong together: in meaning, in time and in what they name.

ω_ij = β·cos(v_i, v_j) + (1−β)·exp(−λ|t_i − t_j|), from SimpleMem (arXiv 2601.02553), which gives λ = 0.1 and neither β
nor the unit of time; here t is in days. To it is added a share for names in common.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memsvc.consolidation.params import ConsolidationParams
from memsvc.ports import Vectors
from memsvc.types import Memory, folded

_DAY = 86_400.0


def affinities(memories: Sequence[Memory], vectors: Vectors, params: ConsolidationParams) -> Vectors:
    """Affinity of every pair, in [0, 1]; shape [n, n] from unit vectors of shape [n, dimension].

    ω = (1−ε)·(β·max(cos, 0) + (1−β)·exp(−λ|Δt|)) + ε·J, where J is the Jaccard overlap of people and entities and ε
    the entities' weight.
    """
    beta, epsilon = params.semantic_weight, params.entity_weight
    days = np.array([memory.event_time.timestamp() / _DAY for memory in memories])
    near = np.exp(-params.decay_per_day * np.abs(days[:, None] - days[None, :]))
    cosine = np.clip(vectors @ vectors.T, 0.0, 1.0)
    named = (1 - epsilon) * (beta * cosine + (1 - beta) * near) + epsilon * _shared(memories)
    return np.asarray(np.clip(named, 0.0, 1.0), np.float32)


def _shared(memories: Sequence[Memory]) -> Vectors:
    """Jaccard overlap of the names of every pair; 0 where neither has one."""
    names = [folded((*memory.symbolic.people, *memory.symbolic.entities)) for memory in memories]
    vocabulary = {name: i for i, name in enumerate(sorted(frozenset().union(*names)))}
    held = np.zeros((len(memories), max(1, len(vocabulary))), dtype=np.float32)
    for row, found in enumerate(names):
        held[row, [vocabulary[name] for name in found]] = 1.0
    both = held @ held.T
    counts = held.sum(axis=1)
    either = counts[:, None] + counts[None, :] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0), np.float32)
