"""An elastic inverted bottleneck: every smaller block of its slot is a slice of its tensors."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

from palmette_plugins.architectures.mobile.blocks import MobileBlock
from palmette_plugins.architectures.mobile.frame import StageFrame
from palmette_plugins.architectures.mobile.network import BlockChoice
from palmette_plugins.architectures.mobile.widths import hidden_width, middle_width
from palmette_plugins.engines.elastic.kernels import KernelTransforms

_MOMENTUM, _EPSILON = 0.1, 1e-5  # torch's own for nn.BatchNorm2d


class ElasticBlock(MobileBlock):
    """The largest block of a slot, with the matrices for smaller kernels.

    The block of a choice uses the first channels inside, as many as its expand ratio gives, and one batch norm whose
    first entries it shares with every other width.
    """

    def __init__(
        self, in_channels: int, stage: StageFrame, stride: int, expands: tuple[int, ...], kernels: tuple[int, ...]
    ) -> None:
        super().__init__(
            in_channels,
            stage.width,
            stride,
            expand=max(expands),
            kernel=max(kernels),
            activation=stage.activation,
            squeeze_excite=stage.squeeze_excite,
        )
        self.transforms = KernelTransforms(kernels)

    def tensors(self, choice: BlockChoice) -> dict[str, Tensor]:
        """Return the parameters and buffers of the chosen block, named as a `MobileBlock` of it names them.

        They are views of the shared ones (made from them, for a smaller kernel): gradients flow back, and statistics
        that are updated in place are the shared ones.
        """
        m = middle_width(self.in_channels, choice.expand)
        s = hidden_width(m)
        own: Mapping[str, Tensor] = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        found = {
            "expand.weight": own["expand.weight"][:m],
            "depthwise.weight": self.transforms(own["depthwise.weight"][:m], choice.kernel),
            "project.weight": own["project.weight"][:, :m],
        }
        for norm, width in (("expand_norm", m), ("depthwise_norm", m), ("project_norm", self.out_channels)):
            for part in ("weight", "bias", "running_mean", "running_var"):
                found[f"{norm}.{part}"] = own[f"{norm}.{part}"][:width]
            found[f"{norm}.num_batches_tracked"] = own[f"{norm}.num_batches_tracked"]
        if self.squeeze_excite is not None:
            found["squeeze_excite.reduce.weight"] = own["squeeze_excite.reduce.weight"][:s, :m]
            found["squeeze_excite.reduce.bias"] = own["squeeze_excite.reduce.bias"][:s]
            found["squeeze_excite.expand.weight"] = own["squeeze_excite.expand.weight"][:m, :s]
            found["squeeze_excite.expand.bias"] = own["squeeze_excite.expand.bias"][:m]
        return found

    def run(self, x_BCHW: Tensor, choice: BlockChoice) -> Tensor:
        """Return the output of the chosen block."""
        part = self.tensors(choice)
        y_BMHW = self._norm(F.conv2d(x_BCHW, part["expand.weight"]), part, "expand_norm")
        weight = part["depthwise.weight"]
        padding = choice.kernel // 2
        y_BMHW = F.conv2d(self.activation(y_BMHW), weight, None, self.stride, padding, groups=len(weight))
        y_BMHW = self.activation(self._norm(y_BMHW, part, "depthwise_norm"))
        if self.squeeze_excite is not None:
            y_BMHW = y_BMHW * _channel_weights(y_BMHW, part)
        y_BCHW = self._norm(F.conv2d(y_BMHW, part["project.weight"]), part, "project_norm")
        return y_BCHW + x_BCHW if self.has_identity_shortcut else y_BCHW

    def _norm(self, x_BCHW: Tensor, part: Mapping[str, Tensor], name: str) -> Tensor:
        return F.batch_norm(
            x_BCHW,
            part[f"{name}.running_mean"],
            part[f"{name}.running_var"],
            part[f"{name}.weight"],
            part[f"{name}.bias"],
            self.training,
            _MOMENTUM,
            _EPSILON,
        )


def _channel_weights(x_BMHW: Tensor, part: Mapping[str, Tensor]) -> Tensor:
    pooled_BM11 = x_BMHW.mean(dim=(2, 3), keepdim=True)
    hidden_BS11 = F.conv2d(pooled_BM11, part["squeeze_excite.reduce.weight"], part["squeeze_excite.reduce.bias"])
    expand = part["squeeze_excite.expand.weight"], part["squeeze_excite.expand.bias"]
    return F.hardsigmoid(F.conv2d(F.relu(hidden_BS11), *expand))
