"""The asynchronous SDK: the same surface as `palmette`, with ``await``.

async with palmette.aio.Client() as client:
    job = await client.submit("random-pruning", model="zoo:resnet20", data="fashion-mnist", density=0.1)
    await job.wait(progress=True)
"""

from palmette.aio.artifacts import Artifacts
from palmette.aio.client import Client
from palmette.aio.deployment import Deployment
from palmette.aio.job import Job

__all__ = ["Artifacts", "Client", "Deployment", "Job"]
