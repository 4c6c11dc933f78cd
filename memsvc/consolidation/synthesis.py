"""Abstracts without a language model: the most central statements of a cluster that differ most from one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from memsvc.consolidation.decisions import NAME
from memsvc.consolidation.merging import (
    all_sources,
    in_order,
    joined_metadata,
    joined_symbols,
    latest_end,
    made_id,
    shared_scope,
)
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.units import SENTENCE_SOURCES
from memsvc.ports import TokenCounter, Vectors
from memsvc.types import Addition, AdditionKind, Memory, MemoryKind, Span


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
    sizes = [tokens.count(child.text) for child in children]
    chosen = _chosen(children, np.stack([vectors[child.id] for child in children]), sizes, params)
    text = " ".join(child.text for child in chosen)
    spans, additions = _parts(chosen)
    if not chosen or tokens.count(text) >= sum(sizes):
        return None
    return Memory(
        id=made_id(kind.value, children),
        scope=shared_scope(children),
        text=text,
        spans=spans,
        additions=additions,
        event_time=children[-1].event_time,
        utc_offset_minutes=children[-1].utc_offset_minutes,
        kind=kind,
        symbolic=joined_symbols(children),
        valid_from=min((child.valid_from for child in children if child.valid_from), default=None),
        valid_to=latest_end(children),
        salience=max(child.salience for child in children),
        token_count=tokens.count(text),
        sources=all_sources(children),
        derived_from=tuple(child.id for child in children),
        compressor=NAME,
        metadata={**joined_metadata(children), SENTENCE_SOURCES: " ".join(child.id for child in chosen)},
        dense_text=" ".join(child.dense_text or child.text for child in chosen),
        lexical_text=text,
    )


def _parts(chosen: Sequence[Memory]) -> tuple[tuple[Span, ...], tuple[Addition, ...]]:
    """The spans and additions of texts that are joined by a blank."""
    spans: list[Span] = []
    additions: list[Addition] = []
    at = 0
    for number, memory in enumerate(chosen):
        if number:
            additions.append(Addition(AdditionKind.BREAK, at, at + 1))
            at += 1
        spans += [replace(span, text_start=span.text_start + at) for span in memory.spans]
        additions += [
            replace(each, text_start=each.text_start + at, text_end=each.text_end + at) for each in memory.additions
        ]
        at += len(memory.text)
    return tuple(spans), tuple(additions)


def centroid(vectors: Sequence[Vectors]) -> Vectors:
    """The unit vector in the middle of unit vectors; shape [dimension]."""
    mean = np.mean(np.stack(vectors), axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _chosen(
    children: Sequence[Memory], vectors: Vectors, sizes: Sequence[int], params: ConsolidationParams
) -> list[Memory]:
    left = params.abstract_share * sum(sizes)
    centrality = params.centrality * (vectors @ centroid(list(vectors)))
    nearest = np.zeros(len(children))
    open_ones = np.ones(len(children), dtype=bool)
    taken: list[int] = []
    while open_ones.any():
        scores = np.where(open_ones, centrality - (1 - params.centrality) * nearest, -np.inf)
        best = int(np.argmax(scores))
        open_ones[best] = False
        if sizes[best] <= left:
            left -= sizes[best]
            taken.append(best)
            nearest = np.maximum(nearest, vectors @ vectors[best])
    return [children[i] for i in sorted(taken)]
