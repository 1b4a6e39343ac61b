"""From a trained artifact to the first answer of Triton, and what serving it costs.

python benchmarks/export_deploy.py [--json FILE]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from service_under_test import Figure, at_most, percentile, report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.services.serving.deployments.calls import ClientLoop, deploy, infer, settled
from tests.services.serving.models import TrainedModel, trained
from tests.services.serving.processes import Serving, Triton, wait_until
from tritonclient.utils import InferenceServerException

from palmette_plugins.api import run_method
from palmette_plugins.pruning_growth.dense_training import DenseTraining

REQUESTS = 500


def main() -> None:
    """Deploy a resnet20 cold and warm, roll it under load, restart Triton, and time single requests."""
    with tempfile.TemporaryDirectory(prefix="palmette-benchmark-") as folder:
        root = Path(folder)
        models = [train(root / "store", seed) for seed in (0, 1)]
        triton = Triton(root)
        serving = Serving(root, triton, root / "store")
        for process in (triton, serving):
            process.start()
        try:
            triton.wait_ready()
            serving.wait_ready()
            report("Export and deploy resnet20 (1x8x8 images)", measure(triton, serving, *models))
        finally:
            serving.stop()
            triton.stop()


def train(store: Path, seed: int) -> TrainedModel:
    """Train for an epoch: weights that are not those of the initialisation."""
    result = run_method(
        DenseTraining, store=store, seed=seed, model="zoo:resnet20", data="digits", recipe={"epochs": 1}
    )
    return trained(store, result.artifacts["model"][0])


def measure(triton: Triton, serving: Serving, first: TrainedModel, second: TrainedModel) -> list[Figure]:
    """Return the table."""
    cold_s = timed(lambda: deploy(serving, "cold", first.id))
    warm_s = timed(lambda: deploy(serving, "warm", second.id))
    with ClientLoop(triton, "warm", first.images[:1]) as loop:
        wait_until(lambda: len(loop.versions) > 10, "requests flow")
        roll_s = timed(lambda: deploy(serving, "warm", first.servable))
    torch_s = timed(lambda: deploy(serving, "torch", second.id, runtime=2))
    triton.kill()
    triton.start()
    restart_s = timed(lambda: wait_until(lambda: answers(triton, first), "the model answers again"))
    settled(serving, "cold")
    single_ms = latencies_ms(triton, first, 1)
    full_ms = latencies_ms(triton, first, 32)
    return [
        at_most("export + deploy, service just started", cold_s, "s", 20.0),
        at_most("export + deploy, warm", warm_s, "s", 20.0),
        Figure("export + deploy with the torch runtime", torch_s, "s"),
        Figure("roll to an exported version under load", roll_s, "s"),
        at_most("requests that failed during the roll", float(len(loop.errors)), "", 0.0),
        Figure("Triton killed and started -> answers", restart_s, "s"),
        Figure("batch of 1, p50", percentile(single_ms, 0.5), "ms"),
        Figure("batch of 1, p99", percentile(single_ms, 0.99), "ms"),
        Figure("batch of 32, p50", percentile(full_ms, 0.5), "ms"),
    ]


def timed(action: Callable[[], object]) -> float:
    """Return how long an action took, in seconds."""
    start_s = time.perf_counter()
    action()
    return time.perf_counter() - start_s


def answers(triton: Triton, model: TrainedModel) -> bool:
    """Tell whether the deployment `cold` answers."""
    with triton.client() as client:
        try:
            infer(client, "cold", model.images[:1])
        except InferenceServerException:
            return False
    return True


def latencies_ms(triton: Triton, model: TrainedModel, batch: int) -> list[float]:
    """Return the times of single requests, one after the other."""
    with triton.client() as client:
        return [1000 * timed(lambda: infer(client, "cold", model.images[:batch])) for _ in range(REQUESTS)]


if __name__ == "__main__":
    main()
