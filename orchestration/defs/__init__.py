"""Definitions by concept, loaded from these folders; only definitions live here."""
