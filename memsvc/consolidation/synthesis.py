"""Abstracts without a language model: the most central statements of a cluster that differ most from one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from memsvc.consolidation.decisions import NAME
from memsvc.consolidation.merging import all_sources, in_order, joined_symbols, latest_end, made_id, shared_scope
from memsvc.consolidation.params import ConsolidationParams
from memsvc.ports import TokenCounter, Vectors
from memsvc.types import Memory, MemoryKind

SENTENCE_SOURCES = "sentence_sources"
"""Metadata key of an abstract: ids of the memories that its statements are taken from, in their order, by blanks."""


def abstract(
    kind: MemoryKind,
    children: Sequence[Memory],
    vectors: Mapping[str, Vectors],
    tokens: TokenCounter,
    params: ConsolidationParams,
) -> Memory | None:
    """The memory above `children`; None where no text shorter than theirs says something of several of them.

    Statements are chosen by maximal marginal relevance (Carbonell and Goldstein 1998): c·cos(v, centroid) −
    (1−c)·max cos(v, chosen), until the budget, a share of the children's tokens, is spent. They are told verbatim, in
    the order of time.
    """
    children = in_order(children)
    budget = int(params.abstract_share * sum(child.token_count or tokens.count(child.text) for child in children))
    chosen = _chosen(children, np.stack([vectors[child.id] for child in children]), budget, tokens, params)
    if not chosen:
        return None
    text = " ".join(child.text for child in chosen)
    return Memory(
        id=made_id(kind.value, children),
        scope=shared_scope(children),
        text=text,
        event_time=children[-1].event_time,
        kind=kind,
        symbolic=joined_symbols(children),
        valid_from=min((child.valid_from for child in children if child.valid_from), default=None),
        valid_to=latest_end(children),
        salience=max(child.salience for child in children),
        token_count=tokens.count(text),
        sources=all_sources(children),
        derived_from=tuple(child.id for child in children),
        compressor=NAME,
        metadata={SENTENCE_SOURCES: " ".join(child.id for child in chosen)},
        dense_text=" ".join(child.dense_text or child.text for child in chosen),
        lexical_text=text,
    )


def centroid(vectors: Sequence[Vectors]) -> Vectors:
    """The unit vector in the middle of unit vectors; shape [dimension]."""
    mean = np.mean(np.stack(vectors), axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _chosen(
    children: Sequence[Memory], vectors: Vectors, budget: int, tokens: TokenCounter, params: ConsolidationParams
) -> list[Memory]:
    centrality = vectors @ centroid(list(vectors))
    left, taken = list(range(len(children))), list[int]()
    while left:
        novelty = (vectors[left] @ vectors[taken].T).max(axis=1) if taken else np.zeros(len(left))
        scores = params.centrality * centrality[left] - (1 - params.centrality) * novelty
        best = left.pop(int(np.argmax(scores)))
        text = " ".join(children[i].text for i in sorted([*taken, best]))
        if tokens.count(text) <= budget:
            taken.append(best)
    return [children[i] for i in sorted(taken)]
