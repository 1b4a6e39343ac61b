"""The index of artifacts, and deployments with their versions."""

import sqlalchemy as sa
from alembic import op

revision = "serving_0001"
down_revision = None
branch_labels = ("serving",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("plugin", sa.String(length=256), nullable=False),
        sa.Column("job", sa.String(length=256), nullable=False),
        sa.Column("task", sa.String(length=128), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
    )
    op.create_index("ix_artifacts_created", "artifacts", ["create_time_us", "id"])
    op.create_index("ix_artifacts_kind", "artifacts", ["kind", "create_time_us", "id"])
    op.create_index("ix_artifacts_job", "artifacts", ["job"])
    op.create_table(
        "artifact_parents",
        sa.Column("child", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("child", "parent", name="pk_artifact_parents"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_artifact_parents_parent", "artifact_parents", ["parent"])
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=63), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("serving_version", sa.BigInteger(), nullable=False),
        sa.Column("target_version", sa.BigInteger(), nullable=False),
        sa.Column("deleting", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
    )
    op.create_table(
        "deployment_versions",
        sa.Column("deployment_id", sa.String(length=63), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("artifact", sa.String(length=64), nullable=False),
        sa.Column("servable", sa.String(length=64), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("runtime", sa.SmallInteger(), nullable=False),
        sa.Column("atol", sa.Double(), nullable=False),
        sa.Column("rtol", sa.Double(), nullable=False),
        sa.Column("export_job", sa.String(length=128), nullable=False),
        sa.Column("create_time_us", sa.BigInteger(), nullable=False),
        sa.Column("ready_time_us", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.LargeBinary(), nullable=True),
        sa.Column("served", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_deployment_versions_deployment_id_deployments",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deployment_id", "number", name="pk_deployment_versions"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("deployment_versions", "deployments", "artifact_parents", "artifacts"):
        op.drop_table(table)
