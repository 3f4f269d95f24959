"""How Alembic runs here: on the connection models.store hands over, inside that connection's one transaction."""

from __future__ import annotations

from alembic import context

from models.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite's DDL is transactional once the driver leaves BEGIN to us (models.store): a killed migration leaves nothing
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
