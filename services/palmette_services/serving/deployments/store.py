"""Deployments in the database. Every change of a version's state is a compare-and-set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.rpc import status_pb2
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from palmette_plugins.api.errors import NotFound
from palmette_protos.serving.v1 import deployment_pb2
from palmette_services.runtime.clock import now_us
from palmette_services.runtime.database import Database
from palmette_services.serving.deployments.states import KEEPS_ARTIFACT, Deployment, Version, VersionState
from palmette_services.serving.deployments.tables import DeploymentRow, VersionRow


@dataclass(frozen=True)
class NewVersion:
    """A version as it is asked for; `settings` is None where the deployment's own stay."""

    deployment_id: str
    artifact: str
    servable: str
    runtime: int
    atol: float
    rtol: float
    settings: deployment_pb2.ServingSettings | None


class DeploymentStore:
    """Reads and changes deployments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, deployment_id: str) -> Deployment | None:
        """Return a deployment, or None."""
        async with self._database.read() as connection:
            found = await _read(connection, DeploymentRow.id == deployment_id)
        return found[0] if found else None

    async def get(self, deployment_id: str) -> Deployment:
        """Return a deployment; raise `NotFound` with the nearest names."""
        found = await self.find(deployment_id)
        if found is None:
            known = [item.id for item in await self.all()]
            if not known:
                raise NotFound(f"no deployment named '{deployment_id}'; nothing is deployed")
            raise NotFound.named("deployment", deployment_id, known)
        return found

    async def all(self) -> list[Deployment]:
        """Return every deployment, by name."""
        async with self._database.read() as connection:
            return await _read(connection)

    async def page(self, after: str, size: int) -> list[Deployment]:
        """Return up to `size` deployments whose names follow `after`."""
        async with self._database.read() as connection:
            statement = select(DeploymentRow.id).where(DeploymentRow.id > after).order_by(DeploymentRow.id).limit(size)
            ids = list((await connection.execute(statement)).scalars())
            return await _read(connection, DeploymentRow.id.in_(ids))

    async def add_version(self, new: NewVersion) -> Deployment:
        """Store a version as the target, and the deployment if it is the first."""

        async def write(connection: AsyncConnection) -> None:
            numbers = select(func.max(VersionRow.number)).where(VersionRow.deployment_id == new.deployment_id)
            number = ((await connection.execute(numbers)).scalar() or 0) + 1
            if number == 1:
                await connection.execute(insert(DeploymentRow).values(_deployment_values(new)))
            else:
                change = update(DeploymentRow).where(DeploymentRow.id == new.deployment_id)
                await connection.execute(change.values(target_version=number))
                if new.settings is not None:
                    await connection.execute(change.values(settings=new.settings.SerializeToString()))
            await connection.execute(insert(VersionRow).values(_version_values(new, number)))

        await self._database.write(write)
        return await self.get(new.deployment_id)

    async def change_version(self, deployment_id: str, number: int, before: VersionState, **values: Any) -> bool:
        """Set columns of a version that is in the state `before`; tell whether it was."""

        async def write(connection: AsyncConnection) -> bool:
            return await _change(connection, deployment_id, number, before, values)

        return await self._database.write(write)

    async def fail_version(self, deployment_id: str, version: Version, error: status_pb2.Status) -> bool:
        """Move a version to FAILED."""
        values = {"state": VersionState.FAILED, "error": error.SerializeToString()}
        return await self.change_version(deployment_id, version.number, version.state, **values)

    async def make_serving(self, deployment: Deployment, number: int, served: bytes) -> None:
        """Say that a LOADING version serves now, and retire the one before."""
        ready = {"state": VersionState.READY, "served": served, "error": None, "ready_time_us": now_us()}

        async def write(connection: AsyncConnection) -> None:
            if not await _change(connection, deployment.id, number, VersionState.LOADING, ready):
                return  # deleted meanwhile
            if deployment.serving_version not in (0, number):
                retired = {"state": VersionState.RETIRED}
                await _change(connection, deployment.id, deployment.serving_version, VersionState.READY, retired)
            change = update(DeploymentRow).where(DeploymentRow.id == deployment.id)
            await connection.execute(change.values(serving_version=number))

        await self._database.write(write)

    async def set_target(self, deployment_id: str, version: Version) -> None:
        """Ask for a version that is there already; a RETIRED one is loaded again."""

        async def write(connection: AsyncConnection) -> None:
            if version.state is VersionState.RETIRED:
                loading = {"state": VersionState.LOADING, "error": None}
                await _change(connection, deployment_id, version.number, VersionState.RETIRED, loading)
            change = update(DeploymentRow).where(DeploymentRow.id == deployment_id)
            await connection.execute(change.values(target_version=version.number))

        await self._database.write(write)

    async def mark_deleting(self, deployment_id: str) -> None:
        """Say that a deployment is to go."""

        async def write(connection: AsyncConnection) -> None:
            change = update(DeploymentRow).where(DeploymentRow.id == deployment_id)
            await connection.execute(change.values(deleting=True))

        await self._database.write(write)

    async def remove(self, deployment_id: str) -> None:
        """Remove a deployment with its versions."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(DeploymentRow).where(DeploymentRow.id == deployment_id))

        await self._database.write(write)

    async def needed_artifacts(self) -> dict[str, str]:
        """Return the artifacts that a version needs or keeps for rollback: id -> name of the deployment."""
        return {
            identifier: f"deployments/{deployment.id} (version {version.number})"
            for deployment in await self.all()
            for version in deployment.versions
            if version.state in KEEPS_ARTIFACT
            for identifier in (version.artifact, version.servable)
            if identifier
        }


async def _change(
    connection: AsyncConnection, deployment_id: str, number: int, before: VersionState, values: dict[str, Any]
) -> bool:
    statement = update(VersionRow).where(
        VersionRow.deployment_id == deployment_id, VersionRow.number == number, VersionRow.state == before.value
    )
    plain = {name: value.value if isinstance(value, VersionState) else value for name, value in values.items()}
    return (await connection.execute(statement.values(plain))).rowcount == 1


async def _read(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Deployment]:
    rows = (
        await connection.execute(select(DeploymentRow.__table__).where(*conditions).order_by(DeploymentRow.id))
    ).all()
    versions: defaultdict[str, list[Version]] = defaultdict(list)
    statement = (
        select(VersionRow.__table__)
        .join(DeploymentRow, DeploymentRow.id == VersionRow.deployment_id)
        .where(*conditions)
        .order_by(VersionRow.number.desc())
    )
    for row in await connection.execute(statement):
        versions[row.deployment_id].append(_version(row))
    return [_deployment(row, versions[row.id]) for row in rows]


def _deployment(row: Any, versions: Sequence[Version]) -> Deployment:
    return Deployment(
        id=row.id,
        create_time_us=row.create_time_us,
        settings=deployment_pb2.ServingSettings.FromString(row.settings),
        serving_version=row.serving_version,
        target_version=row.target_version,
        deleting=row.deleting,
        versions=tuple(versions),
    )


def _version(row: Any) -> Version:
    return Version(
        number=row.number,
        artifact=row.artifact,
        servable=row.servable,
        state=VersionState(row.state),
        runtime=row.runtime,
        atol=row.atol,
        rtol=row.rtol,
        export_job=row.export_job,
        error=status_pb2.Status.FromString(row.error) if row.error is not None else None,
        served=deployment_pb2.DeploymentVersion.FromString(row.served),
        create_time_us=row.create_time_us,
        ready_time_us=row.ready_time_us,
    )


def _deployment_values(new: NewVersion) -> dict[str, Any]:
    settings = new.settings or deployment_pb2.ServingSettings()
    return {
        "id": new.deployment_id,
        "create_time_us": now_us(),
        "settings": settings.SerializeToString(),
        "serving_version": 0,
        "target_version": 1,
        "deleting": False,
    }


def _version_values(new: NewVersion, number: int) -> dict[str, Any]:
    return {
        "deployment_id": new.deployment_id,
        "number": number,
        "artifact": new.artifact,
        "servable": new.servable,
        # A servable needs no export.
        "state": (VersionState.LOADING if new.servable else VersionState.EXPORTING).value,
        "runtime": new.runtime,
        "atol": new.atol,
        "rtol": new.rtol,
        "export_job": "",
        "create_time_us": now_us(),
        "served": b"",
    }
