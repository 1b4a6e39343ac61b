"""Deployments and their versions, in tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, ForeignKey, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from palmette_services.runtime.database import Base


class DeploymentRow(Base):
    """One name that serves; `settings` is a serialised ``ServingSettings``.

    `target_version` is the version that was asked for last, `serving_version` the one that serves (0 for none).
    """

    __tablename__ = "deployments"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    create_time_us: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[bytes] = mapped_column(LargeBinary)
    serving_version: Mapped[int] = mapped_column(BigInteger)
    target_version: Mapped[int] = mapped_column(BigInteger)
    deleting: Mapped[bool]


class VersionRow(Base):
    """One version; `served` is a serialised ``DeploymentVersion`` with what was learned by exporting it."""

    __tablename__ = "deployment_versions"

    deployment_id: Mapped[str] = mapped_column(
        String(63), ForeignKey("deployments.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    artifact: Mapped[str] = mapped_column(String(64))
    servable: Mapped[str] = mapped_column(String(64))
    state: Mapped[int] = mapped_column(SmallInteger)
    runtime: Mapped[int] = mapped_column(SmallInteger)
    atol: Mapped[float] = mapped_column(Double)
    rtol: Mapped[float] = mapped_column(Double)
    export_job: Mapped[str] = mapped_column(String(128))
    create_time_us: Mapped[int] = mapped_column(BigInteger)
    ready_time_us: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[bytes | None] = mapped_column(LargeBinary)
    served: Mapped[bytes] = mapped_column(LargeBinary)
