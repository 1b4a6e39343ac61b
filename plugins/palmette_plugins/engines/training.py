"""Training: a task, a model, a dataset and a recipe, with checkpoints from which it goes on exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from palmette_plugins.api.architecture import LoadedModel
from palmette_plugins.api.data import Dataset
from palmette_plugins.api.task import Batch
from palmette_plugins.engines.acceleration import accelerated
from palmette_plugins.engines.companions import Companions
from palmette_plugins.engines.optimizers import ParameterGroups, build_optimizer
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.seeding import derive_seed

if TYPE_CHECKING:
    from palmette_plugins.api.job import JobContext


@dataclass(frozen=True)
class TrainingStep:
    """What a loss of a method's own sees.

    Attributes:
        module: The model in training.
        outputs: What its forward pass returned for the batch.
        batch: The batch, augmented, on the device.
        number: Number of the optimizer step that is about to be made, from 0.
    """

    module: nn.Module
    outputs: Any
    batch: Batch
    number: int


Objective = Callable[[TrainingStep], Tensor]  # -> scalar
AfterStep = Callable[[nn.Module, int], None]  # (module, number of the step that was just made, from 0)


@dataclass
class TrainingResult:
    """What a training run did.

    Attributes:
        history: One row per epoch: ``epoch`` (from 1), ``step``, ``train/loss``, ``train/lr``, ``seconds`` and,
            where measured, ``validation/<metric>``.
        steps: Optimizer steps.
        examples: Training examples seen, each counted as often as it was.
        seconds: Time spent training, without validation and checkpoints, over all attempts.
        validation: The last measurements on the validation split, by name.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    validation: dict[str, float] = field(default_factory=dict)

    def macs(self, forward_macs: int) -> int:
        """Return the multiply-adds of the run: a backward pass costs about two forward passes."""
        return 3 * forward_macs * self.examples


@dataclass(frozen=True)
class TrainingRun:
    """What stays the same during one call of `train`."""

    job: JobContext
    module: nn.Module
    data: Dataset
    recipe: Recipe
    phase: str
    progress: tuple[float, float]
    objective: Objective | None
    extra_loss: Objective | None
    companions: Companions
    after_step: AfterStep | None
    validate_split: str | None
    draws: str


def train(
    job: JobContext,
    model: LoadedModel,
    data: Dataset,
    recipe: Recipe,
    *,
    phase: str = "train",
    progress: tuple[float, float] = (0.0, 1.0),
    parameter_groups: ParameterGroups | None = None,
    objective: Objective | None = None,
    extra_loss: Objective | None = None,
    companions: Mapping[str, nn.Module] | None = None,
    after_step: AfterStep | None = None,
    validate_split: str | None = "validation",
    draws: str | None = None,
) -> TrainingResult:
    """Train `model.module` in place and return what was done.

    Masks on the module's weights (see `engines.sparsity`) are kept: masked weights are 0 after every step.
    Reports ``train/loss``, ``train/lr`` and ``validation/<metric>``, with the optimizer step as their step. For
    a phase other than ``train`` the names start with ``<phase>/``.

    A job that was interrupted goes on at the last saved epoch of the phase it was in; finished phases return at
    once with their weights loaded. On a CPU the result is the same to the last bit as without interruption:
    every random draw of an epoch depends only on the job's seed, the phase and the epoch.

    Args:
        job: The running job.
        model: The model; afterwards on the device it was trained on.
        data: The dataset; the split ``train`` is trained on, with its augmentation.
        recipe: How to train.
        phase: Name of this run within the job; each call of `train` in one job needs its own.
        progress: Range of the job's progress that this run covers.
        parameter_groups: torch parameter groups instead of one group of all trainable parameters.
        objective: The loss instead of the task's.
        extra_loss: Added to the loss.
        companions: Modules that train beside the model and are thrown away with the job (a discriminator, a
            codebook): their trainable parameters join the optimizer, their state joins the checkpoints.
        after_step: Called as ``after_step(module, step)`` after every optimizer step.
        validate_split: Split to measure on after epochs; None for none.
        draws: What the random draws are named after; `phase` when None. Two phases with equal names see the same
            batches in the same order, as a method and its baseline should.

    Raises:
        InvalidArgument: The recipe cannot be used with this task or device.
        FailedPrecondition: The loss became infinite or NaN.
        JobCancelled: Someone asked the job to stop.
    """
    from palmette_plugins.engines.loop import run_epochs

    beside = Companions(companions or {}, job.device)
    run = TrainingRun(
        job=job,
        module=model.module,
        data=data,
        recipe=recipe,
        phase=phase,
        progress=progress,
        objective=objective,
        extra_loss=extra_loss,
        companions=beside,
        after_step=after_step,
        validate_split=validate_split,
        draws=draws or phase,
    )
    finished = job.phases.finished(phase)
    if finished is not None:
        model.module.load_state_dict(finished["model"])
        model.module.to(job.device)
        beside.load_state_dict(finished["companions"])
        result = TrainingResult(**finished["result"])
    else:
        result = TrainingResult()
        optimizer = build_optimizer(model.module, recipe, parameter_groups)
        beside.join(optimizer)
        with accelerated(model.module, optimizer, recipe, job.device) as prepared:
            run_epochs(run, prepared, result)
            first_process = prepared.accelerator.is_main_process
        weights = {name: tensor.detach().clone() for name, tensor in model.module.state_dict().items()}
        left = {"model": weights, "companions": beside.state_dict(), "result": asdict(result)}
        job.phases.finish(phase, left, write=first_process)
    # Whatever the method draws next must not depend on whether this call trained or only loaded.
    torch.manual_seed(derive_seed(job.seed, f"{phase}/after"))
    return result
