"""The training loop."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from palmette_plugins.api.errors import FailedPrecondition
from palmette_plugins.engines.acceleration import Prepared
from palmette_plugins.engines.batches import epoch_batches, epoch_order, placed, steps_per_epoch
from palmette_plugins.engines.evaluation import evaluate
from palmette_plugins.engines.optimizers import set_learning_rates
from palmette_plugins.engines.schedules import learning_rate_factor
from palmette_plugins.engines.seeding import derive_seed, seeded_generator
from palmette_plugins.engines.sparsity.masks import RemovedWeights, masked_optimizer_hook
from palmette_plugins.engines.training import TrainingResult, TrainingRun, TrainingStep

_REPORTS = 200  # points of the loss curve within a run, at most about so many
_LEAST_REPORTED_STEPS = 10  # between two points within an epoch
_CHECK_S = 0.5  # seconds between progress reports, at which a cancelled job stops


def run_epochs(run: TrainingRun, prepared: Prepared, result: TrainingResult) -> None:
    """Train from the last saved epoch, or from the start, to the end; fill in `result`."""
    first = _restore(run, prepared, result)
    loop = _Loop(run, prepared, result)
    hook = masked_optimizer_hook(_torch_optimizer(prepared.optimizer), loop.removed)
    try:
        for epoch in range(first, loop.epochs):
            loop.epoch(epoch)
    finally:
        hook.remove()


class _Loop:
    """One run of the loop over epochs and steps."""

    def __init__(self, run: TrainingRun, prepared: Prepared, result: TrainingResult) -> None:
        self.run = run
        self.prepared = prepared
        self.accelerator = prepared.accelerator
        self.result = result
        self.removed = RemovedWeights(run.module)
        self.split = placed(run.data["train"], self.accelerator.device)
        self.examples = len(self.split)  # type: ignore[arg-type]
        self.epoch_steps = steps_per_epoch(self.examples, run.recipe.batch_size)
        self.total_steps = self.epoch_steps * run.recipe.epochs
        if run.recipe.max_steps:
            self.total_steps = min(self.total_steps, run.recipe.max_steps)
        self.epochs = math.ceil(self.total_steps / self.epoch_steps)
        self.report_every = max(_LEAST_REPORTED_STEPS, math.ceil(self.total_steps / _REPORTS))
        self.prefix = "" if run.phase == "train" else f"{run.phase}/"
        self._last_check_s = 0.0

    # -- one epoch

    def epoch(self, epoch: int) -> None:
        """Train one epoch, measure, checkpoint."""
        started_s = time.perf_counter()
        loss = self._steps(epoch)
        seconds = time.perf_counter() - started_s
        self.result.seconds += seconds
        last = epoch + 1 == self.epochs
        row = {
            "epoch": float(epoch + 1),
            "step": float(self.result.steps),
            "train/loss": loss,
            "train/lr": float(self.prepared.optimizer.param_groups[0]["lr"]),
            "seconds": seconds,
        }
        if self.run.validate_split and (last or (epoch + 1) % self.run.recipe.evaluate_every_epochs == 0):
            row |= self._validate(self.run.validate_split)
        self.result.history.append(row)
        if not last and (epoch + 1) % self.run.recipe.checkpoint_every_epochs == 0:
            self._save(epoch + 1)

    def _steps(self, epoch: int) -> float:
        """Make the steps of one epoch; return the mean loss."""
        run, seed = self.run, self.run.job.seed
        # The epoch's draws depend on nothing that happened before: a resumed run repeats them exactly.
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed(derive_seed(seed, f"{run.draws}/epoch-{epoch}/process-{rank}"))
        order = epoch_order(self.examples, run.recipe.batch_size, seeded_generator(seed, f"{run.draws}/order/{epoch}"))
        steps = min(len(order), self.total_steps - epoch * self.epoch_steps)
        shares = [indices[rank::world] for indices in order[:steps]]
        augmentation = seeded_generator(seed, f"{run.draws}/augmentation/{epoch}/process-{rank}")
        total = window = torch.zeros((), device=self.accelerator.device)
        window_steps = 0
        run.module.train()
        run.companions.train()
        for index, batch in enumerate(epoch_batches(self.split, shares, self.accelerator.device)):
            loss = self._step(batch, augmentation)
            total, window, window_steps = total + loss, window + loss, window_steps + 1
            self.result.examples += len(order[index])
            if self.result.steps % self.report_every == 0 or index + 1 == steps:
                self._report(float(window) / window_steps)
                window, window_steps = torch.zeros_like(window), 0
            self._check(epoch)
        return float(total) / steps

    def _step(self, batch: Any, augmentation: torch.Generator) -> Tensor:
        """Make one optimizer step; return the detached loss."""
        run, recipe = self.run, self.run.recipe
        step = self.result.steps
        set_learning_rates(
            self.prepared.optimizer, learning_rate_factor(recipe, step, self.epoch_steps, self.total_steps)
        )
        if run.data.train_augmentation is not None:
            batch = run.data.train_augmentation(batch, augmentation)
        self.prepared.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(batch, step)
        self.accelerator.backward(loss)
        run.companions.share_gradients(self.accelerator)
        if recipe.grad_clip:
            self.removed.zero_gradients()  # weights that are not there must not count in the norm
            self.accelerator.clip_grad_norm_(run.module.parameters(), recipe.grad_clip)
        self.prepared.optimizer.step()
        self.result.steps += 1
        if run.after_step is not None:
            run.after_step(run.module, step)
        return loss.detach().float()

    def _loss(self, batch: Any, number: int) -> Tensor:
        run = self.run
        outputs = self.prepared.forward(*(_channels_last(x) for x in run.data.task.inputs(batch)))
        step = TrainingStep(run.module, outputs, batch, number)
        loss = self._task_loss(step) if run.objective is None else run.objective(step)
        return loss if run.extra_loss is None else loss + run.extra_loss(step)

    def _task_loss(self, step: TrainingStep) -> Tensor:
        task, smoothing = self.run.data.task, self.run.recipe.label_smoothing
        if smoothing:
            return task.smoothed_loss(step.outputs, step.batch, smoothing)
        return task.loss(step.outputs, step.batch)

    # -- reports

    def _report(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise FailedPrecondition(
                f"the training loss became {loss} at step {self.result.steps} of phase '{self.run.phase}'; lower "
                f"config.recipe.lr (now {self.run.recipe.lr:g}), add warmup_epochs or set grad_clip"
            )
        if self.accelerator.is_main_process:
            step = self.result.steps
            self.run.job.metric(f"{self.prefix}train/loss", loss, step)
            self.run.job.metric(f"{self.prefix}train/lr", self.prepared.optimizer.param_groups[0]["lr"], step)

    def _check(self, epoch: int) -> None:
        """Report progress now and then; this is where a cancelled job stops."""
        now_s = time.monotonic()
        if now_s - self._last_check_s < _CHECK_S and self.result.steps < self.total_steps:
            return
        self._last_check_s = now_s
        low, high = self.run.progress
        done = self.result.steps / self.total_steps
        message = f"{self.run.phase}: epoch {epoch + 1}/{self.epochs}"
        self.run.job.progress(low + (high - low) * done, message)

    def _validate(self, split: str) -> dict[str, float]:
        run = self.run
        measured = evaluate(
            run.module, run.data, split, device=self.accelerator.device, check=run.job.raise_if_cancelled
        )
        self.result.validation = measured
        if self.accelerator.is_main_process:
            run.job.metrics(measured, self.result.steps, prefix=f"{self.prefix}{split}/")
        return {f"{split}/{name}": value for name, value in measured.items()}

    # -- checkpoints

    def _save(self, epochs: int) -> None:
        scaler = self.accelerator.scaler
        if self.accelerator.is_main_process:
            self.run.job.phases.save(
                self.run.phase,
                {
                    "epochs": epochs,
                    "model": self.run.module.state_dict(),
                    "optimizer": _torch_optimizer(self.prepared.optimizer).state_dict(),
                    "scaler": scaler.state_dict() if scaler is not None else {},
                    "companions": self.run.companions.state_dict(),
                    "result": asdict(self.result),
                },
            )


def _restore(run: TrainingRun, prepared: Prepared, result: TrainingResult) -> int:
    """Load the running phase's state if there is one; return the epoch to go on with."""
    state = run.job.phases.running(run.phase)
    if state is None:
        return 0
    run.module.load_state_dict(state["model"])
    run.companions.load_state_dict(state["companions"])
    _torch_optimizer(prepared.optimizer).load_state_dict(state["optimizer"])
    if prepared.accelerator.scaler is not None and state["scaler"]:
        prepared.accelerator.scaler.load_state_dict(state["scaler"])
    for name, value in state["result"].items():
        setattr(result, name, value)
    epochs: int = state["epochs"]
    run.job.logger.info("phase '%s' goes on after epoch %d", run.phase, epochs)
    return epochs


def _torch_optimizer(optimizer: Any) -> torch.optim.Optimizer:
    """Return torch's optimizer inside accelerate's."""
    inner: torch.optim.Optimizer = getattr(optimizer, "optimizer", optimizer)
    return inner


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
