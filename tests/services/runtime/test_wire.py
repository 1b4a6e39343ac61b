"""Required fields, structs and texts at the border."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from palmette_plugins.api import errors
from palmette_protos.serving.v1 import deployment_pb2
from palmette_protos.v1 import artifact_pb2, job_pb2
from palmette_services.runtime.jobs.submission import content_digest
from palmette_services.runtime.rpc.codes import Unauthenticated
from palmette_services.runtime.rpc.errors import database_error, error_status
from palmette_services.runtime.rpc.required_fields import missing_fields
from palmette_services.runtime.rpc.structs import dict_to_struct, struct_to_dict
from palmette_services.runtime.worker.texts import clean_text, one_line

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text("abc"), children, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc"), plain, max_size=4))
def test_struct_gives_back_what_was_put_in(values: dict[str, object]) -> None:
    assert struct_to_dict(dict_to_struct(values)) == values


def test_whole_numbers_come_back_as_int() -> None:
    assert isinstance(struct_to_dict(dict_to_struct({"epochs": 3}))["epochs"], int)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (job_pb2.SubmitJobRequest(), ["parent", "job"]),
        (job_pb2.SubmitJobRequest(parent="p", job=job_pb2.Job()), ["job", "job.plugin"]),
        (job_pb2.SubmitJobRequest(parent="p", job=job_pb2.Job(plugin="x")), []),
        (job_pb2.GetJobRequest(), ["name"]),
        (deployment_pb2.CreateDeploymentRequest(deployment_id="x"), ["artifact"]),
        (artifact_pb2.UploadArtifactRequest(header=artifact_pb2.UploadHeader()), ["header.manifest"]),
        (job_pb2.ListJobsRequest(), []),
    ],
)
def test_missing_required_fields_are_found_in_nested_messages(message: object, fields: list[str]) -> None:
    found = [violation.field for violation in missing_fields(message)]  # type: ignore[arg-type]
    assert found in (fields, [field for field in fields if field != "job"])


@given(st.text(st.characters()))  # halves of surrogate pairs too
def test_clean_text_can_always_be_stored(text: str) -> None:
    cleaned = clean_text(text)
    assert "\x00" not in cleaned
    assert job_pb2.LogLine.FromString(job_pb2.LogLine(text=cleaned).SerializeToString()).text == cleaned


def test_long_text_says_what_was_left_out() -> None:
    assert clean_text("x" * 30, 10) == f"{'x' * 10} [20 characters left out]"
    assert one_line("\n  first \n second") == "first"


def test_digest_does_not_depend_on_the_order_of_maps() -> None:
    first, second = job_pb2.Job(plugin="x"), job_pb2.Job(plugin="x")
    for key in ("a", "b", "c"):
        first.labels[key] = key
    for key in ("c", "b", "a"):
        second.labels[key] = key
    assert content_digest(first) == content_digest(second)


@pytest.mark.parametrize(
    ("error", "code", "details"),
    [
        (errors.ResourceExhausted("full"), grpc.StatusCode.RESOURCE_EXHAUSTED, {"ErrorInfo", "RetryInfo"}),
        (errors.Unavailable("away"), grpc.StatusCode.UNAVAILABLE, {"ErrorInfo", "RetryInfo"}),
        (errors.NotFound("gone"), grpc.StatusCode.NOT_FOUND, {"ErrorInfo"}),
        (errors.InvalidArgument.field("a", "b"), grpc.StatusCode.INVALID_ARGUMENT, {"ErrorInfo", "BadRequest"}),
        (Unauthenticated("who"), grpc.StatusCode.UNAUTHENTICATED, {"ErrorInfo"}),
    ],
)
def test_errors_carry_the_details_that_clients_act_on(
    error: errors.PalmetteError, code: grpc.StatusCode, details: set[str]
) -> None:
    status = error_status(error)
    assert status.code == code.value[0]
    assert {detail.type_url.rsplit(".", 1)[-1] for detail in status.details} == details


def test_full_disk_of_the_database_is_not_called_an_outage() -> None:
    error = OperationalError("INSERT", {}, Exception("database or disk is full"))
    assert isinstance(database_error(error), errors.ResourceExhausted)
    assert isinstance(database_error(OperationalError("", {}, Exception("connection refused"))), errors.Unavailable)
