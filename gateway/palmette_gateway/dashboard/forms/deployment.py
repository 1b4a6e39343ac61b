"""The form that serves an artifact."""

from __future__ import annotations

from collections.abc import Mapping

from palmette.types import ArtifactName, Runtime
from palmette.wire.deployment import runtime_number
from palmette_gateway.dashboard.forms.fields import Field, FieldKind
from palmette_gateway.dashboard.forms.reading import Problems, read_fields
from palmette_protos.serving.v1 import deployment_pb2

FIELDS = (
    Field(
        "runtime",
        FieldKind.CHOICE,
        "what executes it; auto is the artifact's own choice",
        default=Runtime.AUTO.value,
        choices=tuple(runtime.value for runtime in Runtime),
    ),
    Field("max_batch_size", FieldKind.INTEGER, "largest batch; 64 when left out"),
    Field("max_queue_delay_us", FieldKind.INTEGER, "longest time that a request waits for company, in microseconds"),
    Field("instances", FieldKind.INTEGER, "copies of the model per device; 1 when left out"),
    Field("atol", FieldKind.NUMBER, "absolute tolerance of the comparison with PyTorch; 1e-4 when left out"),
    Field("rtol", FieldKind.NUMBER, "relative tolerance of the comparison with PyTorch; 1e-3 when left out"),
)
_SIZES = ("max_batch_size", "max_queue_delay_us", "instances")


def read_deployment(form: Mapping[str, str]) -> tuple[deployment_pb2.CreateDeploymentRequest, Problems]:
    """Return the call for a filled-in form, and what cannot be read; what is not allowed the service says."""
    problems = Problems()
    values = read_fields(FIELDS, form, problems)
    for name in _SIZES:
        if not 0 <= values.get(name, 0) < 2**31:
            problems[name] = "must not be negative, nor that large"
            del values[name]
    for name in ("deployment_id", "artifact"):
        if not form.get(name, "").strip():
            problems[name] = "required"
    request = deployment_pb2.CreateDeploymentRequest(
        deployment_id=form.get("deployment_id", "").strip(),
        artifact=str(ArtifactName.parse(form.get("artifact", ""))),
        runtime=runtime_number(values.get("runtime", Runtime.AUTO)),
        atol=values.get("atol", 0.0),
        rtol=values.get("rtol", 0.0),
    )
    settings = {name: values[name] for name in _SIZES if name in values}
    if settings:
        request.settings.CopyFrom(deployment_pb2.ServingSettings(**settings))
    return request, problems
