"""The dashboard with sample data, to look at: ``python -m tests.gateway.dashboard.sample_suite [PORT]``."""

from __future__ import annotations

import asyncio
import random
import sys

import uvicorn
from tests.gateway.dashboard.sample_suite.front import Front
from tests.gateway.dashboard.sample_suite.sample_jobs import EPOCHS, report_epoch
from tests.gateway.dashboard.sample_suite.server import SampleSuite

from palmette_gateway.dashboard.app import create_app


async def _live(suite: SampleSuite, training: str) -> None:
    """Let the training job go on and the figures move."""
    epoch, total = 12, 10 * EPOCHS
    while True:
        await asyncio.sleep(3)
        report_epoch(suite.store, training, epoch, total=total)
        epoch = min(epoch + 1, total - 2)
        stats = suite.deployments.stats["deployments/clothes"]
        stats.requests_per_s = max(0.0, stats.requests_per_s + random.gauss(0, 12))
        stats.p50_ms = abs(1.2 + random.gauss(0, 0.1))
        stats.p99_ms = abs(4.8 + random.gauss(0, 0.8))
        await suite.store.announce()


async def _main(port: int) -> None:
    suite = SampleSuite()
    await suite.start()
    training = suite.fill()
    server = uvicorn.Server(uvicorn.Config(Front(create_app(suite.api)), port=port, log_level="warning"))
    print(f"http://127.0.0.1:{port}/login#token=admin")
    live = asyncio.create_task(_live(suite, training))
    await server.serve()
    live.cancel()
    await suite.stop()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 8799))
