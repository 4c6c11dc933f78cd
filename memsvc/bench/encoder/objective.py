"""What an encoder is trained to do: bring a query near the passages that answer it, and away from all others.

For a query q with relevant passages R among the passages P of a step, and s = scale * cosine,

    loss(q) = - mean over r in R of  log( exp s(q, r) / (exp s(q, r) + sum over p in P without R of exp s(q, p)) )

which is InfoNCE (van den Oord et al. 2018, arXiv 1807.03748) with several positives, each against the negatives alone.
The negatives are the other passages of the query's own conversation, which are the ones that retrieval has to tell from
the answer, and those of the other conversations of the step. The loss is the mean over the first d components of the
vectors for each d of `dimensions` (Matryoshka representations, Kusupati et al. 2022, arXiv 2205.13147), so that vectors
can be cut to fewer components.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize


def loss(
    queries: Tensor, passages: Tensor, relevant: Sequence[Sequence[int]], *, scale: float, dimensions: Sequence[int]
) -> Tensor:
    """Mean loss of a step, a scalar.

    Args:
        queries: vectors, shape [queries, dimension], of any length.
        passages: vectors, shape [passages, dimension].
        relevant: the rows of `passages` that answer each query; at least one.
        scale: inverse temperature of the cosines.
        dimensions: how many leading components to compare by, each at most the vectors' own.
    """
    mask = torch.zeros(len(queries), len(passages), dtype=torch.bool, device=queries.device)
    for row, found in enumerate(relevant):
        mask[row, list(found)] = True
    return torch.stack([_at(queries[:, :d], passages[:, :d], mask, scale) for d in dimensions]).mean()


def _at(queries: Tensor, passages: Tensor, relevant: Tensor, scale: float) -> Tensor:
    scores = scale * normalize(queries, dim=1) @ normalize(passages, dim=1).T
    negatives = scores.masked_fill(relevant, -torch.inf).logsumexp(dim=1, keepdim=True)
    log_likelihood = (scores - torch.logaddexp(scores, negatives)).masked_fill(~relevant, 0.0)
    return -(log_likelihood.sum(dim=1) / relevant.sum(dim=1)).mean()
