"""The Alembic environment of the store; `revisions` runs it, no alembic.ini is needed."""
