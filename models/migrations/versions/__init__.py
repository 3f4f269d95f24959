"""One file per step, named by date and purpose (at most 32 characters: the width of alembic_version)."""
