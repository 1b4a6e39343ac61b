"""Reflection over the whole API, wherever in the suite a service runs."""

from __future__ import annotations

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from palmette_gateway.contracts import REFLECTION, public_descriptors, services


def add_reflection(server: grpc.aio.Server) -> None:
    """Serve reflection in its final and its alpha version, whose messages are the same."""
    descriptors = public_descriptors()
    pool = DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    servicer = reflection.ReflectionServicer(sorted(services(descriptors)), pool)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    final = grpc.method_handlers_generic_handler(REFLECTION, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((final,))
