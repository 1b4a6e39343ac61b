"""The worker's process, from fork to exit."""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from pathlib import Path

from palmette_plugins.api.errors import JobCancelled
from palmette_plugins.api.execute import execute
from palmette_plugins.api.job_spec import JobSpec
from palmette_protos.v1 import job_pb2
from palmette_protos.worker.v1 import worker_pb2
from palmette_services.runtime.executors.executor import WorkerLaunch
from palmette_services.runtime.rpc.structs import struct_to_dict
from palmette_services.runtime.worker.attempt_trace import AttemptTrace
from palmette_services.runtime.worker.failures import failure_of
from palmette_services.runtime.worker.link import ServiceLink
from palmette_services.runtime.worker.output import OutputFollower, redirect_output
from palmette_services.runtime.worker.sink import EventSink
from palmette_services.runtime.worker.ticker import Ticker

_OOM_SCORE = "500"  # when memory runs out the kernel should take the worker, not the service


def run_worker(launch: WorkerLaunch) -> None:
    """Run one attempt and end the process."""
    trace = AttemptTrace(launch)
    trace.enter("start")
    _settle(launch)
    link = ServiceLink(launch)
    start = link.open()
    sink = EventSink(link)
    output = OutputFollower(Path(launch.log_path), sink)
    ticker = Ticker([output.report, sink.flush])
    ticker.start()
    trace.enter("run")
    finished = _run(start, sink, launch)
    trace.enter("commit")
    ticker.stop()
    output.close()
    sink.flush()
    link.finish(finished)
    trace.send(start, finished)
    os._exit(0)  # threads that the plugin left behind must not hold the slot


def _settle(launch: WorkerLaunch) -> None:
    """Make this process one of its own: session, output, signals, devices, limits."""
    os.setsid()
    redirect_output(Path(launch.log_path))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in launch.gpus)
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(max(1, round(launch.cpu)))
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text(_OOM_SCORE)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


def _run(start: worker_pb2.Start, sink: EventSink, launch: WorkerLaunch) -> worker_pb2.Finished:
    """Run the method; return how it ended."""
    try:
        execute(_spec(start, launch), sink)
    except JobCancelled as error:
        if sink.cancel_reason() is not None:
            return worker_pb2.Finished(state=job_pb2.JOB_STATE_CANCELLED)
        return _failed(error, start.plugin, sink)
    except BaseException as error:  # noqa: BLE001 - the job's border: SystemExit and KeyboardInterrupt too
        return _failed(error, start.plugin, sink)
    return worker_pb2.Finished(state=job_pb2.JOB_STATE_SUCCEEDED)


def _failed(error: BaseException, plugin: str, sink: EventSink) -> worker_pb2.Finished:
    failure = failure_of(error, plugin, sink.log_tail())
    sink.log(logging.ERROR, failure.message)
    return worker_pb2.Finished(state=job_pb2.JOB_STATE_FAILED, error=failure.to_status())


def _spec(start: worker_pb2.Start, launch: WorkerLaunch) -> JobSpec:
    return JobSpec(
        service=start.plugin_group.rsplit(".", 1)[-1],
        plugin=start.plugin,
        inputs={name: list(given.references) for name, given in start.inputs.items()},
        config=struct_to_dict(start.config),
        seed=start.seed,
        artifact_store_url=start.artifact_store_url,
        checkpoint_url=start.checkpoint_url,
        job=start.job,
        cpu=launch.cpu,
    )
