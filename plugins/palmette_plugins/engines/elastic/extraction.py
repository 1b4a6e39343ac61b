"""Cutting a plain network out of a supernet."""

from __future__ import annotations

import torch
from torch import Tensor

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.mobile.network import MobileNet
from palmette_plugins.engines.elastic.block import ElasticBlock
from palmette_plugins.engines.elastic.space import Choice
from palmette_plugins.engines.elastic.supernet import Supernet


def supernet_of(model: LoadedModel, field: str = "inputs.supernet") -> Supernet:
    """Return a loaded model's module as a supernet; raise `InvalidArgument` for `field` if it is none."""
    if not isinstance(model.module, Supernet):
        raise InvalidArgument.field(field, f"'{model.reference}' is not a supernet; train one with ofa")
    return model.module


def extract(model: LoadedModel, choice: Choice) -> LoadedModel:
    """Return a sub-network as a plain model with weights of its own; it loads without elastic code.

    Batch statistics are those of the supernet: recalibrate before use.

    Raises:
        InvalidArgument: The model is no supernet, or the choice is not of its space (field ``choice``).
    """
    supernet = supernet_of(model)
    module = extract_module(supernet, choice)
    made_for = model.spec.io.inputs[0].shape[-1] if model.spec.io is not None else None
    module.resolution = None if choice.resolution == made_for else choice.resolution
    spec = model.spec.model_copy(
        update={"architecture": str(plain_reference(model.spec.architecture, choice, module.resolution)), "edits": ()}
    )
    return LoadedModel(module, spec, f"sub-network of {model.reference}", pretrained=True)


@torch.no_grad()
def extract_module(supernet: Supernet, choice: Choice) -> MobileNet:
    """Return the sub-network as a plain module on the CPU, in evaluation mode."""
    if not supernet.space.contains(choice):
        raise InvalidArgument.field("choice", f"not of this supernet's space: {choice}")
    with torch.device("meta"):  # its weights are given, and torch's random state must not move
        plain = MobileNet(supernet.frame, choice.blocks, supernet.in_channels, supernet.num_classes, choice.resolution)
    own = {name: tensor.detach().cpu().clone() for name, tensor in subnet_state(supernet, choice).items()}
    plain.load_state_dict(own, assign=True)
    return plain.eval()


def subnet_state(supernet: Supernet, choice: Choice) -> dict[str, Tensor]:
    """Return the tensors of a sub-network by their names in the plain network."""
    state = {name: tensor for name, tensor in supernet.state_dict().items() if not name.startswith("stages.")}
    for number, blocks in enumerate(choice.blocks):
        for index, chosen in enumerate(blocks):
            block = supernet.get_submodule(f"stages.{number}.{index}")
            assert isinstance(block, ElasticBlock)
            state |= {f"stages.{number}.{index}.{name}": part for name, part in block.tensors(chosen).items()}
    return state


def plain_reference(supernet_architecture: str, choice: Choice, resolution: int | None) -> Reference:
    """Return the ``zoo:`` reference of a sub-network, given its supernet's."""
    supernet = Reference.parse(supernet_architecture)
    elastic = ("depths", "expands", "kernels", "resolutions")
    frame = {name: value for name, value in supernet.parameters.items() if name not in elastic}
    blocks = [block for stage in choice.blocks for block in stage]
    own = {
        "depths": ",".join(str(depth) for depth in choice.depths),
        "expands": ",".join(str(block.expand) for block in blocks),
        "kernels": ",".join(str(block.kernel) for block in blocks),
    }
    if resolution is not None:
        own["resolution"] = str(resolution)
    return Reference(supernet.scheme, supernet.target.removesuffix("-supernet"), {**frame, **own})
