"""Masks that another method found, as an arm of the comparison."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.sparse_search.spaces import Masks
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.masks import BIAS_MASK, MASK

TOLERANCE = 0.01  # of the weights that the random ones keep


def external_masks(store: ArtifactStore, reference: str, module: nn.Module, field: str) -> Masks:
    """Return the masks that a model artifact carries, by parameter of `module`.

    Raises:
        InvalidArgument: It carries none, or masks that do not fit `module`; field `field`.
    """
    model = load_model_reference(reference, field, None, store, seed=0)
    masks = {
        name.removesuffix("_mask"): buffer
        for name, buffer in model.module.named_buffers()
        if name.endswith((MASK, BIAS_MASK))
    }
    if not masks:
        raise InvalidArgument.field(field, f"'{reference}' carries no masks")
    shapes = {name: parameter.shape for name, parameter in module.named_parameters()}
    for name, mask in masks.items():
        if shapes.get(name) != mask.shape:
            raise InvalidArgument.field(
                field, f"its mask of '{name}' has shape {tuple(mask.shape)}, which fits no parameter of the model"
            )
    return masks


def density_of(masks: Mapping[str, Tensor], module: nn.Module) -> float:
    """Return the share of the weights of linear layers and convolutions that masks keep; unmasked ones are dense."""
    shapes = layer_shapes(module)
    kept = sum(
        int(masks[name].sum()) if (name := f"{shape.name}.weight") in masks else shape.weights for shape in shapes
    )
    return kept / sum(shape.weights for shape in shapes)


def matching_sparsity(density: float, densities: Mapping[float, float], reference: str, field: str) -> float:
    """Return the sparsity whose random sub-networks keep as many weights.

    Args:
        density: What the masks keep.
        densities: Sparsity -> density of the random ones.
        reference: The artifact, for the message.
        field: The field that the error names.

    Raises:
        InvalidArgument: None is within 1 % of it.
    """
    nearest = min(densities, key=lambda sparsity: abs(densities[sparsity] - density))
    if abs(densities[nearest] - density) > TOLERANCE * densities[nearest]:
        raise InvalidArgument.field(
            field,
            f"the masks of '{reference}' keep {density:.4g} of the weights; to compare like with like add "
            f"{1 - density:.4g} to config.sparsities",
        )
    return nearest
