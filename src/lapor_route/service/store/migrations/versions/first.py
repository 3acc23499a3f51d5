"""The first tables: routings, feedback, the officers' queue, API keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("routings", "feedback")


def upgrade() -> None:
    """Makes all of them."""
    _make_routings()
    _make_feedback()
    _make_queue()
    _make_keys()
    if op.get_bind().dialect.name == "postgresql":
        _refuse_updates_postgresql()
        # What was decided lies in front of what waits until it's vacuumed away.
        op.execute("ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0.02)")
    else:
        _refuse_updates_sqlite()


def _make_routings() -> None:
    op.create_table(
        "routings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("caller_id", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("first_body_id", sa.Text),
        sa.Column("model_version", sa.Text),
        sa.Column("routing", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("top_k", sa.Integer, nullable=False),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("key_name", sa.Text),
        sa.CheckConstraint("decision IN ('forward', 'review', 'ask')", name="ck_routings_decision"),
    )
    op.create_index("ix_routings_created_at", "routings", ["created_at", "id"])
    op.create_index("ix_routings_day", "routings", ["day", "decision"])
    op.create_index("ix_routings_caller_id", "routings", ["caller_id", "created_at", "id"])


def _make_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("routing_id", sa.Text, sa.ForeignKey("routings.id", ondelete="CASCADE"), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("body_id", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("officer", sa.Text),
        sa.CheckConstraint(
            "verdict IN ('accepted', 'changed', 'out_of_scope') AND (verdict = 'out_of_scope') = (body_id IS NULL)",
            name="ck_feedback_verdict",
        ),
    )
    op.create_index("ix_feedback_routing_id", "feedback", ["routing_id", "created_at", "id"])


def _make_queue() -> None:
    routing_id = sa.ForeignKey("routings.id", ondelete="CASCADE")
    op.create_table(
        "queue",
        sa.Column("routing_id", sa.Text, routing_id, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_queue_created_at", "queue", ["created_at", "routing_id"])
    op.create_table(
        "skips",
        sa.Column("routing_id", sa.Text, sa.ForeignKey("queue.routing_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("holder", sa.Text, primary_key=True),
        sa.Column("skipped_until", sa.DateTime(timezone=True), nullable=False),
    )


def _make_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )


def _refuse_updates_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION lapor_route_refuse_update() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lapor_route_refuse_update()"
        )


def _refuse_updates_sqlite() -> None:
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
