"""How alike two representations of the same examples are.

A representation is a tensor (n, ...): one row per example, everything else its features. The number of features may
differ, since only the n x n matrices of similarities between examples are compared. All sums are float32, whatever
the precision of the network: in 16 bits a Gram matrix overflows.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional as F


class Distance(StrEnum):
    """Which measure."""

    CKA = "cka"
    RSA = "rsa"

    def matrix(self, features: Tensor) -> Tensor:
        """Return the n x n matrix of a representation (n, ...) that `similarity_of` takes."""
        return centred_gram(features) if self is Distance.CKA else cosine_matrix(features)

    def similarity_of(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the similarity of two such matrices, a scalar; 0 without a gradient where it is undefined."""
        return _cosine(first, second) if self is Distance.CKA else _correlation(first, second)


def linear_cka(first: Tensor, second: Tensor) -> Tensor:
    """Return the linear centred kernel alignment of two representations, in [0, 1].

    With K and G the Gram matrices of the column-centred features it is <K, G> / (|K| |G|) (Kornblith et al., 2019,
    section 3). Rotating, scaling and shifting the features leaves it as it is. 0 if either does not vary.
    """
    return Distance.CKA.similarity_of(centred_gram(first), centred_gram(second))


def rsa_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Return Pearson's correlation of the two matrices of cosines between examples, diagonal included, in [-1, 1]."""
    return Distance.RSA.similarity_of(cosine_matrix(first), cosine_matrix(second))


def centred_gram(features: Tensor) -> Tensor:
    """Return the Gram matrix (n, n) of the features (n, ...) after taking each feature's mean off."""
    rows = features.flatten(1).float()
    rows = rows - rows.mean(dim=0, keepdim=True)
    return rows @ rows.T


def cosine_matrix(features: Tensor) -> Tensor:
    """Return the cosines (n, n) between the examples' features (n, ...); 0 for an example without any."""
    rows = F.normalize(features.flatten(1).float(), dim=1)
    return rows @ rows.T


def _cosine(first: Tensor, second: Tensor) -> Tensor:
    norms = first.norm() * second.norm()
    if not torch.isfinite(norms) or norms <= torch.finfo(torch.float32).tiny:
        return first.new_zeros(())
    return (first * second).sum() / norms


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    return _cosine(first - first.mean(), second - second.mean())
