"""Meaning: mappings, reference tables and the dbt project."""
