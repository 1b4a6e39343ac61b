"""``zoo:``: small networks that timm and transformers lack, one family a file."""

from palmette_plugins.architectures.zoo.provider import Zoo

__all__ = ["Zoo"]
