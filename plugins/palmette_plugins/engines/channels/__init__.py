"""Channels: which nodes of a network belong together across layers, and networks without some of them."""

from palmette_plugins.engines.channels.graph import ChannelGraph, ChannelGroup, Link, channel_graph
from palmette_plugins.engines.channels.slicing import remove_channels

__all__ = ["ChannelGraph", "ChannelGroup", "Link", "channel_graph", "remove_channels"]
