"""Inverted bottlenecks (Howard et al., 2019, section 4): expand, filter depth by depth, project."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.architectures.mobile.frame import Activation
from palmette_plugins.architectures.mobile.widths import hidden_width, middle_width
from palmette_plugins.architectures.residual import ResidualBlock

_ACTIVATIONS = {Activation.RELU: nn.ReLU, Activation.RELU6: nn.ReLU6, Activation.HSWISH: nn.Hardswish}


def activation_layer(kind: Activation) -> nn.Module:
    """Return the activation as a layer."""
    return _ACTIVATIONS[kind]()


class SqueezeExcite(nn.Module):
    """Weighs each channel by what the whole map says of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = hidden_width(channels)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the weighed map."""
        pooled_BC11 = x_BCHW.mean(dim=(2, 3), keepdim=True)
        return x_BCHW * F.hardsigmoid(self.expand(F.relu(self.reduce(pooled_BC11))))


class MobileBlock(ResidualBlock):
    """1x1 expansion, depthwise K x K, squeeze-and-excitation, 1x1 projection; a shortcut where shapes allow one.

    With `expand` 1 there is no expansion layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        expand: int,
        kernel: int,
        activation: Activation,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__()
        middle = middle_width(in_channels, expand)
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, stride
        self.activation = activation_layer(activation)
        self.expand = nn.Conv2d(in_channels, middle, 1, bias=False) if expand != 1 else None
        self.expand_norm = nn.BatchNorm2d(middle) if expand != 1 else None
        self.depthwise = nn.Conv2d(middle, middle, kernel, stride, kernel // 2, groups=middle, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(middle)
        self.squeeze_excite = SqueezeExcite(middle) if squeeze_excite else None
        self.project = nn.Conv2d(middle, out_channels, 1, bias=False)
        self.project_norm = nn.BatchNorm2d(out_channels)

    @property
    def has_identity_shortcut(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.in_channels == self.out_channels

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the block's output."""
        y_BMHW = x_BCHW
        if self.expand is not None and self.expand_norm is not None:
            y_BMHW = self.activation(self.expand_norm(self.expand(y_BMHW)))
        y_BMHW = self.activation(self.depthwise_norm(self.depthwise(y_BMHW)))
        if self.squeeze_excite is not None:
            y_BMHW = self.squeeze_excite(y_BMHW)
        y_BCHW: Tensor = self.project_norm(self.project(y_BMHW))
        return y_BCHW + x_BCHW if self.has_identity_shortcut else y_BCHW
