"""Run by torchrun in `test_several_processes`: one masked training run, the weights of each process to a file."""

import sys
from pathlib import Path

import torch
from torch import nn

from palmette_plugins.api import DatasetRef, JobContext, JobSpec, Kind, LoadedModel, Method, Model, ModelSpec
from palmette_plugins.api.sink import LoggingSink
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.sparsity.masks import set_masks


class Train(Method):
    """Declares what is read."""

    kind = Kind.TRAIN
    inputs = {"data": DatasetRef}  # noqa: RUF012
    outputs = {"model": Model}  # noqa: RUF012

    def run(self, job: JobContext) -> None:
        """Nothing."""


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # No batch norm: its statistics are of each process's share of the batch.
    module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    set_masks(module, {"3": torch.rand(10, 8 * 36) < 0.2})
    spec = JobSpec("local", "train", {"data": ["digits"]}, checkpoint_url=str(folder / "checkpoints"))
    job = JobContext(spec, Train(Train.Config()), LoggingSink())
    model = LoadedModel(module, ModelSpec(architecture="zoo:mlp"), "test")
    recipe = Recipe(epochs=2, batch_size=64, lr=0.05, precision="fp32", grad_clip=1.0)
    job.train(model, job.dataset("data"), recipe)
    rank = torch.distributed.get_rank() if torch.distributed.is_initialized() else "alone"
    torch.save(module.state_dict(), folder / f"{rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
