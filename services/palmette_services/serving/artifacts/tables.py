"""The index of the artifact store, in tables. The store is the truth; these make it searchable."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from palmette_services.runtime.database import Base


class ArtifactRow(Base):
    """One artifact; `summary` is a serialised ``palmette.v1.Artifact`` without manifest and figures."""

    __tablename__ = "artifacts"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    plugin: Mapped[str] = mapped_column(String(256))
    job: Mapped[str] = mapped_column(String(256))
    task: Mapped[str] = mapped_column(String(128))
    create_time_us: Mapped[int] = mapped_column(BigInteger)
    summary: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_artifacts_created", "create_time_us", "id"),
        Index("ix_artifacts_kind", "kind", "create_time_us", "id"),
        Index("ix_artifacts_job", "job"),
    )


class ArtifactParentRow(Base):
    """An arrow of the lineage; the parent may have been deleted since."""

    __tablename__ = "artifact_parents"

    child: Mapped[str] = mapped_column(String(64), primary_key=True)
    parent: Mapped[str] = mapped_column(String(64), primary_key=True)

    __table_args__ = (Index("ix_artifact_parents_parent", "parent"), {"sqlite_with_rowid": False})
