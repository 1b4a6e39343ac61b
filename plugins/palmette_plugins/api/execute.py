"""Running one job in this process."""

from __future__ import annotations

import os
import random
from typing import cast

from palmette_plugins.api import entry_points
from palmette_plugins.api.config import parse_config
from palmette_plugins.api.job import JobContext
from palmette_plugins.api.job_spec import JobSpec
from palmette_plugins.api.method import Method
from palmette_plugins.api.sink import JobSink


def execute(spec: JobSpec, sink: JobSink, method: type[Method] | None = None) -> None:
    """Run a job to its end; whatever the method raises comes out.

    Random states are seeded from the job first, so the same job gives the same result. `method` is the
    plugin's class where it is at hand (a notebook); otherwise its entry point is imported.
    """
    method_type = method or cast(
        "type[Method]", entry_points.load(entry_points.methods_group(spec.service), spec.plugin, "plugin")
    )
    instance = method_type(parse_config(method_type.Config, spec.config))
    _prepare_torch(spec)
    instance.run(JobContext(spec, instance, sink))


def _prepare_torch(spec: JobSpec) -> None:
    import numpy
    import torch

    random.seed(spec.seed)
    numpy.random.seed(spec.seed % 2**32)
    torch.manual_seed(spec.seed)
    torch.set_num_threads(max(1, round(spec.cpu)) if spec.cpu else len(os.sched_getaffinity(0)))
