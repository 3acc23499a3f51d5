"""What Alembic runs: the migrations, in the transaction that `revisions.upgrade` holds open."""

from alembic import context

from lapor_route.service.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
