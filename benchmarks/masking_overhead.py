"""Masked training against dense training: how much longer an optimizer step takes.

    python benchmarks/masking_overhead.py

Steps of a dense and of a masked ResNet-20 alternate in one process, so that whatever else the machine does hits
both. Prints one table and writes ``benchmarks/results/masking_overhead.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

from palmette_plugins.architectures.loading import load_model_reference
from palmette_plugins.engines.optimizers import build_optimizer
from palmette_plugins.engines.recipe import Recipe
from palmette_plugins.engines.seeding import seeded_generator
from palmette_plugins.engines.sparsity.draw import Draw, draw_masks
from palmette_plugins.engines.sparsity.layers import layer_shapes
from palmette_plugins.engines.sparsity.masks import RemovedWeights, masked_optimizer_hook, set_masks
from palmette_plugins.engines.sparsity.plan import plan_sparsity
from palmette_plugins.engines.sparsity.ratios import Ratio

BAR = 1.10
RESULT = Path(__file__).parent / "results" / "masking_overhead.json"


@dataclass(frozen=True)
class Row:
    """Median wall times of a step, and the medians of the ratios of neighbouring steps.

    The ratio of CPU times stands beside that of wall times: on a machine that is busy with other things it is the
    one to look at.
    """

    optimizer: str
    precision: str
    dense_ms: float
    masked_ms: float
    ratio: float
    cpu_ratio: float


class Trainer:
    """One network with its optimizer."""

    def __init__(self, model: str, recipe: Recipe, density: float, device: torch.device) -> None:
        self.module: nn.Module = load_model_reference(model, "model", None, None, seed=0).module
        if density < 1.0:
            plan = plan_sparsity(layer_shapes(self.module), Ratio.ERK, density)
            set_masks(self.module, draw_masks(plan, Draw.EXACT, seeded_generator(0, "masks")))
        self.module.to(device).to(memory_format=torch.channels_last)
        self.optimizer = build_optimizer(self.module, recipe)
        masked_optimizer_hook(self.optimizer, RemovedWeights(self.module))

    def step_ms(self, images: Tensor, labels: Tensor, bf16: bool) -> tuple[float, float]:
        """Make one step; return its wall time and its CPU time in ms."""
        started_s, cpu_s = time.perf_counter(), time.process_time()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(self.module(images), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if images.is_cuda:
            torch.cuda.synchronize()
        return 1e3 * (time.perf_counter() - started_s), 1e3 * (time.process_time() - cpu_s)


def measure(options: argparse.Namespace, optimizer: str, precision: str, device: torch.device) -> Row:
    """Alternate dense and masked steps."""
    recipe = Recipe(optimizer=optimizer)
    dense = Trainer(options.model, recipe, 1.0, device)
    masked = Trainer(options.model, recipe, options.density, device)
    images = torch.randn(options.batch_size, 1, 28, 28, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(options.batch_size, device=device) % 10
    bf16 = precision == "bf16"
    for _ in range(3):
        dense.step_ms(images, labels, bf16), masked.step_ms(images, labels, bf16)
    pairs = [(dense.step_ms(images, labels, bf16), masked.step_ms(images, labels, bf16)) for _ in range(options.steps)]
    return Row(
        optimizer=optimizer,
        precision=precision,
        dense_ms=statistics.median(plain[0] for plain, _ in pairs),
        masked_ms=statistics.median(sparse[0] for _, sparse in pairs),
        ratio=statistics.median(sparse[0] / plain[0] for plain, sparse in pairs),
        cpu_ratio=statistics.median(sparse[1] / plain[1] for plain, sparse in pairs),
    )


def judged(row: Row, device: torch.device) -> float:
    """Return the ratio that the bar applies to: on a CPU all the work is CPU time, and others' work is not in it."""
    return row.cpu_ratio if device.type == "cpu" else row.ratio


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="zoo:resnet20?in_channels=1&num_classes=10")
    parser.add_argument("--density", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=30, help="pairs of steps that count")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = [
        measure(options, optimizer, precision, device)
        for optimizer in ("sgd", "adamw")
        for precision in ("fp32", "bf16")
    ]

    table = Table(title=f"Masking overhead: {options.model}, density {options.density:g}, batch {options.batch_size}")
    for heading in (
        "optimizer",
        "precision",
        "dense ms/step",
        "masked ms/step",
        "masked / dense",
        "in CPU time",
        f"bar {BAR:g}",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        times = (row.dense_ms, row.masked_ms)
        ratios = (row.ratio, row.cpu_ratio)
        cells = [*(f"{ms:.1f}" for ms in times), *(f"{ratio:.3f}" for ratio in ratios)]
        table.add_row(row.optimizer, row.precision, *cells, "ok" if judged(row, device) <= BAR else "missed")
    Console().print(table)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "benchmark": "masking_overhead",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": torch.cuda.get_device_name()
            if device.type == "cuda"
            else platform.processor() or platform.machine(),
            "threads": options.threads,
            "torch": torch.__version__,
        },
        "settings": {
            "model": options.model,
            "density": options.density,
            "batch_size": options.batch_size,
            "steps": options.steps,
        },
        "rows": [asdict(row) for row in rows],
    }
    options.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
