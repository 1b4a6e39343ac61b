"""Saliency: how much every weight matters, by several criteria; larger always means: keep."""

from palmette_plugins.engines.saliency.batch import balanced_batch
from palmette_plugins.engines.saliency.blocks import Aggregation, block_importance
from palmette_plugins.engines.saliency.grasp import grasp_scores, hessian_gradient_product
from palmette_plugins.engines.saliency.magnitude import magnitude_scores
from palmette_plugins.engines.saliency.snip import snip_scores
from palmette_plugins.engines.saliency.synflow import synflow_scores
from palmette_plugins.engines.saliency.weights import scored_weights

__all__ = [
    "Aggregation",
    "balanced_batch",
    "block_importance",
    "grasp_scores",
    "hessian_gradient_product",
    "magnitude_scores",
    "scored_weights",
    "snip_scores",
    "synflow_scores",
]
