"""Elastic networks: supernets from which sub-networks are cut (Cai et al., 2020)."""

from __future__ import annotations

import re

from torch import nn

from palmette_plugins.api.data import DataInfo
from palmette_plugins.api.errors import InvalidArgument
from palmette_plugins.api.references import Reference
from palmette_plugins.architectures.zoo.family import ImageFamily
from palmette_plugins.architectures.zoo.frame_parameters import FRAME_NAMES, FrameParameters, Numbers
from palmette_plugins.architectures.zoo.initialisation import kaiming_normal
from palmette_plugins.engines.elastic.space import Space
from palmette_plugins.engines.elastic.supernet import Supernet

SUFFIX = "-supernet"


class SupernetParameters(FrameParameters):
    """The values of each elastic dimension, such as ``kernels=3,5,7``; `resolutions` are sides in pixels."""

    depths: Numbers = (2, 3, 4)
    expands: Numbers = (3, 4, 6)
    kernels: Numbers = (3, 5, 7)
    resolutions: Numbers | None = None

    def space(self, name: str) -> Space:
        """Return the space; raise `InvalidArgument` (field ``reference``) for an impossible one."""
        frame = self.frame(name.removesuffix(SUFFIX))
        try:
            return Space(frame, self.depths, self.expands, self.kernels, self.resolutions or (frame_resolution(name),))
        except ValueError as error:
            raise InvalidArgument.field("reference", f"'zoo:{name}': {error}") from None


class SupernetFamily(ImageFamily[SupernetParameters]):
    """``<frame>-supernet`` for every frame of the plain networks."""

    names = tuple(f"{name}{SUFFIX}" for name in FRAME_NAMES)
    pattern = re.compile("|".join(names))
    Parameters = SupernetParameters

    def complete(self, reference: Reference, data: DataInfo | None) -> Reference:
        """Return the reference with all parameters; without resolutions, the one that the data has."""
        if "resolutions" not in reference.parameters:
            side = data.input_shape[-1] if data is not None else frame_resolution(reference.target)
            reference = reference.with_parameters(resolutions=side)
        return super().complete(reference, data)

    def check(self, name: str, parameters: SupernetParameters) -> None:
        """Refuse impossible spaces."""
        parameters.space(name)

    def build(self, name: str, parameters: SupernetParameters) -> nn.Module:
        """Build the supernet."""
        supernet = Supernet(parameters.space(name), parameters.in_channels, parameters.num_classes)
        kaiming_normal(supernet)
        return supernet

    def input_shape(self, parameters: SupernetParameters) -> tuple[int, ...] | None:
        """Return the shape of a largest image."""
        side = max(parameters.resolutions) if parameters.resolutions else 32
        return (parameters.in_channels, side, side)


def frame_resolution(name: str) -> int:
    """Return the side of the images that a frame was made for, in pixels."""
    return 224 if name.startswith(("mbv3", "proxyless")) else 32
