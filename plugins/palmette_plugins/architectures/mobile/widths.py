"""Channel counts of inverted bottlenecks, rounded as MobileNet rounds them."""

from __future__ import annotations


def rounded_width(value: float) -> int:
    """Return the multiple of 8 nearest to `value`, at least 8 and never below nine tenths of it."""
    width = max(8, int(value + 4) // 8 * 8)
    return width + 8 if width < 0.9 * value else width


def middle_width(in_channels: int, expand: int) -> int:
    """Return the channels inside a block that expands its input `expand` times."""
    return in_channels if expand == 1 else rounded_width(round(in_channels * expand))


def hidden_width(middle: int) -> int:
    """Return the hidden units of the squeeze-and-excitation of a block with `middle` channels inside."""
    return rounded_width(middle // 4)
