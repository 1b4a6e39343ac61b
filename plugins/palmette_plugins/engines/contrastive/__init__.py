"""Networks that put images and texts into one space: towers, their loss, zero-shot evaluation, scoring of pairs."""

from palmette_plugins.engines.contrastive.loss import LogitScale, contrastive_loss, loss_sides

__all__ = ["LogitScale", "contrastive_loss", "loss_sides"]
