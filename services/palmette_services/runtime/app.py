"""The life of a service process: build, serve, drain."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from palmette_plugins.api.artifacts import ArtifactStore
from palmette_plugins.api.errors import PalmetteError
from palmette_protos.v1 import job_pb2_grpc

from palmette_services.runtime.database import Database
from palmette_services.runtime.database.file_lock import DatabaseLock
from palmette_services.runtime.database.migrate import migrate
from palmette_services.runtime.database.url import sqlite_file
from palmette_services.runtime.inspector import Inspector
from palmette_services.runtime.jobs.acceptance import Acceptance
from palmette_services.runtime.jobs.queue import JobQueue
from palmette_services.runtime.jobs.servicer import JobServicer
from palmette_services.runtime.observability.logs import set_up_logs
from palmette_services.runtime.processes.forkserver import Forkserver
from palmette_services.runtime.rpc.health import Health
from palmette_services.runtime.rpc.server import listen, make_server
from palmette_services.runtime.runtime import Runtime
from palmette_services.runtime.settings import ServiceSettings
from palmette_services.runtime.tasks import BackgroundTasks

Extend = Callable[[Runtime], Awaitable[None]]
_log = structlog.get_logger(__name__)


def run_service(
    name: str, settings: ServiceSettings, extend: Extend | None = None, *, migrations: Sequence[Path] = ()
) -> None:
    """Run a service until SIGTERM or SIGINT. Exits with status 1 if it cannot start.

    Args:
        name: Name of the service, such as ``pruning_growth``.
        settings: Its settings.
        extend: Called before the server starts: adds servicers, background tasks.
        migrations: Folders with Alembic revisions of the service's own tables.
    """
    settings = settings.resolved(name)
    set_up_logs(name, form=settings.log_format, level=settings.log_level)
    try:
        asyncio.run(_serve(name, settings, extend, migrations))
    except PalmetteError as error:
        _log.error("cannot run", error=str(error))
        sys.exit(1)


async def _serve(name: str, settings: ServiceSettings, extend: Extend | None, migrations: Sequence[Path]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        runtime = await _build(name, settings, migrations, stack)
        if extend is not None:
            await extend(runtime)
        runtime.health.enable_reflection()
        listen(runtime.server, settings.listen)
        await runtime.server.start()
        await runtime.health.serve(True)
        _log.info("serving", address=settings.listen)
        runtime.spawn(runtime.health.watch_database(runtime.database), "health")
        runtime.spawn(_warm(runtime), "warm up")
        failed = asyncio.create_task(runtime.tasks.failed.wait())
        await asyncio.wait([asyncio.create_task(stop.wait()), failed], return_when=asyncio.FIRST_COMPLETED)
        _log.info("draining")
        await _drain(runtime)
    _log.info("stopped")


async def _build(name: str, settings: ServiceSettings, migrations: Sequence[Path], stack: AsyncExitStack) -> Runtime:
    file = sqlite_file(settings.database_url)
    if file is not None:
        lock = DatabaseLock(file)
        lock.acquire()
        stack.callback(lock.release)
    await asyncio.to_thread(migrate, settings.database_url, migrations)
    database = Database(settings.database_url)
    database.start()
    stack.push_async_callback(database.close)
    forkserver = Forkserver(settings.preload)
    stack.push_async_callback(forkserver.close)
    inspector = Inspector(name, forkserver, settings.artifact_store_url, settings.check_timeout_s)
    stack.push_async_callback(inspector.close)
    acceptance = Acceptance(name, settings.artifact_store_url, inspector)
    jobs = JobQueue(name, database, acceptance, settings.max_queued)
    server = make_server(settings.max_message_bytes)
    tasks = BackgroundTasks()
    stack.push_async_callback(tasks.stop)
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
    return runtime


async def _warm(runtime: Runtime) -> None:
    await runtime.inspector.warm()


async def _drain(runtime: Runtime) -> None:
    await runtime.health.stop()
    runtime.jobs.stop_accepting()
    runtime.jobs.feed.close()
    await runtime.server.stop(runtime.settings.drain_grace_s)
