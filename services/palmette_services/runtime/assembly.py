"""Building a service from its parts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from palmette_plugins.api.artifacts import ArtifactStore
from palmette_protos.v1 import job_pb2_grpc, plugin_pb2_grpc
from palmette_services.runtime.database import Database
from palmette_services.runtime.database.file_lock import DatabaseLock
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.database.url import sqlite_file
from palmette_services.runtime.executors.executor import Executor
from palmette_services.runtime.executors.local import LocalExecutor
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.jobs.acceptance import Acceptance
from palmette_services.runtime.jobs.checks import PluginCheck
from palmette_services.runtime.jobs.files import JobFiles
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.servicer import JobServicer
from palmette_services.runtime.observability.endpoint import metrics_endpoint
from palmette_services.runtime.observability.metrics import MetricsInterceptor, ServiceMetrics
from palmette_services.runtime.observability.traces import COLLECTOR_MODULE, set_up_traces
from palmette_services.runtime.plugins.catalogue import Catalogue
from palmette_services.runtime.plugins.servicer import PluginServicer
from palmette_services.runtime.processes.forkserver import Forkserver
from palmette_services.runtime.rpc.gateway_only import demanded_secret
from palmette_services.runtime.rpc.health import Health
from palmette_services.runtime.rpc.server import make_server
from palmette_services.runtime.runtime import Runtime
from palmette_services.runtime.scheduling.capacity import Capacity
from palmette_services.runtime.scheduling.engine import JobEngine
from palmette_services.runtime.settings import ServiceSettings
from palmette_services.runtime.tasks import BackgroundTasks


@dataclass(frozen=True)
class Service:
    """A service that is built and does not serve yet; what `runtime` does not show its own code."""

    runtime: Runtime
    engine: JobEngine
    executor: Executor
    catalogue: Catalogue
    files: JobFiles
    metrics: ServiceMetrics


async def build_service(
    name: str, settings: ServiceSettings, migrations: Sequence[Path], stack: AsyncExitStack
) -> Service:
    """Build a service; `stack` takes what must be closed, in the right order.

    Args:
        name: Name of the service.
        settings: Resolved settings.
        migrations: Folders with Alembic revisions of the service's own tables.
        stack: Closed by the caller when the service has drained.
    """
    secret = demanded_secret(settings)
    database = await _open_database(settings, migrations, stack)
    metrics = ServiceMetrics()
    stack.enter_context(metrics_endpoint(settings.metrics_listen, metrics.registry))
    tracing = set_up_traces(name, settings.otlp_endpoint)
    stack.callback(tracing.close)
    preload = f"{settings.preload},{COLLECTOR_MODULE}" if tracing.endpoint else settings.preload
    forkserver = Forkserver(preload, settings.start_timeout_s, settings.worker_nice)
    stack.push_async_callback(forkserver.close)
    inspector = Inspector(name, forkserver, settings.artifact_store_url, settings.check_timeout_s)
    stack.push_async_callback(inspector.close)

    files = JobFiles(settings.folder)
    catalogue = Catalogue(name, settings.folder / "cache", settings.worker_nice)
    stack.push_async_callback(catalogue.close)
    executor = LocalExecutor(forkserver, _capacity(settings), settings.job_cpu)
    acceptance = Acceptance(name, settings.artifact_store_url, PluginCheck(catalogue, inspector), executor.violations)
    jobs = JobQueue(name, database, acceptance, files, settings.max_queued)
    jobs.start()
    stack.push_async_callback(jobs.close)
    engine = JobEngine(name, settings, database, jobs, executor, files, metrics, catalogue.list_outputs, tracing)
    tasks = BackgroundTasks()
    stack.push_async_callback(tasks.stop)

    server = make_server(settings.max_message_bytes, [*tracing.interceptors, MetricsInterceptor(metrics)], secret)
    runtime = Runtime(
        name=name,
        settings=settings,
        server=server,
        database=database,
        jobs=jobs,
        inspector=inspector,
        store=ArtifactStore(settings.artifact_store_url),
        health=Health(server),
        tasks=tasks,
    )
    job_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(name, jobs), server)
    runtime.reflect("palmette.v1.JobService")
    plugin_pb2_grpc.add_PluginServiceServicer_to_server(PluginServicer(name, catalogue), server)
    runtime.reflect("palmette.v1.PluginService")
    engine.add_to(server)
    return Service(runtime, engine, executor, catalogue, files, metrics)


async def _open_database(settings: ServiceSettings, migrations: Sequence[Path], stack: AsyncExitStack) -> Database:
    file = sqlite_file(settings.database_url)
    if file is not None:
        lock = DatabaseLock(file)
        lock.acquire()
        stack.callback(lock.release)
    await asyncio.to_thread(migrate, settings.database_url, migrations)
    database = Database(settings.database_url)
    database.start()
    stack.push_async_callback(database.close)
    return database


def _capacity(settings: ServiceSettings) -> Capacity:
    return Capacity(
        slots=settings.slots,
        # Every slot can be used by jobs that do not ask for cores, whatever the rounding.
        cpu=max(float(os.cpu_count() or 1), settings.slots * settings.job_cpu),
        gpus=settings.gpus,
        memory_bytes=settings.memory_bytes or psutil.virtual_memory().total,
    )
