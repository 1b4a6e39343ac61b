"""The life of a service process: build, serve, drain."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from palmette_plugins.api.errors import PalmetteError
from palmette_services.runtime.assembly import Service, build_service
from palmette_services.runtime.jobs.retention import keep_tidy
from palmette_services.runtime.observability.logs import set_up_logs
from palmette_services.runtime.observability.observer import observe
from palmette_services.runtime.rpc.server import listen
from palmette_services.runtime.runtime import Runtime
from palmette_services.runtime.settings import ServiceSettings

Extend = Callable[[Runtime], Awaitable[None]]
_log = structlog.get_logger(__name__)


def run_service(
    name: str, settings: ServiceSettings, extend: Extend | None = None, *, migrations: Sequence[Path] = ()
) -> None:
    """Run a service until SIGTERM or SIGINT. Exits with status 1 if it cannot start or a part of it failed.

    At SIGTERM it drains: it answers NOT_SERVING, refuses submissions, tells the workers of running jobs to
    stop and puts their jobs back into the queue; they go on from their last checkpoint at the next start.

    Args:
        name: Name of the service, such as ``pruning_growth``.
        settings: Its settings.
        extend: Called before the server starts: adds servicers and background tasks.
        migrations: Folders with Alembic revisions of the service's own tables.
    """
    set_up_logs(name, form=settings.log_format, level=settings.log_level)
    try:
        settings = settings.resolved(name)
        whole = asyncio.run(_serve(name, settings, extend, migrations))
    except PalmetteError as error:
        _log.error("cannot run", error=str(error))
        sys.exit(1)
    sys.exit(0 if whole else 1)


async def _serve(name: str, settings: ServiceSettings, extend: Extend | None, migrations: Sequence[Path]) -> bool:
    """Serve until told to stop; tell whether every part worked to the end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        service = await build_service(name, settings, migrations, stack)
        runtime = service.runtime
        if extend is not None:
            await extend(runtime)
        await service.engine.adopt()
        runtime.health.enable_reflection()
        listen(runtime.server, settings.listen)
        await runtime.server.start()
        await runtime.health.serve(True)
        _log.info("serving", address=settings.listen)
        _start_background(service)
        await _first_of(stop, runtime.tasks.failed)
        _log.info("draining")
        await _drain(service)
    _log.info("stopped")
    return not runtime.tasks.failed.is_set()


def _start_background(service: Service) -> None:
    runtime = service.runtime
    runtime.spawn(runtime.health.watch_database(runtime.database), "health")
    runtime.spawn(service.engine.run(), "jobs")
    runtime.spawn(_warm(service), "warm up")
    runtime.spawn(keep_tidy(runtime.database, service.files, runtime.settings.retention_days), "retention")
    observing = observe(
        service.metrics, runtime.database, runtime.jobs, service.engine.attempts, runtime.settings.slots
    )
    runtime.spawn(observing, "metrics")


async def _warm(service: Service) -> None:
    """Get ready what the first submission needs, so that it does not wait for it."""
    try:
        await service.executor.warm()
        await service.runtime.inspector.warm()
        await service.catalogue.plugins()
    except (PalmetteError, OSError) as error:  # whoever needs it will see for himself
        _log.error("cannot warm up", error=str(error))


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _drain(service: Service) -> None:
    runtime = service.runtime
    await runtime.health.stop()
    runtime.jobs.stop_accepting()
    await service.engine.drain()  # the server must still hear the workers
    runtime.jobs.feed.close()
    await runtime.server.stop(runtime.settings.drain_grace_s)
