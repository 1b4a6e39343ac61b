"""Triton as the control plane sees it."""

from __future__ import annotations

import asyncio

import grpc
from tritonclient.grpc import service_pb2_grpc

from palmette_gateway.addresses import Upstream
from palmette_gateway.channels import open_channel
from palmette_gateway.settings import Settings


class InferenceServer:
    """Its address, which may change, and a stub for it; None where the suite has no Triton."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channel: grpc.aio.Channel | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()
        self.address: Upstream | None = None
        self.stub: service_pb2_grpc.GRPCInferenceServiceStub | None = None

    def update(self, address: Upstream | None) -> None:
        """Take over an address."""
        if address == self.address:
            return
        if self._channel is not None:
            task = asyncio.create_task(self._channel.close())
            self._goodbyes.add(task)
            task.add_done_callback(self._goodbyes.discard)
        self.address, self._channel, self.stub = address, None, None
        if address is not None:
            self._channel = open_channel(address, self._settings)
            self.stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def close(self) -> None:
        """Close the channel."""
        await asyncio.gather(*self._goodbyes)
        if self._channel is not None:
            await self._channel.close()
