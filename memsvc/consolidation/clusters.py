"""Nested density clusters: HDBSCAN over affinities, its leaves for episodes, and again over episodes for themes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.cluster import HDBSCAN

from memsvc.consolidation.affinity import affinities
from memsvc.consolidation.params import ConsolidationParams
from memsvc.ports import Vectors
from memsvc.types import Memory


def clusters(
    memories: Sequence[Memory], vectors: Vectors, smallest: int, params: ConsolidationParams
) -> list[list[int]]:
    """Groups of at least `smallest` memories, as indices; memories that lie in no dense place are in none.

    `memories` are in order of event time, `vectors` of shape [n, dimension]. They are taken in runs of
    `params.cluster_block`, so that cost grows linearly with n. Within one, HDBSCAN (Campello et al. 2013) takes the
    leaves of its condensed tree; the distance is 1 − ω.
    """
    found: list[list[int]] = []
    for start in range(0, len(memories), params.cluster_block):
        block = slice(start, start + params.cluster_block)
        some = memories[block]
        if len(some) < smallest:
            continue
        distances = 1.0 - affinities(some, vectors[block], params).astype(np.float64)
        np.fill_diagonal(distances, 0.0)
        labels = HDBSCAN(
            min_cluster_size=smallest,
            min_samples=min(2, len(some)),
            metric="precomputed",
            cluster_selection_method="leaf",
            cluster_selection_epsilon=params.cluster_epsilon,
            allow_single_cluster=False,
            copy=False,
        ).fit_predict(distances)
        members = defaultdict(list)
        for i, label in enumerate(labels):
            if label >= 0:
                members[int(label)].append(start + i)
        found += [members[label] for label in sorted(members)]
    return found
