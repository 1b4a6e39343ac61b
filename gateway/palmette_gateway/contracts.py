"""Descriptors of everything that the gateway offers: Palmette's API, inference, health and reflection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tritonclient.grpc import service_pb2 as inference_pb2

from palmette_gateway.access.rules import INTERNAL

REFLECTION = "grpc.reflection.v1.ServerReflection"
REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection"


def palmette_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """Palmette's own contracts as they were compiled, internal services included."""
    content = files("palmette_protos").joinpath("descriptors.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(content)


def public_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """Everything that a client may see, dependencies first; without the files of internal services."""
    known: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for file in palmette_descriptors().file:
        if not any(f"{file.package}.{service.name}" in INTERNAL for service in file.service):
            known[file.name] = file
    # The details of errors are sent as Any: nothing imports them.
    modules = (error_details_pb2, inference_pb2, health_pb2, reflection_pb2)
    for descriptor in _with_dependencies(module.DESCRIPTOR for module in modules):
        if descriptor.name not in known:
            proto = descriptor_pb2.FileDescriptorProto()
            descriptor.CopyToProto(proto)
            known[descriptor.name] = proto
    return descriptor_pb2.FileDescriptorSet(file=known.values())


def _with_dependencies(descriptors: Iterable[FileDescriptor]) -> Iterator[FileDescriptor]:
    for descriptor in descriptors:
        yield from _with_dependencies(descriptor.dependencies)
        yield descriptor


def services(descriptors: descriptor_pb2.FileDescriptorSet) -> dict[str, descriptor_pb2.ServiceDescriptorProto]:
    """The services of a set of files by full name."""
    return {f"{file.package}.{service.name}": service for file in descriptors.file for service in file.service}
