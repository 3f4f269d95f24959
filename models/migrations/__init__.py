"""Alembic migrations of the operational store; found as a package resource, so an installed wheel needs no ini file."""
