"""Artifacts, synchronously."""

from __future__ import annotations

from palmette import aio
from palmette.bridge import Bridged, blocking


class Artifacts(Bridged[aio.Artifacts]):
    """Reads, stores and removes artifacts. They are named ``artifacts/{id}``, ``artifact:{id}`` or by the id alone;
    the first 8 digits of the id are enough where they are unique."""

    get = blocking(aio.Artifacts.get)
    list = blocking(aio.Artifacts.list)
    download = blocking(aio.Artifacts.download)
    upload = blocking(aio.Artifacts.upload)
    lineage = blocking(aio.Artifacts.lineage)
    delete = blocking(aio.Artifacts.delete)
    collect_garbage = blocking(aio.Artifacts.collect_garbage)
